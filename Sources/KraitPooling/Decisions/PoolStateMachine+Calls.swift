import KraitWire

extension PoolStateMachine {
    /// What becomes of a call that has just arrived.
    package enum Arrival: Equatable, Sendable {
        case send(CallID, to: WorkerID)
        case queued(CallID)
        case refused(CallFailure)
    }

    /// What an answer says of the worker, and of the operation's health.
    package enum Answer: Equatable, Sendable {
        /// The operation did its work, whatever came of it.
        case success
        /// What the operation needs is not there, such as its language model.
        case failure
        /// It was ended before it was done, as it was asked to be.
        case cancelled
        /// The worker refused to begin it.
        case notBegun
        /// The worker does not have the call's session.
        case noSession
    }

    /// What becomes of an answer, and of the slot it leaves free.
    package struct Answered: Equatable, Sendable {
        /// Whether the answer is to be passed on; otherwise it came late, or the call is made
        /// again.
        package var isAwaited: Bool
        package var actions: [PoolAction]
        /// What it has changed of a session.
        package var change: SessionAnswer?
    }

    /// Whether a call's fingerprint is to be given when it arrives and when it is answered.
    package var wantsFingerprints: Bool { !quarantine.isEmpty }

    /// A call has arrived.
    ///
    /// O(workers) at most, and O(1) while none is free; a call that displaces another, O(callers).
    package mutating func callArrived(
        _ traits: CallTraits = CallTraits(),
        deadline: Instant?,
        fingerprint: UInt64? = nil,
        at now: Instant
    ) -> (arrival: Arrival, actions: [PoolAction]) {
        if let failure = stateRefusal(of: traits) { return (.refused(failure), []) }
        if let deadline, deadline <= now {
            return (.refused(.deadlineExceeded(sent: false)), [])
        }
        var ticket = CallTable.Ticket(traits)
        var isAlone = false
        if let fingerprint {
            // To be alone it would have to wait for the very call that waits for its tool.
            // And a session's call waits for its session's worker.
            let canBeAlone = !traits.isNested && traits.session == nil
            switch quarantine.verdict(on: fingerprint, canBeAlone: canBeAlone, at: now) {
            case .free: break
            case .isolated: isAlone = true
            case .refused(let deaths, let ending):
                return (.refused(.quarantined(deaths: deaths, ending: ending, sent: false)), [])
            }
        }
        if let wait = overRate(traits.caller, at: now) {
            return (.refused(.rateLimited(wait)), [])
        }
        var seat: Int?
        if let session = traits.session {
            seat = self.seat(session)
            guard seat != nil else { return (.refused(.sessionMoved(sent: false)), []) }
        }
        // Before the breaker, which counts on an outcome of what it admits.
        let isDirect = isDirect(seat: seat, isAlone: isAlone)
        var displaced: Int?
        if traits.isNested {
            guard calls.nested.count < configuration.queueLimit + Limits.toolCalls else {
                return (.refused(.queueFull(limit: configuration.queueLimit)), [])
            }
        } else if !isDirect, calls.queued >= configuration.queueLimit {
            displaced = calls.lines.victim(for: traits.caller, traits.priority)
            guard displaced != nil else {
                return (.refused(.queueFull(limit: configuration.queueLimit)), [])
            }
        }
        ticket.breaker = breakers.place(of: traits.operation)
        switch breakers.admit(ticket.breaker, at: now) {
        case .admitted(let permit): ticket.permit = permit
        case .refused(let until):
            let wait = max(.zero, now.duration(to: until))
            return (.refused(.circuitOpen(traits.operation, wait)), [])
        }
        retryBudget.callAccepted()
        var actions = displaced.map { displace($0, at: now) } ?? []
        let arrival: Arrival
        if let seat, let session = traits.session {
            arrival = place(ticket, of: session, at: seat, deadline: deadline, at: now)
        } else {
            let placed = place(
                ticket,
                deadline: deadline,
                isDirect: isDirect,
                isAlone: isAlone,
                at: now
            )
            arrival = placed.arrival
            if !placed.actions.isEmpty { actions += placed.actions }
        }
        if let id = arrival.id { calls.exchange(id, CallExchange(traits)) }
        return (arrival, actions)
    }

    /// Why the pool takes no such call now, where it takes none.
    @inline(__always)
    private func stateRefusal(of traits: CallTraits) -> CallFailure? {
        switch state {
        case .starting, .ready: nil
        case .failed(let reason): .poolFailed(reason, sent: false)
        // What tools call belongs to calls that were accepted, and these are finished.
        case .pausing where traits.isNested: nil
        case .draining where traits.isNested: nil
        case .pausing, .paused: .poolDrained(sent: false)
        case .draining, .closed: .shuttingDown(sent: false)
        }
    }

