extension PoolStateMachine {
    /// The ready worker with the fewest calls among those with a free slot; of
    /// equals the one that was last chosen: its process is warm.
    mutating func leastBusyWorker() -> Int? {
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

    mutating func takeSlot(of number: Int) {
        // One that is lent was not counted as free.
        if workers[number].freeSlots > 0 { freeSlots -= 1 }
        workers[number].busy += 1
    }

    /// Gives a slot to the call whose turn it is, or back to the pool.
    mutating func releaseSlot(of number: Int, at now: Instant) -> [PoolAction] {
        workers[number].busy -= 1
        guard workers[number].isReady else {
            return serveNested(at: now) + endIfOnlyAbandoned(number) + closeIfDrained()
        }
        if workers[number].isReserved {
            return serveIsolated(at: now) + serveNested(at: now) + closeIfDrained()
        }
        if workers[number].freeSlots > 0 { freeSlots += 1 }
        if !calls.nested.isEmpty { return serveNested(at: now) + fillSlots(of: number, at: now) }
        if let actions = fillSlot(of: number, at: now) { return actions }
        return state == .ready ? [] : closeIfDrained()
    }

    private mutating func fillSlot(of number: Int, at now: Instant) -> [PoolAction]? {
        guard workers[number].freeSlots > 0 else { return nil }
        if !calls.pinned.isEmpty, calls.lines.isEmpty || !workers[number].hasServedPinned,
            let sent = servePinned(number, at: now)
        {
            workers[number].hasServedPinned = true
            return [sent]
        }
        workers[number].hasServedPinned = false
        guard !calls.lines.isEmpty, let id = calls.sendFirst(to: number, at: now) else {
            return nil
        }
        takeSlot(of: number)
        return [.send(id, to: workerID(number))]
    }

    /// Gives waiting calls to a worker that has just become ready.
    mutating func fillSlots(of number: Int, at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        while let sent = fillSlot(of: number, at: now) { actions += sent }
        return actions
    }

    /// Gives waiting calls to whichever workers have free slots.
    mutating func fillFreeSlots(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for number in calls.pinned.keys.sorted() where workers.indices.contains(number) {
            actions += fillSlots(of: number, at: now)
        }
        while !calls.lines.isEmpty, let number = leastBusyWorker() {
            guard let sent = fillSlot(of: number, at: now) else { break }
            actions += sent
        }
        return actions
    }

    // MARK: Isolation

    /// Serves the isolated calls, one after the other, on a worker that is kept free for them.
    ///
    /// To be called when such a call comes or goes, and when a worker may have become idle.
    mutating func serveIsolated(at now: Instant) -> [PoolAction] {
        if calls.isolated.isEmpty { return endReservation(at: now) }
        let reserved = workers.firstIndex { $0.isReserved } ?? leastBusyReady()
        guard let reserved else { return [] }
        if !workers[reserved].isReserved {
            freeSlots -= workers[reserved].freeSlots
            workers[reserved].reservation = .emptying
        }
        guard workers[reserved].busy == 0, let id = calls.sendIsolated(to: reserved, at: now)
        else { return [] }
        workers[reserved].reservation = .serving
        workers[reserved].busy = 1
        return [.send(id, to: workerID(reserved))]
    }

    /// Gives a worker that was kept free back, once nobody needs it.
    private mutating func endReservation(at now: Instant) -> [PoolAction] {
        guard let number = workers.firstIndex(where: { $0.isReserved }),
            workers[number].reservation == .emptying || workers[number].busy == 0
        else { return [] }
        workers[number].reservation = .none
        freeSlots += workers[number].freeSlots
        return fillSlots(of: number, at: now)
    }

    private func leastBusyReady() -> Int? {
        workers.indices.filter { workers[$0].isReady }.min { workers[$0].busy < workers[$1].busy }
    }
}
