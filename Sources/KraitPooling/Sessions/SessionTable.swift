/// The sessions there are: whose they are, who may use them, and when they are saved and over.
///
/// Which worker has a session's state is its pool's to decide; see `PoolStateMachine`. All is
/// decided here, and nothing is done.
package struct SessionTable: Equatable {
    package typealias Instant = Moment

    /// Who has a session to himself.
    package struct CheckOut: Sendable, Hashable {
        package let number: UInt64
        package init(number: UInt64) { self.number = number }
    }

    /// One session.
    package struct Session: Equatable, Sendable {
        package let key: SessionKey
        package let owner: String
        package let pool: String
        package let terms: SessionTerms
        /// Calls that are under way.
        package fileprivate(set) var running = 0
        /// How many answers have changed its state in this run, and at which of them the last
        /// checkpoint was taken.
        package fileprivate(set) var answers = 0
        package fileprivate(set) var saved = 0
        package fileprivate(set) var checkOut: CheckOut?
        package fileprivate(set) var lastUse: Instant

        package var expiry: Instant { lastUse + terms.timeToLive }

        /// Whether the next answer is to bring the state.
        var isDue: Bool {
            guard case .afterCalls(let count) = terms.checkpoints else { return false }
            return answers + 1 - saved >= max(1, count)
        }
    }

    private let limits: SessionLimits
    private var sessions: [String: Session] = [:]
    private var names: [UInt64: String] = [:]
    private var owners: [String: Int] = [:]
    /// How many sessions and check-outs there have been: each has its number.
    private var numbers: UInt64 = 0
    /// No session expires before.
    package private(set) var earliestExpiry: Instant?

    package init(limits: SessionLimits = SessionLimits()) { self.limits = limits }

    package var count: Int { sessions.count }

    /// How many somebody has to himself.
    package var checkedOut: Int { sessions.values.count { $0.checkOut != nil } }

    /// The session that has this name now.
    package subscript(name: String) -> Session? { sessions[name] }

    /// The session of this number, where it is not over.
    package subscript(number: UInt64) -> Session? { names[number].flatMap { sessions[$0] } }

    /// All names, in no order.
    package var allNames: some Collection<String> { sessions.keys }

    // MARK: Beginning and ending

    /// Begins a session, which counts as used at that moment.
    @discardableResult
    package mutating func begin(
        _ name: String,
        owner: String = "",
        pool: String = "",
        terms: SessionTerms = SessionTerms(),
        at now: Instant
    ) throws(SessionRefusal) -> SessionKey {
        guard sessions[name] == nil else { throw .exists }
        guard sessions.count < limits.sessions else { throw .full(limit: limits.sessions) }
        guard owners[owner, default: 0] < limits.sessionsPerOwner else {
            throw .fullOfOwner(limit: limits.sessionsPerOwner)
        }
        numbers += 1
        let key = SessionKey(name: name, number: numbers)
        let session = Session(key: key, owner: owner, pool: pool, terms: terms, lastUse: now)
        sessions[name] = session
        names[numbers] = name
        owners[owner, default: 0] += 1
        noteExpiry(of: session)
        return key
    }

    /// Ends a session; calls that it has go on, and change nothing that is kept.
    @discardableResult
    package mutating func end(
        _ name: String,
        owner: String = "",
        checkOut: CheckOut? = nil
    ) throws(SessionRefusal) -> Session {
        let session = try usable(name, owner, checkOut)
        remove(session)
        return session
    }

    /// Ends a session whoever owns it, where it is still that one.
    package mutating func drop(_ key: SessionKey) {
        guard let session = self[key.number] else { return }
        remove(session)
    }

    /// Ends the sessions that nobody has called for too long; those with calls are kept.
    package mutating func expire(at now: Instant) -> [Session] {
        guard let earliest = earliestExpiry, earliest <= now else { return [] }
        let over = sessions.values.filter { $0.running == 0 && $0.expiry <= now }
        for session in over { remove(session) }
        earliestExpiry = nil
        // One that is kept by its calls expires at their end at the earliest, which notes it anew.
        for session in sessions.values where session.running == 0 { noteExpiry(of: session) }
        return over.sorted { $0.key.number < $1.key.number }
    }

    private mutating func remove(_ session: Session) {
        sessions[session.key.name] = nil
        names[session.key.number] = nil
        let left = (owners[session.owner] ?? 1) - 1
        owners[session.owner] = left > 0 ? left : nil
    }

    // MARK: Check-out

    /// Gives the session to one user, who names the check-out at each call until it is given back.
    package mutating func checkOut(
        _ name: String,
        owner: String = "",
        at now: Instant
    ) throws(SessionRefusal) -> CheckOut {
        let session = try usable(name, owner, nil)
        guard session.running == 0 else { throw .busy(calls: session.running) }
        numbers += 1
        let made = CheckOut(number: numbers)
        sessions[name]?.checkOut = made
        sessions[name]?.lastUse = now
        return made
    }

    /// Gives the session back to everybody.
    package mutating func checkIn(_ name: String, _ checkOut: CheckOut) throws(SessionRefusal) {
        guard let session = sessions[name] else { throw .unknown }
        guard session.checkOut == checkOut else { throw .notTaken }
        sessions[name]?.checkOut = nil
    }

    /// The session, where this user may use it.
    package func usable(
        _ name: String,
        _ owner: String = "",
        _ checkOut: CheckOut? = nil
    ) throws(SessionRefusal) -> Session {
        guard let session = sessions[name] else { throw .unknown }
        // One that nobody owns is everybody's.
        guard session.owner.isEmpty || session.owner == owner else { throw .foreign }
        guard session.checkOut == checkOut else {
            throw session.checkOut == nil ? .notTaken : .taken
        }
        return session
    }

    // MARK: Calls

    /// A call of the session begins; `callEnded` follows in any case.
    ///
    /// - Returns: the session, and whether the answer is to bring its state.
    package mutating func callBegins(
        _ name: String,
        owner: String = "",
        checkOut: CheckOut? = nil,
        at now: Instant
    ) throws(SessionRefusal) -> (session: Session, saves: Bool) {
        var session = try usable(name, owner, checkOut)
        session.running += 1
        session.lastUse = now
        sessions[name] = session
        return (session, session.isDue)
    }

    /// An answer has changed the session's state, the so-many-th, and has brought it or has not.
    package mutating func answered(_ number: UInt64, answers: Int, isSaved: Bool) {
        guard let name = names[number] else { return }
        sessions[name]?.answers = answers
        if isSaved { sessions[name]?.saved = answers }
    }

    /// A call is over, whatever came of it.
    package mutating func callEnded(_ key: SessionKey, at now: Instant) {
        guard let name = names[key.number] else { return }
        sessions[name]?.running -= 1
        sessions[name]?.lastUse = now
        if let session = sessions[name], session.running == 0 { noteExpiry(of: session) }
    }

    private mutating func noteExpiry(of session: Session) {
        earliestExpiry = earliestExpiry.map { min($0, session.expiry) } ?? session.expiry
    }
}