    /// Whether an admitted call would be sent at once.
    @inline(__always)
    private func isDirect(seat: Int?, isAlone: Bool) -> Bool {
        guard let seat else {
            return !isAlone && calls.lines.isEmpty && freeSlots > 0 && calls.nested.isEmpty
        }
        return calls.pinned[seat] == nil && workers.indices.contains(seat)
            && workers[seat].freeSlots > 0
    }

    private mutating func displace(_ index: Int, at now: Instant) -> [PoolAction] {
        let failure = CallFailure.displaced(
            limit: configuration.queueLimit,
            sent: calls.entries[index].wasSent
        )
        return fail(index, failure, at: now)
    }

    /// Sends an admitted call or lets it wait.
    @inline(__always)
    private mutating func place(
        _ ticket: CallTable.Ticket,
        deadline: Instant?,
        isDirect: Bool,
        isAlone: Bool,
        at now: Instant
    ) -> (arrival: Arrival, actions: [PoolAction]) {
        if isDirect, let number = leastBusyWorker() {
            takeSlot(of: number)
            let id = calls.addSent(to: number, deadline: deadline, ticket, at: now)
            return (.send(id, to: workerID(number)), [])
        }
        if ticket.isNested {
            guard calls.nested.isEmpty, let number = workerForNested() else {
                return (.queued(calls.addNested(deadline: deadline, ticket)), [])
            }
            takeSlot(of: number)
            let id = calls.addSent(to: number, deadline: deadline, ticket, at: now)
            return (.send(id, to: workerID(number)), [])
        }
        guard isAlone else { return (.queued(calls.enqueue(deadline: deadline, ticket)), []) }
        let id = calls.isolate(deadline: deadline, ticket)
        return (.queued(id), serveIsolated(at: now))
    }

    private mutating func overRate(_ caller: UInt64, at now: Instant) -> Duration? {
        if caller != 0, let wait = callerRates?.take(of: caller, at: now) { return wait }
        if rate == nil, let limit = configuration.rate { rate = TokenBucket(limit, at: now) }
        return rate?.take(at: now)
    }

    /// A worker has answered, with a reply or a fault.
    package mutating func answered(
        _ id: CallID,
        by worker: WorkerID,
        _ answer: Answer = .success,
        isFault: Bool = false,
        fingerprint: UInt64? = nil,
        at now: Instant
    ) -> Answered {
        let late = Answered(isAwaited: false, actions: [])
        guard let index = calls.index(of: id) else { return late }
        let number: Int
        let isAwaited: Bool
        switch calls.entries[index].phase {
        case .sent(let holder): (number, isAwaited) = (holder, true)
        case .abandoned(let holder, _): (number, isAwaited) = (holder, false)
        case .free, .queued, .isolated, .nested, .pinned, .delayed: return late
        }
        // An answer to a call that another worker has is a worker's mistake, not an answer.
        guard workerID(number) == worker else { return late }
        if answer == .notBegun, isAwaited, calls.entries[index].refusals < Self.maximumRefusals {
            if let session = calls.sessions[index] {
                requeue(index, of: session, at: number)
            } else {
                calls.requeue(index)
            }
            // Not only the worker's own slot may be the one for it: it may be leaving.
            let actions =
                releaseSlot(of: number, at: now) + serveNested(at: now) + fillFreeSlots(at: now)
            return Answered(isAwaited: false, actions: actions)
        }
        if answer != .notBegun, let fingerprint { quarantine.answered(fingerprint) }
        var actions = settle(index, answer.outcome, at: now)
        var change: SessionAnswer?
        var isSentBack = false
        if !calls.sessions.isEmpty, let session = calls.sessions[index] {
            let answered = sessionAnswered(session, isFault: isFault, isAwaited: isAwaited, at: now)
            change = answered.change
            actions += answered.actions
            if answer == .noSession {
                actions += sessionMissing(session, at: number, at: now)
                isSentBack = isAwaited
                if isAwaited { actions.append(.fail(id, .sessionMoved(sent: false))) }
            }
        }
        calls.remove(index)
        countServed(number)
        // Nearly always there is nothing to do, and joining nothing costs more than asking.
        let released = releaseSlot(of: number, at: now)
        if !released.isEmpty { actions += released }
        if workers[number].due != nil { actions += beginRecycling() }
        return Answered(isAwaited: isAwaited && !isSentBack, actions: actions, change: change)
    }

    /// How often a worker may refuse a call before its caller hears of it.
    private static var maximumRefusals: Int { 16 }

