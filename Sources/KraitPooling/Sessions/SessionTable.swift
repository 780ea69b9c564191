import KraitWire

/// The sessions of a pool: which worker has whose state, what is saved of it, and who may use it.
///
/// A session's *home* is the one worker that has its state. Its first call makes a home; when that
/// worker ends, the next call makes another, from the spec and the last checkpoint. So at any time
/// at most one worker's state counts. All is decided here, and nothing is done.
package struct SessionTable: Equatable {
    package typealias Instant = Moment

    /// Who has a session to himself.
    package struct CheckOut: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    /// Where a session's call is to go.
    package enum Placement: Sendable, Equatable {
        /// To its home, which is free.
        case home(WorkerID)
        /// To its home, once that has a free slot.
        case waits(for: WorkerID)
        /// To any worker, with what that needs to become its home.
        case anywhere(Rehydration)
    }

    private struct Session: Equatable {
        let key: SessionKey
        let owner: String
        let spec: Value
        let terms: SessionTerms
        var home: WorkerID?
        /// Calls that the home has.
        var running = 0
        /// Calls whose effect is in the home's state.
        var completed = 0
        var checkpoint: Checkpoint?
        /// The version that the home was asked for and has not given yet.
        var asked: Int?
        /// Whether the state is to be saved as soon as no call changes it.
        var isToBeSaved = false
        var checkOut: CheckOut?
        var lastUse: Instant

        var saved: Int { checkpoint?.version ?? 0 }
        var unsaved: Int { completed - saved }
        var expiry: Instant { lastUse + terms.timeToLive }

        /// Whether its calls are to make a gap, in which it can be saved.
        var isOverdue: Bool {
            guard case .afterCalls(let count) = terms.checkpoints else { return false }
            return running > 0 && asked == nil && unsaved >= 2 * max(1, count)
        }
    }

    private let limits: SessionLimits
    private var sessions: [String: Session] = [:]
    /// How many sessions and check-outs there have been: each has its number.
    private var numbers: UInt64 = 0
    /// Of all checkpoints.
    package private(set) var bytes = 0
    /// No session expires before.
    package private(set) var earliestExpiry: Instant?

    package init(limits: SessionLimits = SessionLimits()) { self.limits = limits }

    package var count: Int { sessions.count }

    /// The session that has this name now.
    package func key(of name: String) -> SessionKey? { sessions[name]?.key }

    /// The worker that has the session's state.
    package func home(of key: SessionKey) -> WorkerID? { session(key)?.home }

    /// The session's last checkpoint.
    package func checkpoint(of key: SessionKey) -> Checkpoint? { session(key)?.checkpoint }

    private func session(_ key: SessionKey) -> Session? {
        guard let session = sessions[key.name], session.key == key else { return nil }
        return session
    }

    // MARK: Beginning and ending

    /// Begins a session; with a checkpoint, one that was there before the daemon ended.
    @discardableResult
    package mutating func begin(
        _ name: String,
        owner: String = "",
        spec: Value,
        terms: SessionTerms = SessionTerms(),
        checkpoint: Checkpoint? = nil,
        at now: Instant
    ) throws(SessionRefusal) -> SessionKey {
        guard sessions[name] == nil else { throw .exists }
        guard sessions.count < limits.sessions else { throw .full(limit: limits.sessions) }
        if limits.sessionsPerOwner < limits.sessions {
            guard sessions.values.count(where: { $0.owner == owner }) < limits.sessionsPerOwner
            else { throw .fullOfOwner(limit: limits.sessionsPerOwner) }
        }
        if let checkpoint { try makeRoom(for: checkpoint, insteadOf: nil) }
        numbers += 1
        let key = SessionKey(name: name, number: numbers)
        var session = Session(key: key, owner: owner, spec: spec, terms: terms, lastUse: now)
        session.checkpoint = checkpoint
        session.completed = checkpoint?.version ?? 0
        sessions[name] = session
        bytes += checkpoint?.bytes ?? 0
        noteExpiry(of: session)
        return key
    }

    /// Ends a session; calls that it has go on, and change nothing that is kept.
    package mutating func end(
        _ name: String,
        owner: String = "",
        checkOut: CheckOut? = nil
    ) throws(SessionRefusal) -> [SessionAction] {
        remove(try usable(name, owner, checkOut))
    }

    /// Ends the sessions that nobody has called for too long; those with calls are kept.
    package mutating func expire(at now: Instant) -> [SessionAction] {
        guard let earliest = earliestExpiry, earliest <= now else { return [] }
        let over = sessions.values.filter { $0.running == 0 && $0.expiry <= now }
        let actions = Self.ordered(over).flatMap { remove($0) }
        earliestExpiry = nil
        // One that is kept by its calls expires at their end at the earliest, which notes it anew.
        for session in sessions.values where session.running == 0 { noteExpiry(of: session) }
        return actions
    }

    private mutating func remove(_ session: Session) -> [SessionAction] {
        sessions[session.key.name] = nil
        bytes -= session.checkpoint?.bytes ?? 0
        guard let home = session.home else { return [.ended(session.key)] }
        return [.forget(session.key, at: home), .ended(session.key)]
    }

    // MARK: Check-out

    /// Gives the session to one user, who names the check-out at each call until it is given back.
    package mutating func checkOut(
        _ name: String,
        owner: String = "",
        at now: Instant
    ) throws(SessionRefusal) -> CheckOut {
        var session = try usable(name, owner, nil)
        guard session.running == 0 else { throw .busy(calls: session.running) }
        numbers += 1
        let made = CheckOut(number: numbers)
        session.checkOut = made
        session.lastUse = now
        sessions[name] = session
        return made
    }

    /// Gives the session back to everybody.
    package mutating func checkIn(_ name: String, _ checkOut: CheckOut) throws(SessionRefusal) {
        guard let session = sessions[name] else { throw .unknown }
        guard session.checkOut == checkOut else { throw .notTaken }
        sessions[name]?.checkOut = nil
    }

    private func usable(
        _ name: String,
        _ owner: String,
        _ checkOut: CheckOut?
    ) throws(SessionRefusal) -> Session {
        guard let session = sessions[name] else { throw .unknown }
        guard session.owner == owner else { throw .foreign }
        guard session.checkOut == checkOut else {
            throw session.checkOut == nil ? .notTaken : .taken
        }
        return session
    }

    // MARK: Calls

    /// Where a call of the session is to go, which `placed` then tells; changes nothing.
    ///
    /// - Parameter isFree: whether a worker has a slot for a call.
    package func placement(
        of name: String,
        owner: String = "",
        checkOut: CheckOut? = nil,
        isFree: (WorkerID) -> Bool
    ) throws(SessionRefusal) -> Placement {
        let session = try usable(name, owner, checkOut)
        let rehydration = Rehydration(spec: session.spec, checkpoint: session.checkpoint)
        guard let home = session.home else { return .anywhere(rehydration) }
        // Calls without a gap between them would keep it from ever being saved.
        if session.isOverdue { return .waits(for: home) }
        if isFree(home) { return .home(home) }
        // Elsewhere only what is saved would be known, and what the home's calls do would be lost.
        let canMove =
            session.terms.affinity == .preferred && session.running == 0 && session.unsaved == 0
        return canMove ? .anywhere(rehydration) : .waits(for: home)
    }

    /// A call of the session has gone to a worker, which is its home from now on.
    package mutating func placed(
        _ key: SessionKey,
        on worker: WorkerID,
        at now: Instant
    ) -> [SessionAction] {
        guard var session = session(key) else { return [] }
        let (home, unsaved) = (session.home, session.unsaved)
        session.lastUse = now
        session.home = worker
        session.running += 1
        guard let home, home != worker else {
            sessions[key.name] = session
            return []
        }
        // It moves: only the saved state has moved with it.
        session.running = 1
        session.completed = session.saved
        session.asked = nil
        sessions[key.name] = session
        return [.forget(key, at: home)] + (unsaved > 0 ? [.lost(key, calls: unsaved)] : [])
    }

    /// A worker has answered a call of the session, or has given it up.
    ///
    /// - Parameter isComplete: whether the call came to its end, and so may have changed the state.
    package mutating func callEnded(
        _ key: SessionKey,
        by worker: WorkerID,
        isComplete: Bool = true,
        at now: Instant
    ) -> [SessionAction] {
        guard var session = session(key), session.home == worker, session.running > 0 else {
            return []
        }
        session.running -= 1
        session.lastUse = now
        if isComplete { session.completed += 1 }
        if case .afterCalls(let count) = session.terms.checkpoints,
            session.unsaved >= max(1, count)
        {
            session.isToBeSaved = true
        }
        if session.running == 0 { noteExpiry(of: session) }
        return save(session)
    }

    // MARK: Checkpoints

    /// Asks for the state where it is due, and no call is at it that would be half in it.
    private mutating func save(_ session: Session) -> [SessionAction] {
        var session = session
        defer { sessions[session.key.name] = session }
        guard let home = session.home, session.isToBeSaved, session.running == 0,
            session.asked == nil
        else { return [] }
        session.isToBeSaved = false
        guard session.unsaved > 0 else { return [] }
        session.asked = session.completed
        return [.checkpoint(session.key, at: home, version: session.completed)]
    }

    /// A worker has given the state that it was asked for, as it was when it was asked: calls that
    /// were sent after that do not show in it.
    ///
    /// Throws where it is too large to be kept; the one before it is kept then.
    package mutating func saved(
        _ key: SessionKey,
        _ checkpoint: Checkpoint,
        by worker: WorkerID
    ) throws(SessionRefusal) -> [SessionAction] {
        guard var session = session(key), session.home == worker,
            session.asked == checkpoint.version
        else { return [] }
        session.asked = nil
        sessions[key.name] = session
        try makeRoom(for: checkpoint, insteadOf: session.checkpoint)
        bytes += checkpoint.bytes - (session.checkpoint?.bytes ?? 0)
        session.checkpoint = checkpoint
        return save(session)
    }

    /// A worker could not give the state; the next call's end asks again.
    package mutating func savingFailed(_ key: SessionKey, by worker: WorkerID) {
        guard session(key)?.home == worker else { return }
        sessions[key.name]?.asked = nil
    }

    private func makeRoom(
        for checkpoint: Checkpoint,
        insteadOf old: Checkpoint?
    ) throws(SessionRefusal) {
        guard checkpoint.bytes <= limits.checkpointBytes else {
            throw .tooLarge(bytes: checkpoint.bytes, limit: limits.checkpointBytes)
        }
        guard bytes - (old?.bytes ?? 0) + checkpoint.bytes <= limits.totalBytes else {
            throw .tooLarge(bytes: checkpoint.bytes, limit: limits.totalBytes)
        }
    }

    // MARK: Workers

    /// A worker is to leave once its calls are done: what it has is saved first.
    package mutating func workerLeaves(_ worker: WorkerID) -> [SessionAction] {
        homed(at: worker).flatMap { session in
            var session = session
            session.isToBeSaved = true
            return save(session)
        }
    }

    /// Whether a worker that is to leave still has a state that is not saved.
    package func isNeeded(_ worker: WorkerID) -> Bool {
        sessions.values.contains { session in
            session.home == worker
                && (session.running > 0 || session.asked != nil
                    || session.isToBeSaved && session.unsaved > 0)
        }
    }

    /// A worker has ended, and what it had with it; the next calls begin from what is saved.
    package mutating func workerEnded(_ worker: WorkerID) -> [SessionAction] {
        homed(at: worker).flatMap { session -> [SessionAction] in
            var session = session
            let lost = session.unsaved
            session.home = nil
            session.running = 0
            session.asked = nil
            session.isToBeSaved = false
            session.completed = session.saved
            sessions[session.key.name] = session
            noteExpiry(of: session)
            return lost > 0 ? [.lost(session.key, calls: lost)] : []
        }
    }

    private func homed(at worker: WorkerID) -> [Session] {
        Self.ordered(sessions.values.filter { $0.home == worker })
    }

    /// In the order in which they began, so that what follows is always the same.
    private static func ordered(_ sessions: [Session]) -> [Session] {
        sessions.sorted { $0.key.number < $1.key.number }
    }

    private mutating func noteExpiry(of session: Session) {
        earliestExpiry = earliestExpiry.map { min($0, session.expiry) } ?? session.expiry
    }
}
