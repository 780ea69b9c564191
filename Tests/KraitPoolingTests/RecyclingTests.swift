import Testing

@testable import KraitPooling

/// Workers that are replaced although nothing is wrong with them.
@Suite struct RecyclingTests {
    /// A pool of ready workers that keeps to a policy.
    private func pool(
        workers: Int = 2,
        slots: Int = 1,
        baseline: Int? = nil,
        _ policy: RecyclingPolicy = RecyclingPolicy()
    ) -> PoolStateMachine {
        var pool = PoolStateMachine.started(workers: workers) { $0.recycling = policy }
        for number in 0..<workers {
            _ = pool.workerReady(
                worker(number),
                slots: slots,
                residentBytes: baseline,
                at: origin
            )
        }
        return pool
    }

    /// Lets a worker answer a call.
    private func serve(_ pool: inout PoolStateMachine) throws -> [PoolAction] {
        let (id, holder) = try pool.sentCall()
        return pool.answered(id, by: holder).actions
    }

    // MARK: Calls

    @Test func `a worker that has answered its calls leaves, and the next starts at once`() throws {
        var pool = pool(workers: 1, RecyclingPolicy(maximumCalls: 2))
        #expect(try serve(&pool) == [])
        #expect(
            try serve(&pool) == [.recycling(worker(0), .calls(2)), .stop(worker(0), .closing)]
        )
        #expect(pool.freeSlots == 0 && pool.phases == [.stopping])
        let queued = try pool.queuedCall()
        #expect(pool.exit(0, .stopped, at: at(1)) == [.start(worker(0, 2))])
        #expect(pool.workers[0].failures == 0, "it is no failure")
        #expect(
            pool.workerReady(worker(0, 2), slots: 1, at: at(2)) == [
                .send(queued, to: worker(0, 2))
            ]
        )
    }

    @Test func `a worker that is due finishes the calls it has`() throws {
        var pool = pool(workers: 1, slots: 2, RecyclingPolicy(maximumCalls: 1))
        let first = try pool.sentCall().id
        let second = try pool.sentCall().id
        #expect(
            pool.answered(first, by: worker(0)).actions == [.recycling(worker(0), .calls(1))]
        )
        #expect(pool.phases == [.retiring] && pool.freeSlots == 0)
        let answered = pool.answered(second, by: worker(0))
        #expect(answered.isAwaited && answered.actions == [.stop(worker(0), .closing)])
    }

    @Test func `workers that are due together are replaced one at a time`() throws {
        var pool = pool(workers: 3, RecyclingPolicy(maximumCalls: 1))
        let sent = try (0..<3).map { _ in try pool.sentCall() }
        var actions: [PoolAction] = []
        for (id, holder) in sent { actions += pool.answered(id, by: holder).actions }
        let first = sent[0].worker
        #expect(actions == [.recycling(first, .calls(1)), .stop(first, .closing)])
        #expect(pool.exit(first.number, .stopped, at: at(1)).count == 1)
        let next = pool.workerReady(pool.workerID(first.number), slots: 1, at: at(2))
        guard case .recycling(let second, .calls(1)) = next.first else {
            return #expect(Bool(false), "nobody follows: \(next)")
        }
        #expect(second != first)
    }

    @Test func `no worker is given up while the place of another is empty`() throws {
        var pool = pool(workers: 2, RecyclingPolicy(maximumCalls: 1))
        _ = pool.exit(1, .crashed("x"), at: at(1))
        _ = pool.exit(1, .failedToStart("x"), at: at(1))
        #expect(try serve(&pool) == [], "the other one is the last that serves")
        #expect(pool.phases[0] == .ready)
        let armed = pool.timerToArm()
        let due = try #require(armed)
        #expect(pool.timerFired(at: due) == [.start(worker(1, 3))])
        #expect(
            pool.workerReady(worker(1, 3), slots: 1, at: due).contains(
                .recycling(worker(0), .calls(1))
            )
        )
    }

    // MARK: Age

    @Test func `workers grow old at different times, none later than the limit`() {
        let policy = RecyclingPolicy(maximumAge: .seconds(100), ageSpread: 0.1)
        let limits = (0..<8).compactMap { policy.ageLimit(of: $0) }
        #expect(limits.allSatisfy { $0 <= .seconds(100) && $0 >= .seconds(90) })
        let sorted = limits.sorted()
        let gaps = zip(sorted.dropFirst(), sorted).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 > .milliseconds(300) }, "\(gaps)")
        #expect(RecyclingPolicy().ageLimit(of: 3) == nil)
    }

    @Test func `a worker that is old enough is replaced by a timer`() throws {
        var pool = pool(workers: 1, RecyclingPolicy(maximumAge: .seconds(10)))
        let armed = pool.timerToArm()
        #expect(armed == at(10_000))
        #expect(
            pool.timerFired(at: at(10_000)) == [
                .recycling(worker(0), .age(.seconds(10))), .stop(worker(0), .closing),
            ]
        )
    }

    // MARK: Memory

    @Test func `a worker above the limit is replaced once it has answered a call`() throws {
        let policy = RecyclingPolicy(maximumResidentBytes: 100)
        var pool = pool(workers: 1, baseline: 50, policy)
        #expect(pool.workerMeasured(worker(0), residentBytes: 100) == [], "it has served nobody")
        _ = try serve(&pool)
        #expect(pool.workerMeasured(worker(0), residentBytes: 99) == [])
        #expect(
            pool.workerMeasured(worker(0), residentBytes: 100) == [
                .recycling(worker(0), .memory(100, limit: 100)), .stop(worker(0), .closing),
            ]
        )
        #expect(pool.workerMeasured(worker(0), residentBytes: 200) == [], "once")
    }

    @Test func `a limit below what a new worker has is said once and never kept`() throws {
        let policy = RecyclingPolicy(maximumResidentBytes: 100)
        var pool = PoolStateMachine.started(workers: 2) { $0.recycling = policy }
        #expect(
            pool.workerReady(worker(0), slots: 1, residentBytes: 100, at: origin) == [
                .becameReady, .limitTooLow(100, baseline: 100),
            ]
        )
        #expect(pool.workerReady(worker(1), slots: 1, residentBytes: 120, at: origin) == [])
        for _ in 0..<10 {
            _ = try serve(&pool)
            #expect(pool.workerMeasured(worker(0), residentBytes: 1_000) == [])
            #expect(pool.workerMeasured(worker(1), residentBytes: 1_000) == [])
        }
        #expect(pool.phases == [.ready, .ready])
    }

    @Test func `what other and earlier workers measure is ignored`() throws {
        var pool = pool(workers: 1, RecyclingPolicy(maximumResidentBytes: 1))
        _ = try serve(&pool)
        let before = pool
        for id in [worker(0, 2), worker(0, 0), worker(3)] {
            #expect(pool.workerMeasured(id, residentBytes: 10) == [])
        }
        #expect(pool == before)
    }

    // MARK: On demand

    @Test func `all workers are replaced when somebody asks, each once`() {
        var pool = pool(workers: 2)
        #expect(
            pool.recycleRequested() == [.recycling(worker(0), .asked), .stop(worker(0), .closing)]
        )
        #expect(pool.outstanding(.recycled) == 2)
        #expect(pool.exit(0, .stopped, at: at(1)) == [.start(worker(0, 2))])
        #expect(pool.outstanding(.recycled) == 2, "its successor is not ready")
        #expect(
            pool.workerReady(worker(0, 2), slots: 1, at: at(2)) == [
                .recycling(worker(1), .asked), .stop(worker(1), .closing),
            ]
        )
        #expect(pool.outstanding(.recycled) == 1)
        #expect(pool.exit(1, .stopped, at: at(3)) == [.start(worker(1, 2))])
        #expect(pool.workerReady(worker(1, 2), slots: 1, at: at(4)) == [])
        #expect(pool.outstanding(.recycled) == 0 && !pool.isOver(.recycled))
    }

    @Test(arguments: [WorkerExit.cannotStart("no begin"), .failedToStart("no begin")])
    func `where the first of the new workers cannot start, the others stay`(exit: WorkerExit) {
        var pool = pool(workers: 2)
        _ = pool.recycleRequested()
        _ = pool.exit(0, .stopped, at: at(1))
        #expect(pool.exit(0, exit, at: at(2)) == [.start(worker(0, 3))])
        #expect(pool.rollFailure == "no begin" && pool.isOver(.recycled))
        #expect(pool.state == .ready && pool.phases[1] == .ready)
        #expect(pool.workerReady(worker(0, 3), slots: 1, at: at(3)) == [], "nobody follows")
        #expect(pool.recycleRequested().first == .recycling(worker(0, 3), .asked))
        #expect(pool.rollFailure == nil)
    }

    @Test func `a worker that crashes instead of leaving counts as crashed`() throws {
        var pool = pool(workers: 1, slots: 2)
        let id = try pool.sentCall().id
        #expect(pool.recycleRequested() == [.recycling(worker(0), .asked)])
        #expect(
            pool.exit(0, .crashed("signal 9"), at: at(1)) == [
                .fail(id, .workerCrashed(worker(0), "signal 9")), .start(worker(0, 2)),
            ]
        )
        #expect(pool.workers[0].failures == 1)
        #expect(pool.snapshots()[0].lastEnd?.description == "crashed: signal 9")
    }

    // MARK: Patience

    @Test func `a worker that does not finish is ended when its time is up`() throws {
        var pool = pool(workers: 1, RecyclingPolicy(patience: .seconds(10)))
        let id = try pool.sentCall().id
        #expect(pool.recycleRequested() == [.recycling(worker(0), .asked)])
        #expect(pool.timerToArm() == origin, "the clock is asked at once")
        #expect(pool.timerFired(at: at(5)) == [])
        #expect(pool.timerToArm() == at(10_005))
        #expect(pool.timerFired(at: at(10_005)) == [.stop(worker(0), .overdue)])
        let actions = pool.exit(0, .stopped, at: at(10_006))
        guard case .fail(id, .workerCrashed(worker(0), let words)) = actions.first else {
            return #expect(Bool(false), "its call did not fail: \(actions)")
        }
        #expect(words == "it was to leave, and had not finished within 10.0 seconds")
        #expect(actions.last == .start(worker(0, 2)))
    }

    @Test(arguments: [
        (RecyclingReason.age(.seconds(90)), "it had served for 90 s"),
        (.calls(7), "it had answered 7 calls"),
        (
            .memory(87_359_488, limit: 60 << 20),
            "it held 83.3 MB of its own, the limit is 60.0 MB"
        ),
        (.asked, "somebody asked for it"),
    ])
    func `the end of a worker says why it was replaced`(reason: RecyclingReason, words: String) {
        var pool = pool(workers: 1)
        pool.workers[0].due = reason
        _ = pool.beginRecycling()
        _ = pool.exit(0, .stopped, at: at(1))
        #expect(pool.snapshots()[0].lastEnd?.description == "recycled: \(words)")
    }
}
