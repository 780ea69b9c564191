import KraitWire

/// Which worker has the state of which session.
///
/// A session's *home* is the one worker that has its state, and all its calls go there, waiting for
/// a slot where they must. One whose home has ended is given another by a call that brings the
/// state along. At any time at most one worker's state counts, and a state that is older than the
/// last answer somebody has seen never does: a call that brings such a one is sent back.
extension PoolStateMachine {
    /// What is known of a session's state.
    struct SessionHome: Equatable {
        /// The number of the worker that has it.
        var worker: Int?
        /// Whether a call has gone there that brought the state.
        var isMade = false
        /// How many answers have changed it.
        var answers = 0
        /// Calls that the home has.
        var sent = 0
        /// Whether the home's state is not kept elsewhere.
        var isUnsaved = false
    }

    // MARK: Calls

    /// Where a session's call is to go; nil where it is to come again with the state, since no
    /// worker has that.
    mutating func seat(_ call: SessionCall) -> Int? {
        // One that it has never had is as old as the state that the call brings.
        let known = sessions[call.number] ?? call.loaded.map { SessionHome(answers: $0) }
        guard var home = known else { return nil }
        defer { sessions[call.number] = home }
        if let number = home.worker {
            guard call.mayMove, canMove(home, from: number, call.number) else { return number }
            homesAt[number, default: 1] -= 1
            home.worker = nil
        }
        guard call.loaded == home.answers else { return nil }
        let number = roomiestWorker()
        home.worker = number
        home.isMade = false
        homesAt[number, default: 0] += 1
        return number
    }

    /// Whether a session would be served earlier elsewhere, and nothing lost by that.
    private func canMove(_ home: SessionHome, from number: Int, _ session: UInt64) -> Bool {
        guard home.sent == 0, !home.isUnsaved, freeSlots > 0, workers.indices.contains(number),
            workers[number].freeSlots == 0
        else { return false }
        let waiting = calls.pinned[number] ?? []
        return !waiting.contains { calls.sessions[$0]?.number == session }
    }

    /// The worker with the fewest calls, and of equals with the fewest sessions: one that is ready,
    /// or else one that will be.
    private func roomiestWorker() -> Int {
        func rank(_ number: Int) -> Int {
            switch workers[number].phase {
            case .ready: workers[number].isReserved ? 1 : 0
            case .starting: 2
            case .waiting: 3
            case .retiring, .stopping: isWanted(number) ? 4 : 5
            case .gone: 6
            }
        }
        func load(_ number: Int) -> (Int, Int, Int) {
            let calls = workers[number].busy + (calls.pinned[number]?.count ?? 0)
            return (rank(number), calls, homesAt[number] ?? 0)
        }
        return workers.indices.min { load($0) < load($1) } ?? 0
    }

    /// Sends a session's call to its home, or lets it wait for that.
    mutating func place(
        _ ticket: CallTable.Ticket,
        of call: SessionCall,
        at number: Int,
        deadline: Instant?,
        at now: Instant
    ) -> Arrival {
        let hasRoom =
            calls.pinned[number] == nil && workers.indices.contains(number)
            && hasSlot(number, isNested: ticket.isNested)
        guard hasRoom else {
            return .queued(calls.addPinned(to: number, call, deadline: deadline, ticket))
        }
        takeSlot(of: number)
        let id = calls.addSent(to: number, deadline: deadline, ticket, at: now)
        calls.sessions[id.index] = call
        noteSent(id.index)
        return .send(id, to: workerID(number))
    }

    /// The first call that goes to a new home makes that, if it brings the state as it is now.
    private mutating func noteSent(_ index: Int) {
        guard var call = calls.sessions[index], var home = sessions[call.number] else { return }
        home.sent += 1
        call.makesHome = !home.isMade && call.loaded == home.answers
        if call.makesHome { home.isMade = true }
        sessions[call.number] = home
        calls.sessions[index] = call
    }

    /// Whether a call is to bring its session's state to the worker it goes to.
    package func makesHome(_ id: CallID) -> Bool { calls.sessions[id.index]?.makesHome ?? false }

    /// A worker would not begin a session's call: it waits on, as the next.
    mutating func requeue(_ index: Int, of call: SessionCall, at number: Int) {
        sessions[call.number]?.sent -= 1
        if call.makesHome { sessions[call.number]?.isMade = false }
        calls.requeue(index, pinnedTo: number)
    }

    /// Whether a worker has a slot for a session's call: a free one, or a lent one where the call
    /// was made from within a tool.
    private func hasSlot(_ number: Int, isNested: Bool) -> Bool {
        if workers[number].freeSlots > 0 { return true }
        guard isNested else { return false }
        switch workers[number].phase {
        case .ready, .retiring: break
        case .waiting, .starting, .stopping, .gone: return false
        }
        let lent = calls.exchanges.count { index, exchange in
            exchange.openToolCalls > 0 && calls.entries[index].phase == .sent(worker: number)
        }
        return workers[number].busy < workers[number].slots + lent
    }

    /// Sends the next call that waits for this very worker, if there is a slot for one.
    mutating func servePinned(_ number: Int, at now: Instant) -> PoolAction? {
        guard let waiting = calls.pinned[number] else { return nil }
        let next = waiting.first { index in
            hasSlot(number, isNested: calls.entries[index].ticket.isNested)
        }
        guard let next else { return nil }
        let id = calls.sendPinned(next, to: number, at: now)
        takeSlot(of: number)
        noteSent(next)
        return .send(id, to: workerID(number))
    }

    /// Gives a call that waits again its place, or sends it back for the state.
    mutating func seatAgain(_ index: Int, _ call: SessionCall, at now: Instant) -> [PoolAction] {
        guard let number = seat(call) else { return sendBack(index, at: now) }
        calls.pin(index, to: number)
        guard workers.indices.contains(number), let sent = servePinned(number, at: now) else {
            return []
        }
        return [sent]
    }

