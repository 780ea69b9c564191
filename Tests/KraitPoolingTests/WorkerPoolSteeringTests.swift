import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitPooling

/// What people do to a running pool, and how long it takes them.
@Suite(.timeLimit(.minutes(1))) struct WorkerPoolSteeringTests {
    /// How a change ended.
    private func error(_ body: () async throws(CallError) -> Void) async -> CallError? {
        do throws(CallError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a resizing is over when the new workers are ready`() async throws {
        let configuration = PoolConfiguration(workers: 1)
        try await PoolRig.run(configuration, .init(slots: nil)) { rig in
            try await rig.worker(0).becomeReady(slots: 1)
            let steps = Lock<[WorkerPool.Progress]>([])
            async let resized: Void = rig.pool.resize(to: 3, waiting: true) { step in
                steps.withLock { $0.append(step) }
            }
            for index in 1...2 { try await rig.worker(index).becomeReady(slots: 1) }
            try await resized
            // Two at nearly the same moment may be told together.
            let done = steps.withLock { $0.map(\.done) }
            #expect(done.first == 0 && done.last == 2 && done == done.sorted())
            #expect(steps.withLock { $0.allSatisfy { $0.total == 2 } })
            #expect(rig.events.contains("pool.resized"))
        }
    }

    @Test func `whoever does not wait any more does not stop the change`() async throws {
        try await PoolRig.run(PoolConfiguration(workers: 1), .init(slots: nil)) { rig in
            try await rig.worker(0).becomeReady(slots: 1)
            try await withThrowingTaskGroup(of: CallError?.self) { group in
                group.addTask {
                    await self.error { () throws(CallError) in
                        try await rig.pool.resize(to: 2, waiting: true)
                    }
                }
                let second = try await rig.worker(1)
                group.cancelAll()
                #expect(try await group.next()??.code == .cancelled)
                second.becomeReady(slots: 1)
            }
            #expect(
                await eventually {
                    await rig.pool.status().workers.allSatisfy { $0.snapshot.state == "ready" }
                }
            )
        }
    }

    @Test func `a pool that fails while somebody waits says so`() async throws {
        try await PoolRig.run(PoolConfiguration(workers: 1), .init(slots: nil)) { rig in
            async let failure = self.error { () throws(CallError) in
                try await rig.pool.resume(waiting: true)
            }
            try await rig.worker(0).leave(.cannotStart("no adapter"))
            #expect(await failure?.code == .poolFailed)
            let status = await rig.pool.status()
            #expect(status.nextTry != nil && status.journal.entries.last?.event == .poolFailed)
        }
    }

    @Test func `a drain waits for its calls, and for no longer than it is told`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.failure()
            _ = try await worker.call(0)
            async let drained: Void = rig.pool.pause(within: .seconds(10), waiting: true)
            try await rig.clock.waitForSleepers(1)
            expect(await rig.failure(), .poolDrained, .notSent)
            rig.clock.advance(by: .seconds(10))
            expect(await running, .poolDrained, .sent)
            try await drained
            #expect(await rig.pool.status().state == .paused)
            try await rig.pool.resume(waiting: true)
            let second = try await rig.worker(1)
            async let answered = rig.call()
            second.answer(try await second.call(0).callID)
            _ = try await answered
            #expect(rig.events.contains("pool.drained") && rig.events.contains("pool.resumed"))
        }
    }

    @Test func `a drain that somebody ends by a resumption is over`() async throws {
        try await PoolRig.run { rig in
            let worker = try await rig.worker(0)
            async let running = rig.call()
            let id = try await worker.call(0).callID
            async let drained = self.error { () throws(CallError) in
                try await rig.pool.pause(within: .seconds(10), waiting: true)
            }
            #expect(await eventually { await rig.pool.status().state == .pausing })
            try await rig.pool.resume(waiting: true)
            #expect(await drained?.code == .cancelled)
            worker.answer(id)
            _ = try await running
        }
    }

    @Test func `all workers are replaced, one after the other`() async throws {
        try await PoolRig.run(PoolConfiguration(workers: 3)) { rig in
            _ = try await rig.worker(2)
            #expect(await rig.pool.settled() == .ready)
            try await rig.pool.recycle(waiting: true)
            let workers = await rig.pool.status().workers
            #expect(workers.map(\.snapshot.id.incarnation) == [2, 2, 2])
            #expect(rig.workers.all.count == 6)
            #expect(rig.workers.all.prefix(3).allSatisfy { $0.seen.stops == [.closing] })
        }
    }

    @Test func `code that cannot be loaded anew changes nothing`() async throws {
        let script = ScriptedWorkers.Script(reloadError: ReloadError("it is no Python"))
        try await PoolRig.run(PoolConfiguration(workers: 1), script) { rig in
            _ = try await rig.worker(0)
            #expect(await rig.pool.settled() == .ready)
            let failure = await self.error { () throws(CallError) in
                try await rig.pool.recycle(waiting: true)
            }
            #expect(failure?.code == .poolFailed)
            #expect(failure?.message.hasSuffix("it is no Python") == true)
            #expect(rig.workers.all.count == 1)
        }
    }

    @Test func `a worker that cannot start ends a replacement`() async throws {
        try await PoolRig.run(PoolConfiguration(workers: 2), .init(slots: nil)) { rig in
            for index in 0...1 { try await rig.worker(index).becomeReady(slots: 1) }
            #expect(await rig.pool.settled() == .ready)
            async let failure = self.error { () throws(CallError) in
                try await rig.pool.recycle(waiting: true)
            }
            try await rig.worker(2).leave(.failedToStart("no begin"))
            #expect(await failure?.message.contains("no begin") == true)
            #expect(await rig.pool.status().state == .ready)
        }
    }

    @Test func `a pool that is closing is not changed`() async throws {
        try await PoolRig.run { rig in
            _ = try await rig.worker(0)
            await rig.pool.stop()
            for change in [
                await self.error { () throws(CallError) in
                    try await rig.pool.resize(to: 2, waiting: true)
                },
                await self.error { () throws(CallError) in try await rig.pool.recycle(waiting: true)
                },
                await self.error { () throws(CallError) in try await rig.pool.resume(waiting: true)
                },
            ] {
                #expect(change?.code == .shuttingDown)
            }
        }
    }

    @Test func `the last events are kept, and no more`() {
        var journal = PoolJournal()
        let long = String(repeating: "x", count: 10_000)
        for number in 0..<30 {
            let id = WorkerID(number: number, incarnation: 1)
            journal.add(.init(event: .workerCrashed, worker: id, detail: long, at: .now))
        }
        #expect(journal.entries.count == PoolJournal.limit)
        #expect(journal.entries.first?.worker?.number == 10)
        #expect(journal.entries.allSatisfy { $0.detail?.count == 400 })
    }
}
