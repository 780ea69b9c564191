import KraitPooling
import KraitTestSupport
import KraitWire
import Testing

/// What cancelling the task of a call does, at each point of its way.
@Suite(.timeLimit(.minutes(1))) struct WorkerPoolCancellationTests {
    @Test func `a task cancelled before its call sends nothing`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            let failure = await withTaskGroup(of: CallError?.self) { group in
                group.cancelAll()
                group.addTask { await rig.failure() }
                return await group.next() ?? nil
            }
            expect(failure, .cancelled, .notSent)
            #expect(worker.seen.calls.isEmpty)
        }
    }

    @Test func `cancelling a queued call forgets it`() async throws {
        try await PoolRig.run(.init(workers: 1), .init(slots: nil)) { rig in
            let worker = try await rig.worker(0)
            let failure = try await rig.cancelledCall { try await rig.waitForQueue(1) }
            expect(failure, .cancelled, .notSent)
            worker.becomeReady(slots: 1)
            #expect(await rig.pool.settled() == .ready)
            #expect(worker.seen.calls.isEmpty)
        }
    }

    @Test func `cancelling a sent call ends it at once, and the worker is told`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            let failure = try await rig.cancelledCall { _ = try await worker.call(0) }
            expect(failure, .cancelled, .sent)
            let id = try await worker.call(0).callID
            #expect(worker.seen.cancelled == [CallID(rawValue: id)])
            #expect(await rig.pool.status().workers[0].snapshot.busy == 1)
            worker.answer(id)
            #expect(await eventually { await rig.pool.status().workers[0].snapshot.busy == 0 })
        }
    }

    @Test func `cancelling races with the answer, and one of them wins`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            for turn in 0..<300 {
                let failure = try await rig.cancelledCall {
                    worker.answer(try await worker.call(turn).callID)
                }
                #expect(failure == nil || failure?.code == .cancelled)
                // Either way the slot comes back, and serves the next turn.
            }
            #expect(await eventually { await rig.pool.status().workers[0].snapshot.busy == 0 })
            #expect(await rig.pool.status().workers[0].snapshot.served == 300)
        }
    }

    @Test(arguments: [false, true])
    func `cancelled at any moment, a call gives its slot back`(preferring: Bool) async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            var answered = 0
            for turn in 0..<200 {
                let executor = preferring ? globalConcurrentExecutor : nil
                let failure = try await rig.cancelledCall(on: executor) {
                    for _ in 0..<turn % 20 { await Task.yield() }
                }
                #expect(failure?.code == .cancelled)
                // What had been sent is answered late, what had not need not be.
                let isFree = await eventually {
                    for call in worker.seen.calls[answered...] { worker.answer(call.callID) }
                    answered = worker.seen.calls.count
                    return await rig.pool.status().workers[0].snapshot.busy == 0
                }
                #expect(isFree)
            }
        }
    }

    @Test func `cancelling after the answer does nothing`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await rig.call()
                    withUnsafeCurrentTask { $0?.cancel() }
                }
                worker.answer(try await worker.call(0).callID)
                try await group.waitForAll()
            }
            #expect(worker.seen.cancelled.isEmpty)
        }
    }
}

extension PoolRig {
    /// Makes a call, cancels its task once `moment` has come, and gives back its error.
    fileprivate func cancelledCall(
        on executor: (any TaskExecutor)? = nil,
        _ moment: () async throws -> Void
    ) async throws -> CallError? {
        try await withThrowingTaskGroup(of: CallError?.self) { group in
            group.addTask(executorPreference: executor) { await failure() }
            try await moment()
            group.cancelAll()
            return try await group.next() ?? nil
        }
    }
}