    private mutating func sendBack(_ index: Int, at now: Instant) -> [PoolAction] {
        fail(index, .sessionMoved(sent: calls.entries[index].wasSent), at: now)
    }

    // MARK: Answers

    /// A worker has answered a session's call; told before the call is removed.
    ///
    /// - Parameter isAwaited: whether the caller will see the answer: else it counts for nothing
    ///   that anybody knows of, though it may have changed the state.
    mutating func sessionAnswered(
        _ call: SessionCall,
        isFault: Bool,
        isAwaited: Bool,
        at now: Instant
    ) -> (change: SessionAnswer?, actions: [PoolAction]) {
        guard var home = sessions[call.number] else { return (nil, []) }
        home.sent = max(0, home.sent - 1)
        var change: SessionAnswer?
        var actions: [PoolAction] = []
        if call.isErrand {
            // Asked once: whoever cannot save a state now cannot at the next try either.
            setUnsaved(&home, false)
            if isFault, let number = home.worker {
                actions.append(.statesLost(workerID(number), count: 1))
            }
        }
        if call.changes || call.saves, !isFault {
            let isSaved = call.saves && isAwaited
            setUnsaved(&home, !isSaved)
            if isAwaited {
                home.answers += 1
                change = SessionAnswer(
                    number: call.number,
                    answers: home.answers,
                    isSaved: isSaved
                )
            }
        }
        sessions[call.number] = home
        guard let number = home.worker, workers.indices.contains(number),
            workers[number].phase == .retiring
        else { return (change, actions) }
        return (change, actions + leaveIfSaved(call.number, at: now))
    }

    /// The worker does not have the session, though it should: the next call brings the state.
    mutating func sessionMissing(_ call: SessionCall, at number: Int, at now: Instant)
        -> [PoolAction]
    {
        guard sessions[call.number]?.worker == number else { return [] }
        return leave(call.number, at: now)
    }

    private mutating func setUnsaved(_ home: inout SessionHome, _ isUnsaved: Bool) {
        if home.isUnsaved != isUnsaved { unsavedSessions += isUnsaved ? 1 : -1 }
        home.isUnsaved = isUnsaved
    }

    // MARK: Leaving and ending

    /// A session has no home any more; calls that wait for that are sent back for the state.
    private mutating func leave(_ session: UInt64, at now: Instant) -> [PoolAction] {
        guard var home = sessions[session], let number = home.worker else { return [] }
        setUnsaved(&home, false)
        home.worker = nil
        home.sent = 0
        sessions[session] = home
        homesAt[number, default: 1] -= 1
        let waiting = calls.pinned[number] ?? []
        return waiting.filter { calls.sessions[$0]?.number == session }
            .flatMap { sendBack($0, at: now) }
    }

    private mutating func leaveIfSaved(_ session: UInt64, at now: Instant) -> [PoolAction] {
        guard let home = sessions[session], home.sent == 0, !home.isUnsaved else { return [] }
        return leave(session, at: now)
    }

    /// A worker takes no new calls: the sessions that lose nothing by it leave it.
    mutating func sessionsLeave(_ number: Int, at now: Instant) -> [PoolAction] {
        guard homesAt[number] ?? 0 > 0 else { return [] }
        return homed(at: number).flatMap { leaveIfSaved($0, at: now) }
    }

    /// A worker is no more, and what it knew is gone with it.
    mutating func sessionsLost(with number: Int, at now: Instant) -> [PoolAction] {
        guard homesAt[number] ?? 0 > 0 else { return [] }
        let all = homed(at: number)
        let lost = all.count { sessions[$0]?.isUnsaved == true }
        let actions = all.flatMap { leave($0, at: now) }
        return lost > 0 ? actions + [.statesLost(workerID(number), count: lost)] : actions
    }

    private func homed(at number: Int) -> [UInt64] {
        sessions.filter { $0.value.worker == number }.keys.sorted()
    }

    /// Asks a worker that is to leave for the states that nobody else has, as far as it has slots
    /// free; nil where there are none.
    mutating func saveStates(of number: Int) -> [PoolAction]? {
        guard unsavedSessions > 0 else { return nil }
        let unsaved = homed(at: number).filter { sessions[$0]?.isUnsaved == true }
        guard !unsaved.isEmpty else { return nil }
        let room = max(0, workers[number].slots - workers[number].busy)
        return unsaved.filter { sessions[$0]?.sent == 0 }.prefix(room).map { session in
            var call = SessionCall(number: session, changes: false, saves: true)
            call.isErrand = true
            takeSlot(of: number)
            let id = calls.addSent(to: number, deadline: nil)
            calls.sessions[id.index] = call
            sessions[session]?.sent += 1
            return .save(id, session, at: workerID(number))
        }
    }

    /// The session is over; its home, if that has a slot free, is to be told under the call's id.
    package mutating func sessionEnded(
        _ session: UInt64,
        at now: Instant
    ) -> (told: (id: CallID, worker: WorkerID)?, actions: [PoolAction]) {
        let number = sessions[session]?.worker
        let actions = leave(session, at: now)
        sessions[session] = nil
        guard let number, workers.indices.contains(number), workers[number].freeSlots > 0 else {
            return (nil, actions)
        }
        takeSlot(of: number)
        let id = calls.addSent(to: number, deadline: nil)
        return ((id, workerID(number)), actions)
    }

    /// Which worker has which session's state, for those who look.
    package var sessionHomes: [UInt64: WorkerID] {
        sessions.compactMapValues { home in
            guard let number = home.worker, workers.indices.contains(number) else { return nil }
            return workerID(number)
        }
    }
}
