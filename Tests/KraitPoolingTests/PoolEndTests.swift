import Testing

@testable import KraitPooling

/// How a pool gives up, drains and closes.
@Suite struct PoolEndTests {
    // MARK: Giving up

    @Test func `a worker that cannot start fails a pool without any other at once`() throws {
        var pool = PoolStateMachine.started(workers: 2)
        let id = try pool.queuedCall()
        #expect(
            pool.exit(1, .cannotStart("no adapter")) == [
                .fail(id, .poolFailed("no adapter", sent: false)), .becameFailed("no adapter"),
                .stop(worker(0), .closing),
            ]
        )
        #expect(pool.state == .failed("no adapter"))
        #expect(pool.exit(0, .stopped) == [], "nothing is started again")
        #expect(pool.phases == [.gone, .gone])
        #expect(!pool.isFinished, "a failed pool is closed by its owner")
    }

    @Test func `failed starts are tried again, then the pool gives up`() throws {
        var pool = PoolStateMachine.started { $0.maximumStartFailures = 3 }
        let id = try pool.queuedCall()
        #expect(pool.exit(0, .failedToStart("a"), at: at(0)) == [.start(worker(0, 2))])
        #expect(pool.exit(0, .failedToStart("b"), at: at(0)) == [])
        let armed = pool.timerToArm()
        let due = try #require(armed)
        #expect(pool.timerFired(at: due) == [.start(worker(0, 3))])
        let reason = "3 starts failed in a row, the last one: c"
        #expect(
            pool.exit(0, .failedToStart("c"), at: due) == [
                .fail(id, .poolFailed(reason, sent: false)), .becameFailed(reason),
            ]
        )
        #expect(pool.state == .failed(reason) && pool.phases == [.gone])
    }

    @Test func `a start that succeeds begins the count anew`() {
        var pool = PoolStateMachine.started(workers: 1) {
            $0.maximumStartFailures = 2
            $0.backoff = RestartDelay(base: .zero)
        }
        for _ in 0..<5 {
            _ = pool.exit(0, .failedToStart("x"))
            _ = pool.workerReady(pool.workerID(0), slots: 1, at: origin)
            _ = pool.exit(0, .crashed("x"))
        }
        #expect(pool.state == .ready)
        _ = pool.exit(0, .failedToStart("x"))
        #expect(pool.state == .ready)
        _ = pool.exit(0, .failedToStart("x"))
        #expect(pool.state.name == "failed")
    }

    @Test func `while a worker serves, failed starts of others do not count`() {
        var pool = PoolStateMachine.started(workers: 2, ready: 1) {
            $0.maximumStartFailures = 2
            $0.backoff = RestartDelay(base: .zero)
        }
        for _ in 0..<10 { _ = pool.exit(1, .failedToStart("x")) }
        #expect(pool.state == .ready)
        _ = pool.exit(0, .crashed("x"))
        _ = pool.exit(1, .failedToStart("x"))
        #expect(pool.state == .ready, "the first failure since no worker is left")
        _ = pool.exit(1, .failedToStart("x"))
        #expect(pool.state.name == "failed")
    }

    @Test func `crashes alone never make a pool give up`() {
        var pool = PoolStateMachine.started { $0.backoff = RestartDelay(base: .zero) }
        for _ in 0..<100 {
            _ = pool.workerReady(pool.workerID(0), slots: 1, at: origin)
            #expect(pool.exit(0, .crashed("x")) == [.start(pool.workerID(0))])
        }
    }

    @Test func `while a worker serves, one that cannot start is tried again`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 1)
        let kept = try pool.sentCall().id
        #expect(pool.exit(1, .cannotStart("x"), at: at(2)) == [.start(worker(1, 2))])
        #expect(pool.state == .ready)
        #expect(pool.answered(kept, by: worker(0)).isAwaited)
    }

    @Test func `a pool that failed has forgotten the calls its workers are stuck in`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 1) {
            $0.abandonedGrace = .milliseconds(1)
        }
        let abandoned = try pool.sentCall().id
        _ = pool.callCancelled(abandoned, at: at(1))
        #expect(pool.timerFired(at: at(2)) == [.stop(worker(0), .stuck)])
        #expect(pool.exit(1, .cannotStart("x"), at: at(3)) == [.becameFailed("x")])
        #expect(pool.answered(abandoned, by: worker(0)) == .init(isAwaited: false, actions: []))
        #expect(pool.calls.count == 0)
    }

    // MARK: Draining

    @Test func `an idle pool drains at once`() {
        var pool = PoolStateMachine.started(workers: 2, ready: 1)
        #expect(
            pool.drainRequested() == [.stop(worker(0), .closing), .stop(worker(1), .closing)]
        )
        #expect(pool.state == .closed && !pool.isFinished)
        #expect(pool.exit(1, .stopped) == [])
        #expect(pool.exit(0, .crashed("x")) == [.finished])
        #expect(pool.isFinished)
    }

    @Test func `a draining pool finishes what it accepted, queue and all`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (running, holder) = try pool.sentCall()
        let queued = try pool.queuedCall()
        #expect(pool.drainRequested() == [])
        #expect(pool.state == .draining)
        #expect(pool.answered(running, by: holder).actions == [.send(queued, to: holder)])
        #expect(
            pool.answered(queued, by: holder)
                == .init(isAwaited: true, actions: [.stop(holder, .closing)])
        )
        #expect(pool.exit(0, .stopped) == [.finished])
    }

    @Test func `a draining pool replaces a worker as long as calls wait`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let running = try pool.sentCall().id
        let queued = try pool.queuedCall()
        _ = pool.drainRequested()
        #expect(
            pool.exit(0, .crashed("x"), at: at(1)) == [
                .fail(running, .workerCrashed(worker(0), "x")), .start(worker(0, 2)),
            ]
        )
        #expect(
            pool.workerReady(worker(0, 2), slots: 1, at: at(2)) == [
                .send(queued, to: worker(0, 2))
            ]
        )
        #expect(
            pool.exit(0, .crashed("x"), at: at(3)) == [
                .fail(queued, .workerCrashed(worker(0, 2), "x")), .finished,
            ]
        )
    }

    @Test func `a draining pool does not wait for abandoned calls`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 2)
        let first = try pool.sentCall().id
        let second = try pool.sentCall(deadline: at(10)).id
        _ = pool.callCancelled(first, at: origin)
        _ = pool.drainRequested()
        #expect(
            pool.timerFired(at: at(10)) == [
                .cancel(second, at: worker(0)), .fail(second, .deadlineExceeded(sent: true)),
                .stop(worker(0), .stuck),
            ]
        )
        #expect(pool.state == .closed)
    }

    @Test func `cancelling the last queued call lets a drain end`() throws {
        var pool = PoolStateMachine.started()
        let id = try pool.queuedCall()
        _ = pool.drainRequested()
        #expect(
            pool.callCancelled(id, at: at(1)) == [
                .fail(id, .cancelled(sent: false)), .stop(worker(0), .closing),
            ]
        )
        #expect(pool.exit(0, .stopped) == [.finished])
    }

    @Test func `deadlines of many queued calls let a drain end, each failing once`() throws {
        var pool = PoolStateMachine.started()
        let ids = try (0..<3).map { _ in try pool.queuedCall(deadline: at(10)) }
        _ = pool.drainRequested()
        #expect(
            pool.timerFired(at: at(10)) == ids.map { .fail($0, .deadlineExceeded(sent: false)) }
                + [.stop(worker(0), .closing)]
        )
    }

    @Test(arguments: [WorkerExit.cannotStart("no adapter"), .failedToStart("no adapter")])
    func `a draining pool that cannot have workers fails its calls and closes`(
        exit: WorkerExit
    ) throws {
        var pool = PoolStateMachine.started(workers: 2) { $0.maximumStartFailures = 1 }
        let id = try pool.queuedCall()
        _ = pool.drainRequested()
        let actions = pool.exit(0, exit)
        guard case .fail(id, .poolFailed) = actions.first else {
            return #expect(Bool(false), "its call did not fail: \(actions)")
        }
        #expect(actions.dropFirst() == [.stop(worker(1), .closing)])
        #expect(pool.exit(1, .stopped) == [.finished])
        #expect(pool.isFinished)
    }

    // MARK: Stopping

    @Test func `stopping fails what waits and what runs, and ends the workers`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 1, slots: 2)
        let running = try pool.sentCall().id
        let abandoned = try pool.sentCall().id
        let queued = try pool.queuedCall()
        _ = pool.callCancelled(abandoned, at: origin)
        #expect(
            pool.stopRequested() == [
                .fail(running, .shuttingDown(sent: true)),
                .fail(queued, .shuttingDown(sent: false)),
                .stop(worker(0), .stuck), .stop(worker(1), .closing),
            ]
        )
        #expect(pool.calls.count == 0 && pool.freeSlots == 0)
        #expect(pool.exit(0, .silent) == [])
        #expect(pool.exit(1, .cannotStart("x")) == [.finished])
    }

    @Test func `stopping does not end a worker twice, or one that waits to be started`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 1) {
            $0.abandonedGrace = .milliseconds(1)
        }
        _ = pool.callCancelled(try pool.sentCall().id, at: origin)
        #expect(pool.timerFired(at: at(1)) == [.stop(worker(0), .stuck)])
        for _ in 0..<2 { _ = pool.exit(1, .failedToStart("x")) }
        #expect(pool.phases[1].name == "waiting")
        #expect(pool.stopRequested() == [])
        #expect(pool.exit(0, .stopped) == [.finished])
    }

    @Test func `a pool that is stopped or drained before it is started starts nothing`() {
        for stop in [true, false] {
            var pool = PoolStateMachine(PoolConfiguration(workers: 2))
            #expect((stop ? pool.stopRequested() : pool.drainRequested()) == [.finished])
            #expect(pool.started(at: origin) == [.finished])
            #expect(pool.isFinished)
        }
    }

    @Test func `a pool that is drained before it is started serves what it accepted`() throws {
        var pool = PoolStateMachine(PoolConfiguration(workers: 1))
        let id = try pool.queuedCall()
        #expect(pool.drainRequested() == [])
        #expect(pool.started(at: origin) == [.start(worker(0))])
        #expect(pool.workerReady(worker(0), slots: 1, at: origin) == [.send(id, to: worker(0))])
    }

    @Test(arguments: ["starting", "ready", "failed", "draining", "closed"])
    func `drain and stop have their meaning in each state`(state: String) throws {
        let ready = ["starting", "failed"].contains(state) ? 0 : 1
        var pool = PoolStateMachine.started(workers: 2, ready: ready)
        if state == "ready" || state == "draining" { _ = try pool.sentCall() }
        switch state {
        case "failed": _ = pool.exit(1, .cannotStart("x"))
        case "draining": _ = pool.drainRequested()
        case "closed": _ = pool.stopRequested()
        default: break
        }
        #expect(pool.state.name == state)
        let before = pool

        var drained = pool
        _ = drained.drainRequested()
        switch state {
        case "starting", "failed", "closed": #expect(drained.state == .closed)
        default: #expect(drained.state == .draining)
        }
        if state == "draining" || state == "closed" { #expect(drained == before) }

        _ = pool.stopRequested()
        #expect(pool.state == .closed)
        if state == "closed" { #expect(pool == before) }
        for number in 0..<2 { _ = pool.exit(number, .stopped) }
        #expect(pool.isFinished)
    }

    @Test func `a failed pool finishes when it is closed and its workers are gone`() {
        var early = PoolStateMachine.started(workers: 2)
        _ = early.exit(1, .cannotStart("x"))
        var late = early
        #expect(early.stopRequested() == [])
        #expect(early.exit(0, .stopped) == [.finished])
        #expect(late.exit(0, .stopped) == [])
        #expect(late.drainRequested() == [.finished])
    }
}
