import KraitWire
import Testing

@testable import KraitPooling

/// Calls that are made again, refused for what they did, or run alone.
@Suite struct RepeatedCallTests {
    private static let twice = CallTraits(operation: "predict", isIdempotent: true)

    @Test func `a call that may be made twice goes to another worker after a pause`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(Self.twice)
        let actions = pool.exit(holder.number, .crashed("signal 9"))
        let again = worker(holder.number, 2)
        #expect(actions == [.retry(id, after: .milliseconds(10)), .start(again)])
        #expect(pool.queued == 1 && pool.inFlight == 0)
        #expect(pool.timerToArm() == at(10))
        let other = worker(1 - holder.number)
        #expect(pool.timerFired(at: at(10)) == [.send(id, to: other)])
        #expect(pool.answered(id, by: other).isAwaited)
        #expect(pool.answered(id, by: holder) == .init(isAwaited: false, actions: []))
    }

    @Test func `a call that may not is lost, and says so`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(CallTraits(operation: "pay"))
        let actions = pool.exit(holder.number, .crashed("signal 9"))
        #expect(actions.first == .fail(id, .workerCrashed(holder, "signal 9")))
    }

    @Test func `attempts are counted, and the last failure is told`() throws {
        var pool = PoolStateMachine.started(ready: 1) { $0.retries.attempts = 2 }
        let (id, holder) = try pool.sentCall(Self.twice)
        _ = pool.exit(0, .silent, random: 0)
        _ = pool.timerFired(at: at(1))
        let second = worker(0, holder.incarnation + 1)
        #expect(
            pool.workerReady(second, slots: 1, at: at(1)) == [.send(id, to: second)]
        )
        #expect(pool.exit(0, .silent, at: at(2)).first == .fail(id, .workerSilent(second)))
    }

    @Test func `a deadline that comes before the next attempt is not waited for`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(Self.twice, deadline: at(10))
        let actions = pool.exit(holder.number, .crashed("signal 9"))
        #expect(actions.first == .fail(id, .workerCrashed(holder, "signal 9")))
    }

    @Test func `a call that waits for its next attempt can be cancelled, and was sent`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(Self.twice)
        _ = pool.exit(holder.number, .crashed("signal 9"))
        #expect(pool.callCancelled(id, at: at(1)) == [.fail(id, .cancelled(sent: true))])
        #expect(pool.queued == 0 && pool.timerFired(at: at(10)).isEmpty)
    }

    @Test func `a pool that drains makes its calls again before it closes`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(Self.twice)
        #expect(pool.drainRequested().isEmpty)
        _ = pool.exit(holder.number, .crashed("signal 9"))
        #expect(pool.state == .draining)
        let other = worker(1 - holder.number)
        #expect(pool.timerFired(at: at(10)) == [.send(id, to: other)])
        _ = pool.answered(id, by: other)
        #expect(pool.state == .closed)
    }

    @Test func `without budget nothing is made again`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 40) { $0.retries.budget = 0 }
        let sent = try (0..<40).map { _ in try pool.sentCall(Self.twice).id }
        let actions = pool.exit(0, .crashed("signal 9"))
        let retried = actions.count { if case .retry = $0 { true } else { false } }
        let failed = actions.count { if case .fail = $0 { true } else { false } }
        #expect(retried == 10 && failed == sent.count - 10)
    }

    @Test func `a call that a worker refused is sent again, whatever it is`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall(CallTraits(operation: "pay"))
        let other = try pool.sentCall()
        let waiting = try pool.queuedCall()
        let answered = pool.answered(id, by: holder, .notBegun)
        #expect(answered == .init(isAwaited: false, actions: [.send(id, to: holder)]))
        #expect(
            pool.answered(other.id, by: other.worker).actions == [.send(waiting, to: other.worker)]
        )
    }

    @Test func `a worker that refuses for ever is not believed`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        var refusals = 1
        while !pool.answered(id, by: holder, .notBegun).isAwaited {
            refusals += 1
            if refusals > 100 { break }
        }
        #expect(refusals <= 100)
    }

    // MARK: Suspects

    /// A pool in which two workers have died of the content 5.
    private func suspicious() throws -> PoolStateMachine {
        var pool = PoolStateMachine.started(ready: 1, slots: 2)
        for death in 1...2 {
            _ = try pool.sentCall(at: at(death))
            let id = pool.workerID(0)
            _ = pool.workerExited(id, .crashed("signal 11"), random: 0, at: at(death)) { _ in 5 }
            _ = pool.timerFired(at: at(death))
            _ = pool.workerReady(pool.workerID(0), slots: 2, at: at(death))
        }
        #expect(pool.wantsFingerprints)
        return pool
    }

    @Test func `a suspect runs alone, and the others go on after it`() throws {
        var pool = try suspicious()
        let running = try pool.sentCall(at: at(3))
        let holder = running.worker
        let (arrival, actions) = pool.callArrived(deadline: nil, fingerprint: 5, at: at(3))
        guard case .queued(let suspect) = arrival else {
            Issue.record("the suspect is \(arrival)")
            return
        }
        #expect(actions.isEmpty && pool.freeSlots == 0, "the worker is to become idle first")
        let next = try pool.queuedCall(at: at(3))
        #expect(pool.answered(running.id, by: holder).actions == [.send(suspect, to: holder)])
        let answered = pool.answered(suspect, by: holder, .success, fingerprint: 5, at: at(4))
        #expect(answered == .init(isAwaited: true, actions: [.send(next, to: holder)]))
        #expect(!pool.wantsFingerprints && pool.freeSlots == 1)
    }

    @Test func `at the third death it is refused, those that wait included`() throws {
        var pool = try suspicious()
        let (arrival, actions) = pool.callArrived(deadline: nil, fingerprint: 5, at: at(3))
        guard case .queued(let suspect) = arrival else {
            Issue.record("the suspect is \(arrival)")
            return
        }
        let holder = pool.workerID(0)
        #expect(actions == [.send(suspect, to: holder)])
        let twin = try pool.queuedCall(at: at(3))
        let other = try pool.queuedCall(at: at(3))
        let ends = pool.workerExited(holder, .crashed("signal 11"), random: 0, at: at(4)) {
            $0 == other ? 6 : 5
        }
        let refused = CallFailure.quarantined(deaths: 3, ending: "signal 11", sent: false)
        #expect(
            ends.prefix(2) == [
                .fail(twin, refused), .fail(suspect, .workerCrashed(holder, "signal 11")),
            ]
        )
        #expect(pool.queued == 1)
        #expect(
            pool.arrival(deadline: nil, fingerprint: 5, at: at(5)) == .refused(refused)
        )
    }

    @Test func `a suspect that is cancelled frees the worker that was kept for it`() throws {
        var pool = try suspicious()
        _ = try pool.sentCall(at: at(3))
        let (arrival, _) = pool.callArrived(deadline: nil, fingerprint: 5, at: at(3))
        guard case .queued(let suspect) = arrival else {
            Issue.record("the suspect is \(arrival)")
            return
        }
        let next = try pool.queuedCall(at: at(3))
        #expect(
            pool.callCancelled(suspect, at: at(4)) == [
                .fail(suspect, .cancelled(sent: false)), .send(next, to: pool.workerID(0)),
            ]
        )
    }

    // MARK: Breakers and rates

    @Test func `an operation that keeps failing is refused at once, and only it`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 40) {
            $0.breaker = BreakerPolicy(minimumCalls: 2, openFor: .milliseconds(100))
        }
        let failing = CallTraits(operation: "predict")
        let first = try pool.sentCall(failing)
        let second = try pool.sentCall(failing)
        _ = pool.answered(first.id, by: first.worker, .failure)
        let opening = pool.answered(second.id, by: second.worker, .failure)
        #expect(opening.isAwaited)
        #expect(opening.actions == [.breakerOpened("predict", until: at(100))])
        #expect(
            pool.arrival(failing, deadline: nil, at: at(40))
                == .refused(.circuitOpen("predict", .milliseconds(60)))
        )
        #expect(pool.breakers(at: at(40)).map(\.operation) == ["predict"])
        _ = try pool.sentCall(CallTraits(operation: "embed"), at: at(40))
        _ = try pool.sentCall(failing, at: at(100))
    }

    @Test func `calls that wait when their breaker opens are told at once`() throws {
        var pool = PoolStateMachine.started(ready: 1) {
            $0.breaker = BreakerPolicy(minimumCalls: 1, openFor: .milliseconds(100))
        }
        let failing = CallTraits(operation: "predict")
        let running = try pool.sentCall(failing)
        let same = try pool.queuedCall(failing)
        let other = try pool.queuedCall(CallTraits(operation: "embed"))
        #expect(
            pool.answered(running.id, by: running.worker, .failure).actions == [
                .breakerOpened("predict", until: at(100)),
                .fail(same, .circuitOpen("predict", .milliseconds(100))),
                .send(other, to: running.worker),
            ]
        )
    }

    @Test func `a deadline that was too short is no failure of the operation`() throws {
        for (time, isOpen) in [(999, false), (1_000, true)] {
            var pool = PoolStateMachine.started(ready: 1) {
                $0.breaker = BreakerPolicy(minimumCalls: 1)
            }
            _ = try pool.sentCall(deadline: at(time))
            _ = pool.timerFired(at: at(time))
            #expect(!pool.breakers(at: at(time)).isEmpty == isOpen)
        }
    }

    @Test func `a pool's rate and a caller's are kept apart`() {
        var pool = PoolStateMachine.started(ready: 1, slots: 40) {
            $0.rate = RateLimit(perSecond: 10, burst: 4)
            $0.callerRate = RateLimit(perSecond: 10, burst: 2)
        }
        func isTaken(_ caller: UInt64) -> Bool {
            let traits = CallTraits(caller: caller)
            guard case .send = pool.arrival(traits, deadline: nil, at: origin) else { return false }
            return true
        }
        #expect([1, 1, 1, 2].map(isTaken) == [true, true, false, true])
        #expect([0, 0].map(isTaken) == [true, false], "nobody has no rate, but the pool has")
        #expect(
            pool.arrival(CallTraits(caller: 3), deadline: nil, at: origin)
                == .refused(.rateLimited(.milliseconds(100)))
        )
    }

    @Test func `a more urgent call takes the place of another in a full queue`() throws {
        var pool = PoolStateMachine.started(ready: 1) { $0.queueLimit = 1 }
        _ = try pool.sentCall()
        let low = try pool.queuedCall(CallTraits(priority: .low))
        let (arrival, actions) = pool.callArrived(
            CallTraits(priority: .high),
            deadline: nil,
            at: origin
        )
        guard case .queued = arrival else {
            Issue.record("the urgent call is \(arrival)")
            return
        }
        #expect(actions == [.fail(low, .displaced(limit: 1, sent: false))])
        #expect(pool.queued == 1)
    }
}
