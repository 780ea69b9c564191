import KraitPooling
import KraitTestSupport
import KraitWire
import Testing

/// Calls through the pool's shell.
@Suite(.timeLimit(.minutes(1))) struct WorkerPoolCallTests {
    @Test func `a call is sent with its id and without a deadline, and gets its answer`()
        async throws
    {
        try await PoolRig.run { rig in
            async let answer = rig.call()
            let worker = try await rig.worker(0)
            let call = try await worker.call(0)
            #expect(call.kind == .call && call.callID != 0 && call.remaining == 0)
            worker.answer(call.callID)
            #expect(try await answer.header.callID == call.callID)
            #expect(try await answer.sender == "0.1")
        }
    }

    @Test(
        arguments: [
            (Duration.milliseconds(1_500), 1_500), (.microseconds(1_500_001), 1_501),
            (.nanoseconds(1), 1), (.seconds(50 * 24 * 3_600), UInt32.max),
            (.seconds(Int64.max), .max),
        ] as [(Duration, UInt32)]
    )
    func `a worker is told how many milliseconds are left`(
        timeout: Duration,
        remaining: UInt32
    ) async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let answer = rig.call(timeout)
            let call = try await worker.call(0)
            #expect(call.remaining == remaining)
            worker.answer(call.callID)
            _ = try await answer
        }
    }

    @Test func `time in the queue counts`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let first = rig.call()
            let running = try await worker.call(0)
            async let second = rig.call(.milliseconds(100))
            try await rig.waitForQueue(1)
            rig.clock.advance(by: .milliseconds(40))
            worker.answer(running.callID)
            let queued = try await worker.call(1)
            #expect(queued.remaining == 60)
            worker.answer(queued.callID)
            _ = try await (first, second)
        }
    }

    @Test(arguments: [false, true])
    func `many calls each get their own answer`(preferring: Bool) async throws {
        try await PoolRig.run(.init(workers: 2), .init(slots: 4)) { rig in
            _ = try await rig.worker(1)
            let executor = preferring ? globalConcurrentExecutor : nil
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask(executorPreference: executor) { _ = try await rig.call() }
                }
                var answered: Set<UInt64> = []
                let isDone = await eventually {
                    for worker in rig.workers.all {
                        for call in worker.seen.calls where !answered.contains(call.callID) {
                            answered.insert(call.callID)
                            worker.answer(call.callID)
                        }
                    }
                    return answered.count == 200
                }
                #expect(isDone)
                try await group.waitForAll()
            }
            let status = await rig.pool.status()
            #expect(status.queued == 0 && status.workers.allSatisfy { $0.snapshot.busy == 0 })
            #expect(status.workers.reduce(0) { $0 + $1.snapshot.served } == 200)
        }
    }

    @Test func `several answers in one message each reach their caller`() async throws {
        try await PoolRig.run(.init(workers: 1), .init(slots: 2)) { rig in
            let worker = try await rig.worker(0)
            async let first = rig.call()
            async let second = rig.call()
            let ids = [try await worker.call(0).callID, try await worker.call(1).callID]
            worker.answer(ids[1], ids[0], ids[1], 77)
            let got = try await [first.header.callID, second.header.callID]
            #expect(Set(got) == Set(ids))
        }
    }

    @Test func `a full queue refuses at once`() async throws {
        try await PoolRig.run(.init(workers: 1, queueLimit: 1)) { rig in
            let worker = try await rig.worker(0)
            async let first = rig.failure()
            _ = try await worker.call(0)
            async let second = rig.failure()
            try await rig.waitForQueue(1)
            let refused = await rig.failure()
            expect(refused, .queueFull, .notSent)
            #expect(refused?.pool == "general")
            #expect(rig.events.contains("call.refused"))
            await rig.pool.stop()
            expect(await second, .shuttingDown, .notSent)
            expect(await first, .shuttingDown, .sent)
        }
    }

    @Test(arguments: [false, true])
    func `an answer may come before its caller has begun to wait`(
        preferring: Bool
    ) async throws {
        try await PoolRig.run(.init(workers: 1), .init(answersAtOnce: true)) { rig in
            let executor = preferring ? globalConcurrentExecutor : nil
            _ = try await rig.worker(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask(executorPreference: executor) { _ = try await rig.call() }
                }
                try await group.waitForAll()
            }
            #expect(await rig.pool.status().workers[0].snapshot.served == 100)
        }
    }

    // MARK: Deadlines

    @Test func `a queued call ends at its deadline`() async throws {
        try await PoolRig.run(.init(workers: 1), .init(slots: nil)) { rig in
            _ = try await rig.worker(0)
            async let failure = rig.failure(.seconds(3))
            try await rig.clock.waitForSleepers(1)
            rig.clock.advance(by: .seconds(3))
            expect(await failure, .deadlineExceeded, .notSent)
            #expect(rig.events.contains("call.expired"))
        }
    }

    @Test func `a call made before the pool runs ends at its deadline as well`() async throws {
        let rig = try PoolRig()
        async let failure = rig.failure(.seconds(3))
        try await rig.waitForQueue(1)
        async let life: Void = rig.pool.run()
        // The worker is ready at once and has the call, so the deadline is the only end.
        _ = try await rig.worker(0).call(0)
        try await rig.clock.waitForSleepers(1)
        rig.clock.advance(by: .seconds(3))
        expect(await failure, .deadlineExceeded, .sent)
        await rig.pool.stop()
        await life
        rig.close()
    }

    @Test func `a sent call ends at its deadline, and the worker is told`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let failure = rig.failure(.seconds(3))
            let call = try await worker.call(0)
            try await rig.clock.waitForSleepers(1)
            rig.clock.advance(by: .seconds(3))
            expect(await failure, .deadlineExceeded, .sent)
            #expect(worker.seen.cancelled == [CallID(rawValue: call.callID)])
            // The late answer frees the slot, and reaches nobody.
            worker.answer(call.callID)
            async let next = rig.call()
            let second = try await worker.call(1)
            worker.answer(second.callID)
            #expect(try await next.header.callID == second.callID)
        }
    }

    @Test func `a worker stuck past its grace is replaced`() async throws {
        let configuration = PoolConfiguration(workers: 1, abandonedGrace: .seconds(5))
        try await PoolRig.run(configuration) { rig in
            let stuck = try await rig.worker(0)
            async let failure = rig.failure(.seconds(1))
            _ = try await stuck.call(0)
            try await rig.clock.waitForSleepers(1)
            rig.clock.advance(by: .seconds(1))
            expect(await failure, .deadlineExceeded, .sent)
            try await rig.clock.waitForSleepers(1)
            rig.clock.advance(by: .seconds(5))
            let next = try await rig.worker(1)
            #expect(next.id == WorkerID(number: 0, incarnation: 2))
            #expect(stuck.seen.stops == [.stuck])
            async let answer = rig.call()
            next.answer(try await next.call(0).callID)
            _ = try await answer
        }
    }
}
