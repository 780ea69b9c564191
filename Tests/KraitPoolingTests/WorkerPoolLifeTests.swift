import KraitPooling
import KraitTestSupport
import KraitWire
import Testing

/// Workers that come and go, and the pool's end, through its shell.
@Suite(.timeLimit(.minutes(1))) struct WorkerPoolLifeTests {
    @Test(arguments: [
        (WorkerExit.crashed("signal 9"), "worker_crashed", "worker.crashed"),
        (.silent, "worker_silent", "worker.silent"),
    ])
    func `a worker's end fails its calls, and another takes its place`(
        exit: WorkerExit,
        code: String,
        event: String
    ) async throws {
        try await PoolRig.run { rig in
            let first = try await rig.worker(0)
            async let lost = rig.failure()
            _ = try await first.call(0)
            async let queued = rig.call()
            try await rig.waitForQueue(1)
            first.leave(exit)
            let failure = await lost
            expect(failure, CallError.Code(rawValue: code), .sent)
            #expect(failure?.worker == "general/0.1")
            let second = try await rig.worker(1)
            let call = try await second.call(0)
            second.answer(call.callID)
            #expect(try await queued.sender == "0.2")
            #expect(rig.events.contains(event) && rig.events.contains("call.lost"))
        }
    }

    @Test func `a late answer of a worker that is gone reaches nobody`() async throws {
        try await PoolRig.run { rig in
            let first = try await rig.worker(0)
            async let lost = rig.failure()
            let old = try await first.call(0)
            first.leave(.crashed("x"))
            #expect(await lost != nil)
            let second = try await rig.worker(1)
            async let answer = rig.call()
            let new = try await second.call(0)
            first.answer(old.callID, new.callID)
            second.answer(new.callID)
            #expect(try await answer.sender == "0.2")
        }
    }

    @Test func `restarts that follow each other wait`() async throws {
        let backoff = RestartDelay(base: .seconds(100), maximum: .seconds(100))
        try await PoolRig.run(.init(workers: 1, backoff: backoff)) { rig in
            try await rig.worker(0).leave(.crashed("x"))
            try await rig.worker(1).leave(.crashed("x"))
            try await rig.clock.waitForSleepers(1)
            #expect(rig.workers.all.count == 2)
            rig.clock.advance(by: .seconds(100))
            _ = try await rig.worker(2)
        }
    }

    @Test func `a worker that cannot start fails the pool, and those who wait are told`()
        async throws
    {
        try await PoolRig.run(.init(workers: 1), .init(slots: nil)) { rig in
            async let failure = rig.failure()
            async let settled = rig.pool.settled()
            try await rig.waitForQueue(1)
            try await rig.worker(0).leave(.cannotStart("no adapter"))
            #expect(await settled == .failed("no adapter"))
            let end = await failure
            expect(end, .poolFailed, .notSent)
            #expect(end?.message.contains("no adapter") == true)
            expect(await rig.failure(), .poolFailed, .notSent)
            #expect(rig.events.contains("worker.start_failed"))
            #expect(rig.events.contains("pool.failed"))
        }
    }

    @Test func `settled returns when each worker has become ready or failed to`() async throws {
        try await PoolRig.run(.init(workers: 3), .init(slots: nil)) { rig in
            async let settled = rig.pool.settled()
            for index in 0..<2 { try await rig.worker(index).becomeReady(slots: 3) }
            #expect(await eventually { rig.events.contains("pool.ready") })
            try await rig.worker(2).leave(.failedToStart("x"))
            #expect(await settled == .ready)
            #expect(await rig.pool.settled() == .ready)
        }
    }

    @Test func `settled does not wait for a pool that is leaving`() async throws {
        try await PoolRig.run(.init(workers: 1), .init(slots: nil, leavesWhenTold: false)) { rig in
            async let settled = rig.pool.settled()
            _ = try await rig.worker(0)
            await rig.pool.stop()
            #expect(await settled == .closed)
        }
    }

    @Test func `status shows the workers and what they do`() async throws {
        try await PoolRig.run(.init(workers: 2), .init(slots: 3)) { rig in
            _ = try await rig.worker(1)
            async let answer = rig.call()
            #expect(
                await eventually {
                    rig.workers.all.contains { !$0.seen.calls.isEmpty }
                }
            )
            let status = await rig.pool.status()
            #expect(status.state == .ready && status.queued == 0)
            #expect(status.workers.map(\.snapshot.slots) == [3, 3])
            #expect(status.workers.map(\.snapshot.state) == ["ready", "ready"])
            #expect(status.workers.reduce(0) { $0 + $1.snapshot.busy } == 1)
            #expect(status.workers.map(\.facts.processID) == [1_000, 1_001])
            for worker in rig.workers.all {
                for call in worker.seen.calls { worker.answer(call.callID) }
            }
            _ = try await answer
        }
    }

    // MARK: Ends

    @Test func `stopping fails what waits and what runs`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.failure()
            _ = try await worker.call(0)
            async let queued = rig.failure()
            try await rig.waitForQueue(1)
            await rig.pool.stop()
            expect(await running, .shuttingDown, .sent)
            expect(await queued, .shuttingDown, .notSent)
            #expect(worker.seen.stops == [.stuck])
            expect(await rig.failure(), .shuttingDown, .notSent)
        }
    }

    @Test func `a drain finishes what was accepted`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.call()
            let first = try await worker.call(0)
            async let queued = rig.call()
            try await rig.waitForQueue(1)
            async let drained: Void = rig.pool.drain(within: .seconds(10))
            #expect(await eventually { await rig.pool.status().state == .draining })
            expect(await rig.failure(), .shuttingDown, .notSent)
            worker.answer(first.callID)
            worker.answer(try await worker.call(1).callID)
            _ = try await (running, queued)
            await drained
            #expect(worker.seen.isGone)
            #expect(await rig.pool.status().state == .closed)
        }
    }

    @Test func `a drain that takes too long is cut off`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.failure()
            _ = try await worker.call(0)
            async let drained: Void = rig.pool.drain(within: .seconds(10))
            try await rig.clock.waitForSleepers(1)
            rig.clock.advance(by: .seconds(10))
            expect(await running, .shuttingDown, .sent)
            await drained
        }
    }

    @Test func `a drain whose task is cancelled is cut off`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.failure()
            _ = try await worker.call(0)
            await withDiscardingTaskGroup { group in
                group.addTask { await rig.pool.drain(within: .seconds(10)) }
                #expect(await eventually { await rig.pool.status().state == .draining })
                group.cancelAll()
            }
            expect(await running, .shuttingDown, .sent)
        }
    }

    @Test func `draining or stopping a pool that is gone returns at once`() async throws {
        try await PoolRig.run { rig in
            _ = try await rig.worker(0)
            await rig.pool.drain(within: .seconds(1))
            await rig.pool.drain(within: .seconds(1))
            await rig.pool.stop()
            #expect(await rig.pool.status().workers.allSatisfy { $0.snapshot.state == "gone" })
        }
    }

    @Test func `cancelling the task of run ends the pool`() async throws {
        let rig = try PoolRig(.init(workers: 3, startsAtOnce: 3), .init(leavesWhenTold: false))
        let failure = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await rig.pool.run() }
            let worker = try await rig.worker(2)
            async let failure = rig.failure()
            #expect(
                await eventually { rig.workers.all.contains { !$0.seen.calls.isEmpty } }
            )
            group.cancelAll()
            #expect(await eventually { worker.seen.stops == [.closing] })
            for worker in rig.workers.all { worker.leave(.stopped) }
            try await group.waitForAll()
            return await failure
        }
        #expect(failure?.code == .shuttingDown)
        #expect(rig.workers.all.allSatisfy { $0.seen.isGone })
        await rig.pool.drain(within: .zero)
        rig.close()
    }

    @Test func `a pool cancelled or stopped before it runs finishes at once`() async throws {
        for isStopped in [true, false] {
            let rig = try PoolRig(.init(workers: 2), .init(leavesWhenTold: true))
            if isStopped { await rig.pool.stop() }
            await withDiscardingTaskGroup { group in
                if !isStopped { group.cancelAll() }
                group.addTask { await rig.pool.run() }
            }
            #expect(await rig.pool.status().state == .closed)
            #expect(rig.workers.all.allSatisfy { $0.seen.isGone })
            rig.close()
        }
    }

    @Test func `workers that crash while run is being cancelled are not waited for in vain`()
        async throws
    {
        for _ in 0..<50 {
            let rig = try PoolRig(.init(workers: 4, startsAtOnce: 4))
            await withDiscardingTaskGroup { group in
                group.addTask { await rig.pool.run() }
                #expect(await eventually { rig.workers.all.count >= 4 })
                for worker in rig.workers.all { worker.leave(.crashed("x")) }
                group.cancelAll()
            }
            // Everything is gone, so a drain has nothing to wait for.
            await rig.pool.drain(within: .seconds(1))
            rig.close()
        }
    }
}
