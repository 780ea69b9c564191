import Testing

@testable import KraitPooling

/// Which worker a session's calls go to.
@Suite struct PoolSessionTests {
    private func about(
        _ session: UInt64 = 1,
        loaded: Int? = nil,
        saves: Bool = true,
        mayMove: Bool = false
    ) -> CallTraits {
        var traits = CallTraits()
        traits.session = SessionCall(
            number: session,
            loaded: loaded,
            saves: saves,
            mayMove: mayMove
        )
        return traits
    }

    private let moved = PoolStateMachine.Arrival.refused(.sessionMoved(sent: false))

    @Test func `a call without its state is sent back, and one with it makes a home`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2, slots: 2)
        #expect(pool.arrival(about(), deadline: nil, at: at(1)) == moved)
        let first = try pool.sentCall(about(loaded: 0))
        let second = try pool.sentCall(about())
        #expect(first.worker == second.worker)
        // Others take the other worker.
        #expect(try pool.sentCall().worker != first.worker)
        let answered = pool.answered(first.id, by: first.worker)
        #expect(answered.change == SessionAnswer(number: 1, answers: 1, isSaved: true))
    }

    @Test func `calls wait for a busy home, and hold up nobody`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let first = try pool.sentCall(about(loaded: 0))
        let waiting = try pool.queuedCall(about())
        let other = try pool.sentCall()
        #expect(other.worker != first.worker)
        _ = try pool.queuedCall()
        let free = pool.answered(first.id, by: first.worker)
        #expect(free.actions == [.send(waiting, to: first.worker)])
        // The next slot is for those who wait for any.
        _ = try pool.queuedCall(about())
        let next = pool.answered(waiting, by: first.worker)
        guard case .send(let id, first.worker)? = next.actions.first else {
            Issue.record("nobody was sent: \(next.actions)")
            return
        }
        #expect(id != waiting && pool.queued == 1)
    }

    @Test func `a session may move where nothing is lost`() throws {
        for (mayMove, saves) in [(true, true), (true, false), (false, true)] {
            var pool = PoolStateMachine.started(workers: 2, ready: 2)
            let first = try pool.sentCall(about(loaded: 0, saves: saves))
            _ = pool.answered(first.id, by: first.worker)
            let other = try pool.sentCall()
            #expect(other.worker == first.worker, "the warm one is preferred")
            let (arrival, _) = pool.callArrived(
                about(mayMove: mayMove),
                deadline: nil,
                at: at(2)
            )
            if mayMove, saves {
                #expect(arrival == moved)
                let there = try pool.sentCall(about(loaded: 1, mayMove: true))
                #expect(there.worker != first.worker)
            } else {
                guard case .queued = arrival else {
                    Issue.record("it did not wait: \(arrival)")
                    continue
                }
            }
        }
    }

    @Test func `a state older than the last answer is never used`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        let first = try pool.sentCall(about(loaded: 0))
        let next = try pool.queuedCall(about())
        let sent = pool.answered(first.id, by: first.worker)
        #expect(sent.actions == [.send(next, to: first.worker)])
        let waiting = try pool.queuedCall(about(loaded: 0))
        let actions = pool.exit(0, .crashed("signal 9"))
        #expect(actions.contains(.fail(waiting, .sessionMoved(sent: false))))
        #expect(pool.sessionHomes.isEmpty)
        #expect(pool.arrival(about(loaded: 0), deadline: nil, at: at(3)) == moved)
        let late = try pool.queuedCall(about(loaded: 1))
        _ = pool.timerFired(at: at(60_000))
        let ready = pool.workerReady(pool.workerID(0), slots: 1, at: at(60_001))
        #expect(ready.contains(.send(late, to: pool.workerID(0))))
    }

    @Test func `what a worker does not have comes with the next call`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        let first = try pool.sentCall(about(loaded: 0))
        let missing = pool.answered(
            first.id,
            by: first.worker,
            .noSession,
            isFault: true,
            at: at(1)
        )
        #expect(!missing.isAwaited && missing.change == nil)
        #expect(missing.actions == [.fail(first.id, .sessionMoved(sent: false))])
        #expect(try pool.sentCall(about(loaded: 0)).worker == first.worker)
    }

    @Test func `a worker that leaves is asked for what nobody else has`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        for session in [UInt64(1), 2, 3] {
            let call = try pool.sentCall(about(session, loaded: 0, saves: session == 2))
            _ = pool.answered(call.id, by: call.worker)
        }
        let asked = pool.recycleRequested()
        guard case .save(let one, 1, let worker)? = asked.last else {
            Issue.record("nothing was asked: \(asked)")
            return
        }
        let next = pool.answered(one, by: worker)
        #expect(next.change == SessionAnswer(number: 1, answers: 2, isSaved: true))
        guard case .save(let other, 3, worker)? = next.actions.last else {
            Issue.record("the other was not asked: \(next.actions)")
            return
        }
        // One that cannot be saved keeps nobody.
        let last = pool.answered(other, by: worker, isFault: true, at: at(2))
        #expect(last.change == nil)
        #expect(last.actions == [.statesLost(worker, count: 1), .stop(worker, .closing)])
    }

    @Test func `a pool is drained when its sessions are saved`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        let call = try pool.sentCall(about(loaded: 0, saves: false))
        _ = pool.answered(call.id, by: call.worker)
        let asked = pool.drainRequested()
        guard case .save(let id, 1, let worker)? = asked.first else {
            Issue.record("nothing was asked: \(asked)")
            return
        }
        #expect(pool.state == .draining)
        let answered = pool.answered(id, by: worker)
        #expect(answered.actions.contains(.stop(worker, .closing)))
        #expect(pool.state == .closed)
    }

    @Test func `the end of a worker says how many states went with it`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1, slots: 4)
        for session in [UInt64(1), 2, 3] {
            let call = try pool.sentCall(about(session, loaded: 0, saves: session == 2))
            _ = pool.answered(call.id, by: call.worker)
        }
        let worker = pool.workerID(0)
        #expect(pool.exit(0, .silent).contains(.statesLost(worker, count: 2)))
    }

    @Test func `a call that nobody waits for counts for nothing that is known`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        let call = try pool.sentCall(about(loaded: 0))
        _ = pool.callCancelled(call.id, at: at(1))
        #expect(pool.answered(call.id, by: call.worker).change == nil)
        // What it may have changed is saved before the worker leaves.
        #expect(pool.recycleRequested().contains { if case .save = $0 { true } else { false } })
    }

    @Test func `the end of a session is told to its worker`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1)
        let call = try pool.sentCall(about(loaded: 0))
        let waiting = try pool.queuedCall(about())
        let (told, actions) = pool.sessionEnded(1, at: at(1))
        #expect(told == nil, "its slot is taken")
        #expect(actions == [.fail(waiting, .sessionMoved(sent: false))])
        #expect(pool.answered(call.id, by: call.worker).change == nil)
        let other = try pool.sentCall(about(2, loaded: 0))
        _ = pool.answered(other.id, by: other.worker)
        #expect(pool.sessionEnded(2, at: at(2)).told?.worker == other.worker)
    }

    @Test func `waiting for a home has its deadline and its bound`() throws {
        var pool = PoolStateMachine.started(workers: 1, ready: 1) { $0.queueLimit = 1 }
        _ = try pool.sentCall(about(loaded: 0))
        let waiting = try pool.queuedCall(about(), deadline: at(50))
        let refused = pool.arrival(about(), deadline: nil, at: at(1))
        #expect(refused == .refused(.queueFull(limit: 1)))
        let late = pool.timerFired(at: at(50))
        #expect(late.contains(.fail(waiting, .deadlineExceeded(sent: false))))
        #expect(pool.queued == 0)
    }
}