    /// The caller no longer waits.
    package mutating func callCancelled(_ id: CallID, at now: Instant) -> [PoolAction] {
        guard let index = calls.index(of: id) else { return [] }
        return giveUp(index, .none, at: now) { .cancelled(sent: $0) }
    }

    /// Ends the calls whose deadline has passed.
    mutating func expireCalls(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            guard let deadline = calls.entries[index].deadline, deadline <= now else { continue }
            let sentAt = calls.entries[index].sentAt ?? now
            // What was given up at once says more of the caller than of the operation.
            let isTelling = sentAt + configuration.breaker.patience <= now
            actions += giveUp(index, isTelling ? .failure : .none, at: now) {
                .deadlineExceeded(sent: $0)
            }
        }
        calls.refreshEarliestDeadline()
        return actions
    }

    /// Ends a caller's wait: a call that waits is forgotten, a sent one becomes abandoned and keeps
    /// its slot until the worker answers or ends.
    ///
    /// `outcome` is what it says of the operation where a worker has it.
    mutating func giveUp(
        _ index: Int,
        _ outcome: CircuitBreaker.Outcome,
        at now: Instant,
        failure: (_ sent: Bool) -> CallFailure
    ) -> [PoolAction] {
        let id = calls.id(at: index)
        switch calls.entries[index].phase {
        case .queued, .isolated, .nested, .pinned, .delayed:
            return fail(index, failure(calls.entries[index].wasSent), at: now)
                + serveIsolated(at: now) + closeIfDrained()
        case .sent(let number):
            let actions = settle(index, outcome, at: now)
            calls.abandon(index, at: now)
            check(at: now + configuration.abandonedGrace)
            // In this order: whoever sees the call fail may count on it that the worker is told.
            return actions + [.cancel(id, at: workerID(number)), .fail(id, failure(true))]
                + endIfOnlyAbandoned(number) + closeIfDrained()
        case .free, .abandoned:
            return []
        }
    }

    /// Fails a call that waits.
    mutating func fail(
        _ index: Int,
        _ failure: CallFailure,
        at now: Instant
    ) -> [PoolAction] {
        let actions = settle(index, .none, at: now)
        let id = calls.id(at: index)
        calls.remove(index)
        return actions + [.fail(id, failure)]
    }

    // MARK: Breakers

    /// Tells the breaker how a call went, once; what follows where that changes its state.
    mutating func settle(
        _ index: Int,
        _ outcome: CircuitBreaker.Outcome,
        at now: Instant
    ) -> [PoolAction] {
        let entry = calls.entries[index]
        guard entry.ticket.permit >= 0 else { return [] }
        calls.takePermit(of: index)
        let duration = entry.sentAt?.duration(to: now) ?? .zero
        let changed = breakers.ended(
            entry.ticket.breaker,
            entry.ticket.permit,
            outcome,
            after: duration,
            at: now
        )
        guard let changed else { return [] }
        let operation = breakers.names[entry.ticket.breaker]
        guard case .open(let until) = changed else { return [.breakerClosed(operation)] }
        return [.breakerOpened(operation, until: until)]
            + refuseWaiting(for: entry.ticket.breaker, operation, until: until, at: now)
    }

    /// Fails the calls that wait for an operation whose breaker has opened: they are told at once,
    /// and not one after the other as each fails.
    private mutating func refuseWaiting(
        for breaker: Int,
        _ operation: String,
        until: Instant,
        at now: Instant
    ) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            let entry = calls.entries[index]
            // One that is made again has been begun: its end is to say so.
            guard entry.isWaiting, !entry.wasSent, entry.ticket.breaker == breaker
            else { continue }
            let id = calls.id(at: index)
            calls.remove(index)
            actions.append(.fail(id, .circuitOpen(operation, now.duration(to: until))))
        }
        return actions
    }
}

extension PoolStateMachine.Arrival {
    /// The call's name, where it was admitted.
    fileprivate var id: CallID? {
        switch self {
        case .send(let id, _), .queued(let id): id
        case .refused: nil
        }
    }
}

extension PoolStateMachine.Answer {
    fileprivate var outcome: CircuitBreaker.Outcome {
        switch self {
        case .success: .success
        case .failure: .failure
        case .cancelled, .notBegun, .noSession: .none
        }
    }
}

extension CallTable.Ticket {
    /// Of a call with these traits, its breaker left out.
    fileprivate init(_ traits: CallTraits) {
        caller = traits.caller
        priority = traits.priority
        isIdempotent = traits.isIdempotent
        isNested = traits.isNested
    }
}
