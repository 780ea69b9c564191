extension PoolStateMachine {
    /// What becomes of a call that has just arrived.
    package enum Arrival: Equatable, Sendable {
        case send(CallID, to: WorkerID)
        case queued(CallID)
        case refused(CallFailure)
    }

    /// What becomes of an answer, and of the slot it leaves free.
    package struct Answered: Equatable, Sendable {
        /// Whether somebody waits for the answer; otherwise it came late and is discarded.
        package var isAwaited: Bool
        package var actions: [PoolAction]
    }

    /// A call has arrived.
    ///
    /// O(workers) at most, and O(1) while none is free.
    package mutating func callArrived(deadline: Instant?, at now: Instant) -> Arrival {
        switch state {
        case .starting, .ready: break
        case .failed(let reason): return .refused(.poolFailed(reason, sent: false))
        case .draining, .closed: return .refused(.shuttingDown(sent: false))
        }
        if let deadline, deadline <= now { return .refused(.deadlineExceeded(sent: false)) }
        if calls.queued == 0, let number = leastBusyWorker() {
            takeSlot(of: number)
            return .send(calls.addSent(to: number, deadline: deadline), to: workerID(number))
        }
        guard calls.queued < configuration.queueLimit else {
            return .refused(.queueFull(limit: configuration.queueLimit))
        }
        return .queued(calls.enqueue(deadline: deadline))
    }

    /// A worker has answered, with a reply or a fault.
    package mutating func answered(_ id: CallID, by worker: WorkerID) -> Answered {
        let late = Answered(isAwaited: false, actions: [])
        guard let index = calls.index(of: id) else { return late }
        let number: Int
        let isAwaited: Bool
        switch calls.entries[index].phase {
        case .sent(let holder): (number, isAwaited) = (holder, true)
        case .abandoned(let holder, _): (number, isAwaited) = (holder, false)
        case .free, .queued: return late
        }
        // An answer to a call that another worker has is a worker's mistake, not an answer.
        guard workerID(number) == worker else { return late }
        calls.remove(index)
        workers[number].served += 1
        return Answered(isAwaited: isAwaited, actions: releaseSlot(of: number))
    }

    /// The caller no longer waits.
    package mutating func callCancelled(_ id: CallID, at now: Instant) -> [PoolAction] {
        guard let index = calls.index(of: id) else { return [] }
        return giveUp(index, at: now) { .cancelled(sent: $0) }
    }

    /// Ends the calls whose deadline has passed.
    mutating func expireCalls(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            guard let deadline = calls.entries[index].deadline, deadline <= now else { continue }
            actions += giveUp(index, at: now) { .deadlineExceeded(sent: $0) }
        }
        calls.refreshEarliestDeadline()
        return actions
    }

    /// Ends a caller's wait: a queued call is forgotten, a sent one becomes abandoned and keeps
    /// its slot until the worker answers or ends.
    private mutating func giveUp(
        _ index: Int,
        at now: Instant,
        failure: (_ sent: Bool) -> CallFailure
    ) -> [PoolAction] {
        let id = calls.id(at: index)
        switch calls.entries[index].phase {
        case .queued:
            calls.remove(index)
            return [.fail(id, failure(false))] + closeIfDrained()
        case .sent(let number):
            calls.abandon(index, at: now)
            check(at: now + configuration.abandonedGrace)
            return [.fail(id, failure(true)), .cancel(id, at: workerID(number))]
                + endIfOnlyAbandoned(number) + closeIfDrained()
        case .free, .abandoned:
            return []
        }
    }

    // MARK: Slots

    /// The ready worker with the fewest calls among those with a free slot; of
    /// equals the one that was last chosen: its process is warm.
    private mutating func leastBusyWorker() -> Int? {
        guard freeSlots > 0 else { return nil }
        var best: Int?
        for step in workers.indices {
            let number = (cursor + step) % workers.count
            guard workers[number].freeSlots > 0 else { continue }
            if let known = best, workers[known].busy <= workers[number].busy { continue }
            best = number
            if workers[number].busy == 0 { break }
        }
        if let best { cursor = best }
        return best
    }

    private mutating func takeSlot(of number: Int) {
        workers[number].busy += 1
        freeSlots -= 1
    }

    /// Gives a slot to the first of the queue, or back to the pool.
    private mutating func releaseSlot(of number: Int) -> [PoolAction] {
        workers[number].busy -= 1
        guard workers[number].isReady else {
            return endIfOnlyAbandoned(number) + closeIfDrained()
        }
        freeSlots += 1
        if let actions = fillSlot(of: number) { return actions }
        return state == .draining ? closeIfDrained() : []
    }

    private mutating func fillSlot(of number: Int) -> [PoolAction]? {
        guard workers[number].freeSlots > 0, let id = calls.sendFirst(to: number) else {
            return nil
        }
        takeSlot(of: number)
        return [.send(id, to: workerID(number))]
    }

    /// Gives queued calls to a worker that has just become ready.
    mutating func fillSlots(of number: Int) -> [PoolAction] {
        var actions: [PoolAction] = []
        while let sent = fillSlot(of: number) { actions += sent }
        return actions
    }
}
