import Testing

@testable import KraitPooling

/// Pools that are resized, drained and resumed while they serve, and pools that recover.
@Suite struct PopulationTests {
    // MARK: Resizing

    @Test func `a larger pool starts the workers it lacks, in batches`() {
        var pool = PoolStateMachine.started(workers: 1, ready: 1) { $0.startsAtOnce = 2 }
        #expect(pool.resized(to: 4, at: at(1)) == [.start(worker(1)), .start(worker(2))])
        #expect(pool.outstanding(.population) == 3)
        #expect(pool.workerReady(worker(1), slots: 1, at: at(2)) == [.start(worker(3))])
        for number in 2...3 { _ = pool.workerReady(worker(number), slots: 1, at: at(3)) }
        #expect(pool.outstanding(.population) == 0 && pool.freeSlots == 4)
    }

    @Test func `a smaller pool lets the highest numbers finish and leave`() throws {
        var pool = PoolStateMachine.started(workers: 3, ready: 3)
        let sent = try (0..<3).map { _ in try pool.sentCall() }
        let queued = try pool.queuedCall()
        #expect(pool.resized(to: 1, at: at(1)) == [])
        #expect(pool.phases == [.ready, .retiring, .retiring])
        #expect(pool.outstanding(.population) == 2)
        for (id, holder) in sent where holder.number > 0 {
            let answered = pool.answered(id, by: holder)
            #expect(answered.isAwaited && answered.actions == [.stop(holder, .closing)])
            #expect(pool.exit(holder.number, .stopped, at: at(2)) == [])
        }
        #expect(pool.phases == [.ready, .gone, .gone] && pool.snapshots().count == 1)
        let first = try #require(sent.first { $0.worker.number == 0 })
        #expect(pool.answered(first.id, by: worker(0)).actions == [.send(queued, to: worker(0))])
    }

    @Test func `workers that are not ready are not waited for when the pool shrinks`() {
        var pool = PoolStateMachine.started(workers: 3, ready: 1)
        for _ in 0..<2 { _ = pool.exit(2, .failedToStart("x")) }
        #expect(pool.phases[2].name == "waiting")
        #expect(pool.resized(to: 1, at: at(1)) == [.stop(worker(1), .closing)])
        #expect(pool.phases == [.ready, .stopping, .gone])
        #expect(pool.exit(1, .stopped, at: at(2)) == [])
        #expect(pool.outstanding(.population) == 0)
    }

    @Test func `a place that was given up is used again, by the next incarnation`() {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        #expect(pool.resized(to: 1, at: at(1)) == [.stop(worker(1), .closing)])
        #expect(pool.resized(to: 2, at: at(2)) == [], "the one that leaves is still there")
        #expect(pool.exit(1, .stopped, at: at(3)) == [.start(worker(1, 2))])
        _ = pool.workerReady(worker(1, 2), slots: 1, at: at(4))
        _ = pool.resized(to: 1, at: at(5))
        _ = pool.exit(1, .stopped, at: at(6))
        #expect(pool.resized(to: 2, at: at(7)) == [.start(worker(1, 3))])
    }

    @Test func `a pool that is resized before it starts begins with that many`() {
        var pool = PoolStateMachine(PoolConfiguration(workers: 1))
        #expect(pool.resized(to: 2, at: origin) == [])
        #expect(pool.started(at: origin) == [.start(worker(0)), .start(worker(1))])
    }

    @Test func `a closed pool is not resized`() {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        _ = pool.stopRequested()
        #expect(pool.resized(to: 3, at: at(1)) == [] && pool.exit(0, .stopped) == [.finished])
    }

    // MARK: Draining and resuming

