import Testing

@testable import KraitPooling

/// Starts, crashes and replacements of workers.
@Suite struct WorkerLifeTests {
    // MARK: Starting

    @Test func `workers start in batches, and the next when one is ready`() {
        var pool = PoolStateMachine(PoolConfiguration(workers: 5, startsAtOnce: 2))
        #expect(pool.started(at: origin) == [.start(worker(0)), .start(worker(1))])
        #expect(
            pool.workerReady(worker(1), slots: 1, at: at(1)) == [
                .becameReady, .start(worker(2)),
            ]
        )
        #expect(pool.workerReady(worker(0), slots: 1, at: at(1)) == [.start(worker(3))])
        #expect(pool.workerReady(worker(2), slots: 1, at: at(1)) == [.start(worker(4))])
        #expect(pool.workerReady(worker(3), slots: 1, at: at(1)) == [])
        #expect(pool.workerReady(worker(4), slots: 1, at: at(1)) == [])
        #expect(pool.phases == Array(repeating: .ready, count: 5) && pool.freeSlots == 5)
    }

    @Test func `a start that fails makes room in the batch for another`() {
        var pool = PoolStateMachine(PoolConfiguration(workers: 3, startsAtOnce: 1))
        #expect(pool.started(at: origin) == [.start(worker(0))])
        // Its first restart is due at once, and it comes first again.
        #expect(pool.exit(0, .failedToStart("x"), at: at(1)) == [.start(worker(0, 2))])
        #expect(pool.exit(0, .failedToStart("x"), at: at(2)) == [.start(worker(1))])
    }

    @Test func `the pool becomes ready once`() {
        var pool = PoolStateMachine.started(workers: 2)
        #expect(pool.state == .starting)
        #expect(pool.workerReady(worker(0), slots: 1, at: origin) == [.becameReady])
        #expect(pool.state == .ready)
        #expect(pool.workerReady(worker(1), slots: 1, at: origin) == [])
        _ = pool.exit(0, .crashed("x"), at: at(1))
        _ = pool.exit(1, .crashed("x"), at: at(1))
        #expect(pool.state == .ready, "a pool whose workers restart stays what it is")
        #expect(pool.workerReady(worker(0, 2), slots: 1, at: at(2)) == [])
    }

    @Test func `the start is over when each worker has been ready or failed once`() {
        var pool = PoolStateMachine.started(workers: 2)
        #expect(!pool.isSettled)
        _ = pool.workerReady(worker(0), slots: 1, at: origin)
        #expect(!pool.isSettled, "one is on its way")
        var lucky = pool
        _ = lucky.workerReady(worker(1), slots: 1, at: origin)
        #expect(lucky.isSettled)
        var unlucky = pool
        _ = unlucky.exit(1, .failedToStart("x"))
        #expect(unlucky.isSettled)
        _ = pool.exit(1, .cannotStart("x"))
        #expect(pool.isSettled && pool.state == .ready)
        var closed = PoolStateMachine.started(workers: 2)
        _ = closed.stopRequested()
        #expect(closed.isSettled)
    }

    @Test func `a ready worker takes as many queued calls as it has slots`() throws {
        var pool = PoolStateMachine.started(workers: 2)
        let ids = try (0..<4).map { _ in try pool.queuedCall() }
        #expect(
            pool.workerReady(worker(0), slots: 3, at: origin) == [
                .becameReady, .send(ids[0], to: worker(0)), .send(ids[1], to: worker(0)),
                .send(ids[2], to: worker(0)),
            ]
        )
        #expect(
            pool.workerReady(worker(1), slots: 3, at: origin) == [.send(ids[3], to: worker(1))]
        )
        #expect(pool.freeSlots == 2)
    }

    // MARK: Events that do not fit

    /// One worker in each phase it can be in.
    enum Situation: String, CaseIterable {
        case waiting, starting, ready, retiring, stopping, gone

        func pool() throws -> PoolStateMachine {
            var pool = PoolStateMachine.started { $0.abandonedGrace = .milliseconds(1) }
            switch self {
            case .starting: break
            case .waiting:
                for incarnation in 1...2 {
                    _ = pool.workerReady(worker(0, incarnation), slots: 1, at: origin)
                    _ = pool.exit(0, .crashed("x"))
                }
            case .ready: _ = pool.workerReady(worker(0), slots: 1, at: origin)
            case .retiring, .stopping:
                _ = pool.workerReady(worker(0), slots: 2, at: origin)
                let id = try pool.sentCall().id
                if self == .retiring { _ = try pool.sentCall() }
                _ = pool.callCancelled(id, at: origin)
                _ = pool.timerFired(at: at(1))
            case .gone:
                _ = pool.stopRequested()
                _ = pool.exit(0, .stopped)
            }
            #expect(pool.phases[0].name == rawValue)
            return pool
        }
    }

    @Test(arguments: Situation.allCases)
    func `only a starting worker becomes ready`(situation: Situation) throws {
        var pool = try situation.pool()
        let before = pool
        let actions = pool.workerReady(pool.workerID(0), slots: 4, at: at(2))
        if situation == .starting {
            #expect(actions == [.becameReady] && pool.phases == [.ready])
        } else {
            #expect(actions == [] && pool == before)
        }
    }

    @Test(arguments: Situation.allCases)
    func `what older and unknown workers report is ignored`(situation: Situation) throws {
        var pool = try situation.pool()
        let before = pool
        let current = pool.workerID(0).incarnation
        for id in [worker(0, current - 1), worker(0, current + 1), worker(1), worker(-1)] {
            #expect(pool.workerReady(id, slots: 4, at: at(2)) == [])
            #expect(pool.workerExited(id, .crashed("x"), random: 0, at: at(2)) == [])
        }
        #expect(pool == before)
    }

    @Test(arguments: Situation.allCases)
    func `an exit ends what lives, once`(situation: Situation) throws {
        var pool = try situation.pool()
        let before = pool
        let id = pool.workerID(0)
        _ = pool.workerExited(id, .crashed("x"), random: 0, at: at(2))
        switch situation {
        case .waiting, .gone: #expect(pool == before)
        case .starting, .ready, .retiring, .stopping:
            #expect(pool.workers[0].incarnation == before.workers[0].incarnation + 1)
            let after = pool
            #expect(pool.workerExited(id, .crashed("x"), random: 0, at: at(2)) == [])
            #expect(pool == after)
        }
    }

    // MARK: Crashes

    @Test func `a crash fails exactly the worker's calls, each once`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2, slots: 3)
        let sent = try (0..<6).map { _ in try pool.sentCall() }
        let queued = try pool.queuedCall()
        let lost = sent.filter { $0.worker == worker(0) }.map(\.id)
        let actions = pool.exit(0, .crashed("signal 9"), at: at(1))
        #expect(
            actions == lost.map { .fail($0, .workerCrashed(worker(0), "signal 9")) }
                + [.start(worker(0, 2))]
        )
        #expect(pool.freeSlots == 0 && pool.inFlight == 3 && pool.queued == 1)
        for id in lost { #expect(!pool.answered(id, by: worker(0)).isAwaited) }
        // The queue survives, and the next worker serves it.
        #expect(
            pool.workerReady(worker(0, 2), slots: 3, at: at(2)) == [
                .send(queued, to: worker(0, 2))
            ]
        )
    }

    @Test func `silence is told apart from a crash`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        #expect(pool.exit(0, .silent, at: at(1)).first == .fail(id, .workerSilent(holder)))
    }

    @Test func `a crash of a worker at abandoned calls fails nobody`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 2)
        let first = try pool.sentCall().id
        let second = try pool.sentCall().id
        _ = pool.callCancelled(first, at: at(1))
        let actions = pool.exit(0, .crashed("x"), at: at(2))
        #expect(actions == [.fail(second, .workerCrashed(worker(0), "x")), .start(worker(0, 2))])
        #expect(pool.calls.count == 0)
    }

    @Test func `a worker that leaves unasked with calls fails them as a crash`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let id = try pool.sentCall().id
        guard case .fail(id, .workerCrashed(worker(0), _)) = pool.exit(0, .stopped).first
        else { return #expect(Bool(false), "its call did not fail") }
    }

    @Test func `what a worker has served is counted for its own life`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        _ = pool.answered(id, by: holder)
        #expect(pool.snapshots()[0].served == 1)
        _ = pool.exit(0, .crashed("x"))
        #expect(pool.snapshots()[0].id == worker(0, 2) && pool.snapshots()[0].served == 0)
    }

    // MARK: Restarts

    @Test func `restarts come later and later, until a worker has been stable`() {
        var pool = PoolStateMachine.started {
            $0.stableAfter = .milliseconds(1_000)
            $0.backoff = RestartDelay(base: .milliseconds(100), maximum: .milliseconds(300))
        }
        var now = 0
        func crash(after lived: Int, random: Double) -> Int? {
            _ = pool.workerReady(pool.workerID(0), slots: 1, at: at(now))
            now += lived
            let actions = pool.exit(0, .crashed("x"), random: random, at: at(now))
            if actions == [.start(pool.workerID(0))] { return 0 }
            guard let due = pool.timerToArm() else { return nil }
            let delay = at(now).duration(to: due) / .milliseconds(1)
            now += Int(delay)
            #expect(pool.timerFired(at: due) == [.start(pool.workerID(0))])
            return Int(delay)
        }
        #expect(crash(after: 10, random: 0.5) == 0)
        #expect(crash(after: 10, random: 0.5) == 50)
        #expect(crash(after: 10, random: 0.5) == 100)
        #expect(crash(after: 10, random: 0.5) == 150)
        #expect(crash(after: 10, random: 0.9) == 270)
        #expect(crash(after: 1_000, random: 0.9) == 0, "it was stable")
        #expect(crash(after: 10, random: 0.5) == 50)
    }

    @Test func `the restart delay grows to its bound, by a random share`() {
        let delay = RestartDelay(base: .milliseconds(100), maximum: .seconds(10))
        func bound(_ failures: Int) -> Duration {
            delay.delay(afterFailures: failures, random: 1)
        }
        #expect(bound(0) == .zero && bound(1) == .zero)
        #expect((2...6).map(bound) == [100, 200, 400, 800, 1_600].map { .milliseconds($0) })
        #expect(bound(9) == .seconds(10) && bound(1_000_000) == .seconds(10))
        #expect(delay.delay(afterFailures: 3, random: 0) == .zero)
        #expect(delay.delay(afterFailures: 3, random: 0.25) == .milliseconds(50))
    }
}
