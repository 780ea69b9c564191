import KraitWire

/// Chunks, credit and tool calls; and the calls that tools make.
///
/// A call that awaits a tool lends its slot, to calls that are made from within tools alone: else a
/// pool all of whose slots are held by callers of tools could never serve what those tools call.
/// There is always a slot for one of them, since at least one slot more is lent than is used,
/// unless a call runs that waits for no tool and so comes to its end.
extension PoolStateMachine {
    /// What becomes of a chunk or a tool call.
    package struct Passed: Equatable, Sendable {
        /// Whether it is for the caller; otherwise it is discarded.
        package var isAwaited: Bool
        package var actions: [PoolAction]
    }

    /// A worker has sent a chunk whose body has so many bytes.
    package mutating func chunkCame(
        _ id: CallID,
        by worker: WorkerID,
        number: UInt32,
        bytes: Int,
        at now: Instant
    ) -> Passed {
        pass(id, by: worker, at: now) { $0.chunkCame(number, bytes: bytes) }
    }

    /// A worker asks for a tool of the caller's.
    package mutating func toolWasCalled(
        _ id: CallID,
        by worker: WorkerID,
        number: UInt32,
        at now: Instant
    ) -> Passed {
        var passed = pass(id, by: worker, at: now) { $0.toolWasCalled(number) }
        if passed.isAwaited { passed.actions += serveNested(at: now) }
        return passed
    }

    private mutating func pass(
        _ id: CallID,
        by worker: WorkerID,
        at now: Instant,
        _ objection: (inout CallExchange) -> ExchangeViolation?
    ) -> Passed {
        guard let index = calls.index(of: id) else {
            return Passed(isAwaited: false, actions: distrust(worker, .notItsCall))
        }
        switch calls.entries[index].phase {
        case .abandoned(worker.number, _) where isCurrent(worker):
            // It has crossed the cancel.
            return Passed(isAwaited: false, actions: [])
        case .sent(worker.number) where isCurrent(worker): break
        default: return Passed(isAwaited: false, actions: distrust(worker, .notItsCall))
        }
        guard var exchange = calls.exchanges[index] else {
            let violation = ExchangeViolation.notItsCall
            return Passed(isAwaited: false, actions: violated(id, violation, at: now))
        }
        let violation = objection(&exchange)
        calls.exchanges[index] = exchange
        guard let violation else { return Passed(isAwaited: true, actions: []) }
        return Passed(isAwaited: false, actions: violated(id, violation, at: now))
    }

    /// What follows from an end or a reply that does not fit its call; to be asked before
    /// `answered`, which then finds the call abandoned.
    package mutating func objected(
        to id: CallID,
        by worker: WorkerID,
        endAfter count: UInt32?,
        at now: Instant
    ) -> [PoolAction] {
        guard let index = calls.index(of: id),
            calls.entries[index].phase == .sent(worker: worker.number), isCurrent(worker)
        else { return [] }
        let violation: ExchangeViolation?
        if let count {
            let exchange = calls.exchanges[index]
            violation = exchange.map { $0.objection(toEndAfter: count) } ?? .noStream
        } else {
            violation = calls.exchanges[index]?.objectionToReply
        }
        return violation.map { violated(id, $0, at: now) } ?? []
    }

    /// Whether ends and replies are to be looked at.
    package var hasExchanges: Bool { !calls.exchanges.isEmpty }

    /// A worker has broken the protocol within a call: that fails, and the worker serves on only
    /// until its other calls are done.
    package mutating func violated(
        _ id: CallID,
        _ violation: ExchangeViolation,
        at now: Instant
    ) -> [PoolAction] {
        guard let index = calls.index(of: id), case .sent(let number) = calls.entries[index].phase
        else { return [] }
        let worker = workerID(number)
        let failed = giveUp(index, .failure, at: now) { _ in
            .protocolViolated(worker, violation.description)
        }
        return failed + distrust(worker, violation)
    }

    /// Takes a worker out of service that broke the protocol; its calls are finished.
    private mutating func distrust(
        _ worker: WorkerID,
        _ violation: ExchangeViolation
    ) -> [PoolAction] {
        guard isCurrent(worker), workers[worker.number].isReady else { return [] }
        return [.distrusted(worker, violation)]
            + retire(worker.number, .distrusted(violation.description))
    }

    /// The reader of a stream takes more; what the worker is to be told.
    package mutating func gave(_ credit: Int, to id: CallID) -> [PoolAction] {
        guard let index = calls.index(of: id), case .sent(let number) = calls.entries[index].phase,
            calls.exchanges[index]?.isStream == true
        else { return [] }
        calls.exchanges[index]?.give(credit)
        return [.credit(id, UInt32(clamping: credit), at: workerID(number))]
    }

    /// A tool has answered: who is to be told, unless nobody waits for it any more.
    package mutating func toolAnswered(_ id: CallID) -> WorkerID? {
        guard let index = calls.index(of: id), case .sent(let number) = calls.entries[index].phase,
            let exchange = calls.exchanges[index], exchange.openToolCalls > 0
        else { return nil }
        calls.exchanges[index]?.toolAnswered()
        return workerID(number)
    }

    // MARK: Calls from within tools

    /// Sends calls that were made from within tools, as long as there is a slot for them.
    mutating func serveNested(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        while !calls.nested.isEmpty, let number = workerForNested(),
            let id = calls.sendNested(to: number, at: now)
        {
            takeSlot(of: number)
            actions.append(.send(id, to: workerID(number)))
        }
        // A lent slot serves what tools call in their sessions, too.
        for number in calls.pinned.keys.sorted() where workers.indices.contains(number) {
            while let sent = servePinned(number, at: now) { actions.append(sent) }
        }
        return actions
    }

    /// A worker with a slot that is free, or else lent.
    mutating func workerForNested() -> Int? {
        if let number = leastBusyWorker() { return number }
        guard !calls.exchanges.isEmpty else { return nil }
        var lent: [Int: Int] = [:]
        for (index, exchange) in calls.exchanges where exchange.openToolCalls > 0 {
            guard case .sent(let number) = calls.entries[index].phase else { continue }
            lent[number, default: 0] += 1
        }
        return workers.indices.first { number in
            guard let lent = lent[number] else { return false }
            switch workers[number].phase {
            // One that is to leave, too: it cannot before the tools' calls are done.
            case .ready, .retiring: return workers[number].busy < workers[number].slots + lent
            case .waiting, .starting, .stopping, .gone: return false
            }
        }
    }
}
