import Testing

@testable import KraitPooling

/// What becomes of calls as they arrive.
@Suite struct ArrivalTests {
    @Test func `before any worker is ready calls wait`() throws {
        var pool = PoolStateMachine.started()
        _ = try pool.queuedCall()
        #expect(pool.queued == 1 && pool.inFlight == 0)
    }

    @Test func `calls may arrive before the pool is started`() throws {
        var pool = PoolStateMachine(PoolConfiguration(workers: 1))
        let id = try pool.queuedCall()
        #expect(pool.started(at: origin) == [.start(worker(0))])
        let actions = pool.workerReady(worker(0), slots: 1, at: origin)
        #expect(actions == [.becameReady, .send(id, to: worker(0))])
    }

    @Test func `a free slot serves a call at once`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 2)
        let (id, holder) = try pool.sentCall(deadline: at(10))
        #expect(holder == worker(0))
        #expect(pool.deadline(of: id) == at(10))
        #expect(pool.inFlight == 1 && pool.queued == 0 && pool.freeSlots == 1)
    }

    @Test func `with every slot taken calls wait in order`() throws {
        var pool = PoolStateMachine.started(ready: 1, slots: 1)
        let running = try pool.sentCall()
        let first = try pool.queuedCall()
        let second = try pool.queuedCall()
        #expect(
            pool.answered(running.id, by: running.worker)
                == .init(isAwaited: true, actions: [.send(first, to: worker(0))])
        )
        #expect(
            pool.answered(first, by: worker(0))
                == .init(isAwaited: true, actions: [.send(second, to: worker(0))])
        )
        #expect(pool.answered(second, by: worker(0)) == .init(isAwaited: true, actions: []))
        #expect(pool.freeSlots == 1 && pool.calls.count == 0)
        #expect(pool.snapshots().map(\.served) == [3])
    }

    @Test(arguments: [0, 1, 3])
    func `a full queue refuses, and takes again when there is room`(limit: Int) throws {
        var pool = PoolStateMachine.started(ready: 1) { $0.queueLimit = limit }
        let running = try pool.sentCall()
        let queued = try (0..<limit).map { _ in try pool.queuedCall() }
        #expect(
            pool.arrival(deadline: nil, at: origin) == .refused(.queueFull(limit: limit))
        )
        #expect(pool.queued == limit, "a refused call leaves nothing behind")
        let answered = pool.answered(running.id, by: running.worker)
        #expect(answered.isAwaited)
        if limit == 0 {
            _ = try pool.sentCall()
        } else {
            #expect(answered.actions == [.send(queued[0], to: worker(0))])
            _ = try pool.queuedCall()
        }
    }

    @Test func `a call that comes after its deadline is refused`() {
        for ready in [0, 1] {
            var pool = PoolStateMachine.started(ready: ready)
            let before = pool
            #expect(
                pool.arrival(deadline: at(5), at: at(5))
                    == .refused(.deadlineExceeded(sent: false))
            )
            #expect(pool == before)
        }
    }

    @Test func `a pool that failed refuses with its reason`() {
        var pool = PoolStateMachine.started()
        _ = pool.exit(0, .cannotStart("no adapter"))
        #expect(
            pool.arrival(deadline: nil, at: origin)
                == .refused(.poolFailed("no adapter", sent: false))
        )
    }

    @Test func `a pool that drains or is closed refuses`() throws {
        var draining = PoolStateMachine.started(ready: 1, slots: 2)
        _ = try draining.sentCall()
        _ = draining.drainRequested()
        var closed = PoolStateMachine.started(ready: 1)
        _ = closed.stopRequested()
        for var pool in [draining, closed] {
            #expect(
                pool.arrival(deadline: nil, at: origin)
                    == .refused(.shuttingDown(sent: false))
            )
        }
    }

    // MARK: Fairness

    @Test func `calls at the same time are spread evenly`() throws {
        var pool = PoolStateMachine.started(workers: 3, ready: 3, slots: 2)
        let holders = try (0..<6).map { _ in try pool.sentCall().worker.number }
        #expect(Set(holders[..<3]) == [0, 1, 2])
        #expect(Set(holders[3...]) == [0, 1, 2])
    }

    @Test func `one call at a time stays with the worker that is warm`() throws {
        var pool = PoolStateMachine.started(workers: 4, ready: 4, slots: 8)
        var counts = [0, 0, 0, 0]
        for _ in 0..<40 {
            let (id, holder) = try pool.sentCall()
            counts[holder.number] += 1
            _ = pool.answered(id, by: holder)
        }
        #expect(counts.sorted() == [0, 0, 0, 40])
    }

    @Test func `the least busy worker serves`() throws {
        var pool = PoolStateMachine.started(workers: 3, ready: 3, slots: 4)
        let running = try (0..<9).map { _ in try pool.sentCall() }
        for call in running where call.worker == worker(1) {
            _ = pool.answered(call.id, by: call.worker)
        }
        let next = try (0..<3).map { _ in try pool.sentCall().worker }
        #expect(next == [worker(1), worker(1), worker(1)])
    }

    @Test func `a worker without slots left is passed over`() throws {
        var pool = PoolStateMachine.started(workers: 2)
        _ = pool.workerReady(worker(0), slots: 1, at: origin)
        _ = pool.workerReady(worker(1), slots: 3, at: origin)
        let holders = try (0..<4).map { _ in try pool.sentCall().worker.number }
        #expect(holders.count { $0 == 0 } == 1 && holders.count { $0 == 1 } == 3)
        _ = try pool.queuedCall()
    }

    @Test func `a worker that offers no slots counts as having one`() throws {
        var pool = PoolStateMachine.started()
        _ = pool.workerReady(worker(0), slots: 0, at: origin)
        _ = try pool.sentCall()
        _ = try pool.queuedCall()
    }
}
