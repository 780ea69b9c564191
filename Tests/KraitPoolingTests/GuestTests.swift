import Testing

@testable import KraitPooling

/// Workers that somebody starts elsewhere: leased like any other, and never started by the pool.
@Suite struct GuestTests {
    private func pool(workers: Int = 1, ready: Int = 1, guests: Int = 2) -> PoolStateMachine {
        .started(workers: workers, ready: ready) { $0.guests = guests }
    }

    @Test func `a guest takes calls once it is ready, as many as it has slots`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        #expect(guest == worker(1) && pool.freeSlots == 1)
        #expect(pool.workerReady(guest, slots: 2, at: at(2)) == [])
        #expect(pool.freeSlots == 3 && pool.target == 1)
        let holders = try (0..<3).map { _ in try pool.sentCall().worker }
        #expect(holders.count { $0 == guest } == 2)
        #expect(pool.snapshots().map(\.id) == [worker(0), guest])
    }

    @Test func `calls of a guest that is lost fail, and nobody is started for it`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        _ = pool.workerReady(guest, slots: 1, at: at(2))
        let sent = try (0..<2).map { _ in try pool.sentCall() }
        let its = try #require(sent.first { $0.worker == guest })
        #expect(pool.exit(1, .silent, at: at(3)) == [.fail(its.id, .workerSilent(guest))])
        #expect(pool.phases == [.ready, .gone] && pool.state == .ready)
        #expect(pool.timerToArm() == nil, "nothing is waited for")
        #expect(pool.snapshots().map(\.id) == [worker(0)])
    }

    @Test func `one that comes back has its place again, as the next incarnation`() throws {
        var pool = pool(guests: 1)
        #expect(try pool.guestArrived(at: at(1)).get() == worker(1))
        _ = pool.exit(1, .crashed("x"), at: at(2))
        #expect(try pool.guestArrived(at: at(3)).get() == worker(1, 2))
    }

    @Test func `more than the pool takes are refused, until one has left`() throws {
        var pool = pool(guests: 1)
        _ = try pool.guestArrived(at: at(1)).get()
        #expect(pool.guestArrived(at: at(2)) == .failure(.init(.full(limit: 1))))
        _ = pool.exit(1, .stopped, at: at(3))
        #expect(throws: Never.self) { try pool.guestArrived(at: at(4)).get() }
        var none = self.pool(guests: 0)
        #expect(none.guestArrived(at: at(1)) == .failure(.init(.full(limit: 0))))
    }

    @Test func `a pool that takes no workers refuses guests`() {
        var unborn = PoolStateMachine(PoolConfiguration(workers: 1, guests: 1))
        #expect(unborn.guestArrived(at: at(1)) == .failure(.init(.closed(.starting))))
        var drained = pool()
        _ = drained.pauseRequested()
        #expect(drained.guestArrived(at: at(1)) == .failure(.init(.closed(.paused))))
        var closed = pool()
        _ = closed.stopRequested()
        #expect(closed.guestArrived(at: at(1)) == .failure(.init(.closed(.closed))))
    }

    @Test func `a pool is resized around its guests`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        _ = pool.workerReady(guest, slots: 1, at: at(2))
        #expect(pool.resized(to: 2, at: at(3)) == [.start(worker(2))])
        _ = pool.workerReady(worker(2), slots: 1, at: at(4))
        #expect(pool.outstanding(.population) == 0)
        #expect(pool.resized(to: 1, at: at(5)) == [.stop(worker(2), .closing)])
        #expect(pool.phases == [.ready, .ready, .stopping])
    }

    @Test func `guests are not among those that are recycled`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        _ = pool.workerReady(guest, slots: 1, at: at(2))
        let actions = pool.recycleRequested()
        #expect(actions.contains(.stop(worker(0), .closing)))
        #expect(pool.phases == [.stopping, .ready])
        _ = pool.exit(0, .stopped, at: at(3))
        _ = pool.workerReady(worker(0, 2), slots: 1, at: at(4))
        #expect(pool.outstanding(.recycled) == 0 && pool.phases == [.ready, .ready])
    }

    @Test func `a guest that says it leaves gets no new calls, and goes when it has done`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        _ = pool.workerReady(guest, slots: 1, at: at(2))
        let sent = try (0..<2).map { _ in try pool.sentCall() }
        let its = try #require(sent.first { $0.worker == guest })
        #expect(pool.workerLeaves(guest) == [])
        #expect(pool.workerLeaves(guest) == [], "once is enough")
        _ = try pool.queuedCall()
        #expect(pool.answered(its.id, by: guest).actions == [.stop(guest, .closing)])
        _ = pool.exit(1, .stopped, at: at(3))
        #expect(pool.phases == [.ready, .gone])
    }

    @Test func `a drained pool lets its guests go as well`() throws {
        var pool = pool()
        let guest = try pool.guestArrived(at: at(1)).get()
        _ = pool.workerReady(guest, slots: 1, at: at(2))
        let actions = pool.pauseRequested()
        #expect(actions == [.stop(worker(0), .closing), .stop(guest, .closing)])
        _ = pool.exit(0, .stopped, at: at(3))
        #expect(pool.exit(1, .stopped, at: at(4)) == [.paused])
        #expect(pool.resumeRequested(at: at(5)) == [.startAfresh, .start(worker(0, 2))])
    }

    @Test func `a pool with a guest does not give up on its own workers`() throws {
        var pool = pool(ready: 0)
        let guest = try pool.guestArrived(at: at(1)).get()
        #expect(pool.workerReady(guest, slots: 1, at: at(2)) == [.becameReady])
        for number in 1...10 {
            _ = pool.exit(0, .cannotStart("x"), at: at(1_000 * number))
            _ = pool.timerFired(at: at(1_000 * number + 999))
        }
        #expect(pool.state == .ready)
    }
}
