import Testing

@testable import KraitPooling

/// What becomes of answers, of cancelled calls and of deadlines.
@Suite struct AnswerTests {
    private static let ignored = PoolStateMachine.Answered(isAwaited: false, actions: [])

    // MARK: Answers that are none

    @Test func `a second answer is discarded`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        #expect(pool.answered(id, by: holder).isAwaited)
        let before = pool
        #expect(pool.answered(id, by: holder) == Self.ignored)
        #expect(pool == before)
    }

    @Test func `an answer to an older call of the same place is discarded`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (old, holder) = try pool.sentCall()
        _ = pool.answered(old, by: holder)
        let (new, _) = try pool.sentCall()
        #expect(new.index == old.index)
        #expect(pool.answered(old, by: holder) == Self.ignored)
        #expect(pool.answered(new, by: holder).isAwaited)
    }

    @Test func `an answer by a worker that was not asked is discarded`() throws {
        var pool = PoolStateMachine.started(workers: 2, ready: 2)
        let (id, holder) = try pool.sentCall()
        let before = pool
        for other in [worker(1 - holder.number), worker(holder.number, 2), worker(7)] {
            #expect(pool.answered(id, by: other) == Self.ignored)
        }
        #expect(pool == before)
        #expect(pool.answered(id, by: holder).isAwaited)
    }

    @Test func `an answer to a queued call is discarded`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        _ = try pool.sentCall()
        let id = try pool.queuedCall()
        let before = pool
        #expect(pool.answered(id, by: worker(0)) == Self.ignored)
        #expect(pool == before)
    }

    @Test func `an answer with an id that was never given away is discarded`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let before = pool
        for raw in [0, 1, .max, 1 << 24] as [UInt64] {
            #expect(pool.answered(CallID(rawValue: raw), by: worker(0)) == Self.ignored)
        }
        #expect(pool == before)
    }

    // MARK: Cancellation

    @Test func `cancelling a queued call forgets it`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let running = try pool.sentCall()
        let id = try pool.queuedCall()
        let next = try pool.queuedCall()
        #expect(pool.callCancelled(id, at: at(1)) == [.fail(id, .cancelled(sent: false))])
        #expect(
            pool.answered(running.id, by: worker(0)).actions == [.send(next, to: worker(0))]
        )
    }

    @Test func `cancelling a sent call tells the worker and keeps the slot until it answers`()
        throws
    {
        var pool = PoolStateMachine.started(ready: 1)
        let (id, holder) = try pool.sentCall()
        let next = try pool.queuedCall()
        #expect(
            pool.callCancelled(id, at: at(1)) == [
                .cancel(id, at: holder), .fail(id, .cancelled(sent: true)),
            ]
        )
        #expect(pool.freeSlots == 0 && pool.workers[0].busy == 1 && pool.queued == 1)
        // The worker's answer is not passed on, but frees the slot.
        #expect(
            pool.answered(id, by: holder)
                == .init(isAwaited: false, actions: [.send(next, to: holder)])
        )
    }

    @Test func `cancelling twice, or after the answer, does nothing`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        let (first, holder) = try pool.sentCall()
        _ = pool.callCancelled(first, at: at(1))
        var before = pool
        #expect(pool.callCancelled(first, at: at(2)) == [])
        #expect(pool == before)
        _ = pool.answered(first, by: holder)
        let (second, _) = try pool.sentCall()
        _ = pool.answered(second, by: holder)
        before = pool
        #expect(pool.callCancelled(first, at: at(3)) == [])
        #expect(pool.callCancelled(second, at: at(3)) == [])
        #expect(pool == before)
    }

    // MARK: Deadlines

    @Test func `a queued call ends at its deadline`() throws {
        var pool = PoolStateMachine.started(ready: 1)
        _ = try pool.sentCall()
        let id = try pool.queuedCall(deadline: at(10))
        #expect(pool.timerToArm() == at(10))
        #expect(pool.timerFired(at: at(9)) == [])
        #expect(pool.timerFired(at: at(10)) == [.fail(id, .deadlineExceeded(sent: false))])
        #expect(pool.queued == 0)
        #expect(pool.timerToArm() == nil)
    }

    @Test func `a sent call ends at its deadline and keeps its slot`() throws {
        var pool = PoolStateMachine.started(ready: 1) { $0.abandonedGrace = .milliseconds(50) }
        let (id, holder) = try pool.sentCall(deadline: at(10))
        #expect(
            pool.timerFired(at: at(10)) == [
                .cancel(id, at: holder), .fail(id, .deadlineExceeded(sent: true)),
            ]
        )
        #expect(pool.freeSlots == 0)
        #expect(pool.timerToArm() == at(60), "then the abandoned call is looked at")
        #expect(pool.answered(id, by: holder) == Self.ignored)
        #expect(pool.freeSlots == 1)
    }

    @Test func `each call ends once, at its own deadline`() throws {
        var pool = PoolStateMachine.started()
        let ids = try [30, 10, 20, 10].map { try pool.queuedCall(deadline: at($0)) }
        func failed(_ places: [Int]) -> [PoolAction] {
            places.map { .fail(ids[$0], .deadlineExceeded(sent: false)) }
        }
        #expect(pool.timerFired(at: at(10)) == failed([1, 3]))
        #expect(pool.timerFired(at: at(15)) == [])
        #expect(pool.timerFired(at: at(100)) == failed([0, 2]))
        #expect(pool.timerFired(at: at(200)) == [])
    }

    @Test func `a call without a deadline waits for ever`() throws {
        var pool = PoolStateMachine.started()
        _ = try pool.queuedCall()
        #expect(pool.timerToArm() == nil)
        #expect(pool.timerFired(at: at(1_000_000)) == [])
        #expect(pool.queued == 1)
    }

    // MARK: The timer

    @Test func `a timer is armed only where it comes before those that are armed`() throws {
        var pool = PoolStateMachine.started()
        _ = try pool.queuedCall(deadline: at(30))
        #expect(pool.timerToArm() == at(30))
        #expect(pool.timerToArm() == nil)
        _ = try pool.queuedCall(deadline: at(40))
        #expect(pool.timerToArm() == nil)
        _ = try pool.queuedCall(deadline: at(10))
        #expect(pool.timerToArm() == at(10))
        _ = pool.timerFired(at: at(10))
        #expect(pool.timerToArm() == nil, "the timer for 30 is still armed")
        _ = pool.timerFired(at: at(30))
        #expect(pool.timerToArm() == at(40))
    }

    @Test func `short deadlines do not pile up timers behind a long one`() throws {
        var pool = PoolStateMachine.started()
        _ = try pool.queuedCall(deadline: at(100_000))
        var armed = [pool.timerToArm()].compactMap(\.self)
        for step in 1...1_000 {
            _ = try pool.queuedCall(deadline: at(step), at: at(step - 1))
            armed += [pool.timerToArm()].compactMap(\.self)
            _ = pool.timerFired(at: at(step))
            armed.removeAll { $0 <= at(step) }
            armed += [pool.timerToArm()].compactMap(\.self)
            #expect(armed == [at(100_000)])
        }
    }

    @Test func `a timer that comes early or twice does no harm`() throws {
        var pool = PoolStateMachine.started()
        let id = try pool.queuedCall(deadline: at(10))
        #expect(pool.timerToArm() == at(10))
        #expect(pool.timerFired(at: at(3)) == [])
        #expect(pool.timerFired(at: at(3)) == [])
        #expect(pool.timerToArm() == nil)
        #expect(pool.timerFired(at: at(10)).count == 1)
        #expect(pool.timerFired(at: at(10)) == [])
        #expect(pool.calls.index(of: id) == nil)
    }
}
