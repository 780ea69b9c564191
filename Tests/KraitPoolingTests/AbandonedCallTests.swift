import Testing

@testable import KraitPooling

/// A worker that may be stuck in a call nobody waits for: grace, retirement, end, replacement.
@Suite struct AbandonedCallTests {
    private static func pool(workers: Int = 1, slots: Int = 2) -> PoolStateMachine {
        .started(workers: workers, ready: workers, slots: slots) {
            $0.abandonedGrace = .milliseconds(100)
        }
    }

    @Test func `within its grace the worker serves on`() throws {
        var pool = Self.pool()
        let (id, _) = try pool.sentCall()
        _ = pool.callCancelled(id, at: at(10))
        #expect(pool.timerToArm() == at(110))
        #expect(pool.timerFired(at: at(109)) == [])
        #expect(pool.phases == [.ready])
        _ = try pool.sentCall(at: at(109))
    }

    @Test func `after its grace a worker at nothing else is ended and replaced`() throws {
        var pool = Self.pool()
        let (id, holder) = try pool.sentCall()
        _ = pool.callCancelled(id, at: at(10))
        #expect(pool.timerFired(at: at(110)) == [.stop(holder, .stuck)])
        #expect(pool.phases == [.stopping] && pool.freeSlots == 0)
        let next = try pool.queuedCall(at: at(110))
        #expect(pool.exit(0, .stopped, at: at(120)) == [.start(worker(0, 2))])
        #expect(
            pool.workerReady(worker(0, 2), slots: 2, at: at(130)) == [
                .send(next, to: worker(0, 2))
            ]
        )
        #expect(pool.calls.count == 1)
    }

    @Test func `a worker with other calls finishes them first, and takes no more`() throws {
        var pool = Self.pool()
        let (stuck, holder) = try pool.sentCall()
        let (awaited, _) = try pool.sentCall()
        let queued = try pool.queuedCall()
        _ = pool.callCancelled(stuck, at: at(0))
        #expect(pool.timerFired(at: at(100)) == [])
        #expect(pool.phases == [.retiring])
        #expect(
            pool.answered(awaited, by: holder)
                == .init(isAwaited: true, actions: [.stop(holder, .stuck)])
        )
        #expect(pool.queued == 1 && pool.calls.index(of: queued) != nil)
        #expect(pool.freeSlots == 0)
    }

    @Test func `a retiring worker whose last awaited call is cancelled is ended`() throws {
        var pool = Self.pool()
        let (stuck, holder) = try pool.sentCall()
        let (awaited, _) = try pool.sentCall()
        _ = pool.callCancelled(stuck, at: at(0))
        _ = pool.timerFired(at: at(100))
        #expect(
            pool.callCancelled(awaited, at: at(150)) == [
                .cancel(awaited, at: holder), .fail(awaited, .cancelled(sent: true)),
                .stop(holder, .stuck),
            ]
        )
        #expect(pool.phases == [.stopping])
    }

    @Test func `a retiring worker whose last awaited call passes its deadline is ended`() throws {
        var pool = Self.pool()
        let (stuck, holder) = try pool.sentCall()
        let (awaited, _) = try pool.sentCall(deadline: at(150))
        _ = pool.callCancelled(stuck, at: at(0))
        _ = pool.timerFired(at: at(100))
        #expect(pool.timerFired(at: at(150)).contains(.stop(holder, .stuck)))
        #expect(pool.calls.index(of: awaited) != nil, "it holds its slot until the worker is gone")
        _ = pool.exit(0, .stopped, at: at(160))
        #expect(pool.calls.count == 0)
    }

    @Test func `a retiring worker that answers the abandoned call still finishes the others`()
        throws
    {
        var pool = Self.pool()
        let (stuck, holder) = try pool.sentCall()
        let (awaited, _) = try pool.sentCall()
        _ = pool.callCancelled(stuck, at: at(0))
        _ = pool.timerFired(at: at(100))
        #expect(pool.answered(stuck, by: holder) == .init(isAwaited: false, actions: []))
        #expect(pool.phases == [.retiring])
        #expect(pool.answered(awaited, by: holder).actions == [.stop(holder, .stuck)])
    }

    @Test func `answering within the grace keeps the worker`() throws {
        var pool = Self.pool()
        let (id, holder) = try pool.sentCall()
        _ = pool.callCancelled(id, at: at(0))
        _ = pool.answered(id, by: holder)
        #expect(pool.timerFired(at: at(100)) == [])
        #expect(pool.phases == [.ready] && pool.freeSlots == 2)
    }

    @Test func `each abandoned call has its own grace`() throws {
        var pool = Self.pool(workers: 2, slots: 1)
        let first = try pool.sentCall()
        let second = try pool.sentCall()
        _ = pool.callCancelled(first.id, at: at(0))
        _ = pool.callCancelled(second.id, at: at(50))
        #expect(pool.timerFired(at: at(100)) == [.stop(first.worker, .stuck)])
        #expect(pool.timerToArm() == at(150))
        #expect(pool.timerFired(at: at(150)) == [.stop(second.worker, .stuck)])
        #expect(pool.timerFired(at: at(500)) == [], "each is ended once")
    }

    @Test func `a stuck worker that crashes instead is replaced just the same`() throws {
        var pool = Self.pool()
        let (id, _) = try pool.sentCall()
        _ = pool.callCancelled(id, at: at(0))
        _ = pool.timerFired(at: at(100))
        #expect(pool.exit(0, .crashed("signal 9"), at: at(110)) == [.start(worker(0, 2))])
        #expect(pool.calls.count == 0)
    }

    @Test func `a worker that was ended because it was stuck answers late`() throws {
        var pool = Self.pool()
        let (id, holder) = try pool.sentCall()
        _ = pool.callCancelled(id, at: at(0))
        _ = pool.timerFired(at: at(100))
        let queued = try pool.queuedCall(at: at(100))
        #expect(pool.answered(id, by: holder) == .init(isAwaited: false, actions: []))
        #expect(pool.freeSlots == 0, "its slots are not given away any more")
        #expect(pool.calls.entries[queued.index].phase == .queued)
    }
}