    @Test func `a pool is drained once its calls are done, and takes none meanwhile`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (running, holder) = try pool.sentCall()
        let queued = try pool.queuedCall()
        #expect(pool.pauseRequested() == [] && pool.state.name == "draining")
        let refused = PoolStateMachine.Arrival.refused(.poolDrained(sent: false))
        #expect(pool.arrival(deadline: nil, at: origin) == refused)
        #expect(pool.answered(running, by: holder).actions == [.send(queued, to: holder)])
        #expect(pool.answered(queued, by: holder).actions == [.stop(holder, .closing)])
        #expect(pool.outstanding(.paused) == 1)
        #expect(pool.exit(0, .stopped, at: at(1)) == [.paused])
        #expect(pool.state.name == "drained" && pool.outstanding(.paused) == 0)
        #expect(pool.arrival(deadline: nil, at: origin) == refused)
        #expect(!pool.isFinished, "it can be resumed")
    }

    @Test func `a drained pool comes back with fresh workers`() {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        _ = pool.pauseRequested()
        for number in 0..<2 { _ = pool.exit(number, .stopped) }
        #expect(
            pool.resumeRequested(at: at(9)) == [
                .startAfresh, .start(worker(0, 2)), .start(worker(1, 2)),
            ]
        )
        #expect(pool.state == .starting)
        guard case .queued(let id) = pool.arrival(deadline: nil, at: at(9)) else {
            return #expect(Bool(false), "the call does not wait for the workers")
        }
        #expect(
            pool.workerReady(worker(0, 2), slots: 1, at: at(10)) == [
                .becameReady, .send(id, to: worker(0, 2)),
            ]
        )
    }

    @Test func `a pool that is resumed while its workers leave starts others after them`() {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        _ = pool.pauseRequested()
        #expect(pool.resumeRequested(at: at(1)) == [.startAfresh])
        #expect(pool.exit(1, .stopped, at: at(2)) == [.start(worker(1, 2))])
        #expect(pool.exit(0, .stopped, at: at(2)) == [.start(worker(0, 2))])
    }

    @Test func `a pool that still finishes calls goes on when it is resumed`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        _ = pool.pauseRequested()
        #expect(pool.resumeRequested(at: at(1)) == [])
        #expect(pool.state == .ready && pool.isOver(.paused))
        #expect(pool.answered(id, by: holder) == .init(isAwaited: true, actions: []))
    }

    @Test func `a drain without patience fails what is left`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let running = try pool.sentCall().id
        let queued = try pool.queuedCall()
        _ = pool.pauseRequested()
        #expect(
            pool.pauseRequested(atOnce: true) == [
                .fail(running, .poolDrained(sent: true)),
                .fail(queued, .poolDrained(sent: false)), .stop(worker(0), .stuck),
            ]
        )
        #expect(pool.exit(0, .stopped) == [.paused])
    }

    @Test func `a drained pool can be drained for good, and resized`() {
        var pool = PoolStateMachine.started(ready: 1) { $0.startsAtOnce = 2 }
        _ = pool.pauseRequested()
        _ = pool.exit(0, .stopped)
        var larger = pool
        #expect(larger.resized(to: 2, at: at(1)) == [])
        #expect(
            larger.resumeRequested(at: at(2)) == [
                .startAfresh, .start(worker(0, 2)), .start(worker(1)),
            ]
        )
        #expect(pool.drainRequested() == [.finished] && pool.isFinished)
        #expect(pool.resumeRequested(at: at(1)) == [] && pool.pauseRequested() == [])
    }

    @Test func `a pool that is drained and then closed finishes what it accepted`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        _ = pool.pauseRequested()
        #expect(pool.drainRequested() == [] && pool.state == .draining)
        #expect(pool.answered(id, by: holder).actions == [.stop(holder, .closing)])
        #expect(pool.exit(0, .stopped) == [.finished])
    }

    // MARK: Recovery

    @Test func `a failed pool is tried again with one worker, later and later`() throws {
        var pool = PoolStateMachine.started(workers: 2) {
            $0.recovery = RecoveryDelay(base: .seconds(30), maximum: .seconds(100))
        }
        _ = pool.exit(0, .cannotStart("x"), at: at(0))
        _ = pool.exit(1, .stopped, at: at(1))
        var now = 0
        for (number, delay) in [30, 60, 100, 100].enumerated() {
            now += delay * 1_000
            #expect(pool.nextTry == at(now))
            #expect(pool.timerToArm() == at(now))
            let tried = worker(0, number + 2)
            #expect(
                pool.timerFired(at: at(now)) == [
                    .recovering(number + 1), .startAfresh, .start(tried),
                ]
            )
            #expect(pool.nextTry == nil)
            #expect(
                pool.arrival(deadline: nil, at: at(now))
                    == .refused(.poolFailed(number == 0 ? "x" : "y", sent: false)),
                "nobody waits for a try"
            )
            #expect(pool.exit(0, .failedToStart("y"), at: at(now)) == [])
        }
        #expect(pool.state == .failed("y"), "the latest reason counts")
    }

    @Test func `a try that succeeds brings the whole pool back`() {
        var pool = PoolStateMachine.started(workers: 3)
        _ = pool.exit(0, .cannotStart("x"), at: at(0))
        for number in 1...2 { _ = pool.exit(number, .stopped, at: at(1)) }
        _ = pool.timerFired(at: at(30_000))
        #expect(
            pool.workerReady(worker(0, 2), slots: 1, at: at(30_001)) == [
                .becameReady, .start(worker(1, 2)), .start(worker(2, 2)),
            ]
        )
        #expect(pool.state == .ready && pool.nextTry == nil)
    }

    @Test func `a pool that was ready for long is tried soon, one that was not later`() {
        for (lived, delay) in [(1_000, 60), (60_000, 30)] {
            var pool = PoolStateMachine.started(workers: 1) { $0.maximumStartFailures = 1 }
            _ = pool.exit(0, .cannotStart("x"), at: at(0))
            _ = pool.timerFired(at: at(30_000))
            _ = pool.workerReady(worker(0, 2), slots: 1, at: at(30_000))
            let now = 30_000 + lived
            _ = pool.exit(0, .crashed("x"), at: at(now))
            _ = pool.exit(0, .failedToStart("x"), at: at(now))
            #expect(pool.nextTry == at(now + delay * 1_000))
        }
    }

    @Test func `somebody who resumes a failed pool does not wait for the next try`() {
        var pool = PoolStateMachine.started(workers: 1)
        _ = pool.exit(0, .cannotStart("x"), at: at(0))
        #expect(pool.resumeRequested(at: at(1)) == [.startAfresh, .start(worker(0, 2))])
        #expect(pool.state == .starting && pool.nextTry == nil)
        #expect(pool.exit(0, .cannotStart("x"), at: at(2)) == [.becameFailed("x")])
        #expect(pool.nextTry == at(30_002), "the delay begins anew")
    }

    @Test func `a failed pool that is drained or closed is not tried again`() {
        var pool = PoolStateMachine.started(workers: 1)
        _ = pool.exit(0, .cannotStart("x"), at: at(0))
        var paused = pool
        #expect(paused.pauseRequested() == [.paused])
        #expect(paused.timerFired(at: at(60_000)) == [])
        #expect(pool.stopRequested() == [.finished])
        #expect(pool.timerFired(at: at(60_000)) == [])
    }
}
