import Glibc
import KraitObservability
import KraitPooling
import KraitStore
import KraitWire

/// The orchestrator's sessions: who may use which, and what is kept of them.
///
/// The last state of a session is here from the moment its answer comes until it is written, and
/// in the file alone after that: so nobody waits for the disk, and idle sessions take no memory.
final class SessionBook: SessionKeeper {
    /// A state that has come and is not written yet.
    struct Unwritten {
        var answers: Int
        var answer: ReceivedEnvelope
        var came = Moment.now
    }

    struct State {
        var table: SessionTable
        var entries: [String: SessionStore.Entry] = [:]
        var unwritten: [UInt64: Unwritten] = [:]
        var unwrittenBytes = 0
        var store: SessionStore?
        /// Whether the file's sessions are in the table.
        var isLoaded = false
        /// Why the file could not be used the last time.
        var problem: StoreError?
        var dirty = Mailbox<UInt64>()
        /// How long the latest states took from their coming until they were written.
        var writes: [Duration] = []
    }

    /// How many of those are remembered.
    static let mostWrites = 1_000

    /// What a call brings to a worker that does not have its session.
    struct Brought {
        var answers: Int
        var spec: Value
        var state: [UInt8]?
    }

    /// A session while a call is at it.
    struct Visit {
        var key: SessionKey
        var saves: Bool
        var mayMove: Bool
    }

    let state: Lock<State>
    let events: EventSink
    /// How much may wait to be written.
    static let mostUnwritten = 256 << 20

    init(limits: SessionLimits, events: EventSink) {
        state = Lock(State(table: SessionTable(limits: limits)))
        self.events = events
    }

    // MARK: Calls

    /// A session's pool; nil where there is no session of the name.
    func pool(of name: String) -> String? { state.withLock { $0.table[name]?.pool } }

    /// Begins a session in the table; `keep` follows, and `left` when the call that begins it has
    /// ended.
    func begin(
        _ name: String,
        owner: String,
        pool: String,
        terms: SessionTerms
    ) throws(CallError) -> Visit {
        let now = Moment.now
        return try refusing(name) { state throws(SessionRefusal) in
            try state.table.begin(name, owner: owner, pool: pool, terms: terms, at: now)
            var entry = SessionStore.Entry(
                name: name,
                owner: owner,
                pool: pool,
                terms: terms.value,
                begun: Self.seconds()
            )
            entry.used = entry.begun
            state.entries[name] = entry
            let (session, _) = try state.table.callBegins(name, owner: owner, at: now)
            return Visit(key: session.key, saves: false, mayMove: false)
        }
    }

    /// A call of a session begins; `left` follows in any case.
    func enter(
        _ name: String,
        owner: String,
        checkOut: SessionTable.CheckOut?
    ) throws(CallError) -> Visit {
        let problem = state.withLock { state in
            state.unwrittenBytes > Self.mostUnwritten ? state.problem : nil
        }
        if let problem { throw Self.error(problem, session: name) }
        return try refusing(name) { state throws(SessionRefusal) in
            let (session, saves) = try state.table.callBegins(
                name,
                owner: owner,
                checkOut: checkOut,
                at: .now
            )
            let mayMove = session.terms.affinity == .preferred
            return Visit(key: session.key, saves: saves, mayMove: mayMove)
        }
    }

    func left(_ visit: Visit) {
        state.withLock { $0.table.callEnded(visit.key, at: .now) }
    }

    /// What the last answer has left of a session, and what it was begun with.
    func bring(_ key: SessionKey) async throws(CallError) -> Brought {
        let (answers, unwritten, store) = state.withLock { state in
            let answers = state.table[key.number]?.answers
            return (answers, state.unwritten[key.number], state.store)
        }
        // In this order: what is read after is at least as new, and newer is refused by the pool.
        guard let answers else { throw SessionRefusal.unknown.error(of: key.name) }
        guard let store else { throw CallError(.shuttingDown, "the orchestrator is not running") }
        let kept: (spec: [UInt8], state: [UInt8]?)?
        do throws(StoreError) {
            kept = try await store.load(key.name)
        } catch {
            throw failed(error, session: key.name)
        }
        guard let kept, let spec = try? Codec.messagePack.decode(kept.spec) else {
            throw SessionRefusal.unknown.error(of: key.name)
        }
        let latest = unwritten.flatMap { SavedState($0.answer)?.state }
        return Brought(answers: answers, spec: spec, state: latest ?? kept.state)
    }

    // MARK: Check-out and ending

    func checkOut(_ name: String, owner: String) throws(CallError) -> SessionTable.CheckOut {
        try refusing(name) { state throws(SessionRefusal) in
            try state.table.checkOut(name, owner: owner, at: .now)
        }
    }

    func checkIn(_ name: String, _ checkOut: SessionTable.CheckOut) {
        // One that has ended meanwhile is nobody's.
        state.withLock { try? $0.table.checkIn(name, checkOut) }
    }

    /// Ends a session; what is kept of it is gone when this returns.
    func end(
        _ name: String,
        owner: String,
        checkOut: SessionTable.CheckOut?
    ) async throws(CallError) -> SessionTable.Session {
        let ended = try refusing(name) { state throws(SessionRefusal) in
            let session = try state.table.end(name, owner: owner, checkOut: checkOut)
            state.forget(session)
            return session
        }
        try await forget([name])
        return ended
    }

    /// Takes back a session that could not be begun.
    func abandon(_ visit: Visit) async -> SessionTable.Session? {
        let session =
            state.withLock { state in
                guard let session = state.table[visit.key.number] else { return nil }
                state.table.drop(visit.key)
                state.forget(session)
                return session
            } as SessionTable.Session?
        if session != nil { try? await forget([visit.key.name]) }
        return session
    }

    /// Ends the sessions whose time is up; gives them, for their workers to be told.
    func expire() async -> [SessionTable.Session] {
        let over = state.withLock { state in
            let over = state.table.expire(at: .now)
            for session in over { state.forget(session) }
            return over
        }
        guard !over.isEmpty else { return [] }
        events.emit(.sessionsExpired, metadata: [.count: .integer(over.count)])
        try? await forget(over.map(\.key.name))
        return over
    }

    private func forget(_ names: [String]) async throws(CallError) {
        guard let store = state.withLock({ $0.store }) else { return }
        do throws(StoreError) {
            try await store.end(names)
        } catch {
            throw failed(error, session: names.first ?? "")
        }
    }

    // MARK: On the pools' thread

    func changed(_ change: SessionAnswer, by answer: ReceivedEnvelope) {
        let dirty = state.withLock { state -> Mailbox<UInt64>? in
            state.table.answered(
                change.number,
                answers: change.answers,
                isSaved: change.isSaved
            )
            guard change.isSaved, state.table[change.number] != nil else { return nil }
            let old = state.unwritten.updateValue(
                Unwritten(answers: change.answers, answer: answer),
                forKey: change.number
            )
            state.unwrittenBytes += answer.size - (old?.answer.size ?? 0)
            return old == nil ? state.dirty : nil
        }
        dirty?.put(change.number)
    }

    func saveCall(of number: UInt64) -> [UInt8]? {
        guard let name = state.withLock({ $0.table[number]?.key.name }) else { return nil }
        return Self.call("session_save", of: name, ["save": true])
    }

    /// A call that only concerns the session as such.
    static func call(
        _ operation: String,
        of name: String,
        _ options: ValueMap = [:]
    ) -> [UInt8]? {
        var options = options
        options["session"] = .string(name)
        return try? Codec.messagePack.gatherCall(
            operation: operation,
            arguments: [:],
            options: options
        ).bytes
    }

    // MARK: Errors

    /// Does something to a session, expired ones left out.
    private func refusing<Result>(
        _ name: String,
        _ body: (inout State) throws(SessionRefusal) -> Result
    ) throws(CallError) -> Result {
        let outcome = state.withLock { state -> Swift.Result<Result, CallError> in
            do throws(SessionRefusal) {
                if let session = state.table[name], session.isOver(at: .now) {
                    // The clerk takes it away; for everybody else it is gone already.
                    throw .unknown
                }
                return .success(try body(&state))
            } catch {
                return .failure(error.error(of: name, among: state.table.allNames))
            }
        }
        return try outcome.get()
    }

    /// Notes that the file cannot be used, and says so once.
    @discardableResult
    func failed(_ error: StoreError, session: String) -> CallError {
        let isNew = state.withLock { state in
            defer { state.problem = error }
            return state.problem != error
        }
        if isNew { events.emit(.sessionStoreFailed, metadata: [.reason: "\(error)"]) }
        return Self.error(error, session: session)
    }

    private static func error(_ error: StoreError, session: String) -> CallError {
        CallError(.sessionStore, "what the session `\(session)` knows cannot be kept: \(error)")
    }

    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension SessionBook.State {
    /// Forgets all but the row of a session that has left the table.
    mutating func forget(_ session: SessionTable.Session) {
        entries[session.key.name] = nil
        if let gone = unwritten.removeValue(forKey: session.key.number) {
            unwrittenBytes -= gone.answer.size
        }
    }
}

extension SessionTable.Session {
    /// Whether nobody has called it for too long.
    func isOver(at now: Moment) -> Bool { running == 0 && expiry <= now }
}

/// What an answer brings of a session's state.
struct SavedState {
    /// Nil where it is too large to be kept.
    var state: [UInt8]?
    var bytes: Int
    var version: Int
    var dspy: String
    var missing: [String]

    init?(_ answer: ReceivedEnvelope) {
        guard let body = try? answer.decodeBody(), let saved = body["saved"]?.map else {
            return nil
        }
        if case .bytes(let bytes)? = saved["state"] { state = bytes }
        bytes = saved["bytes"]?.int ?? 0
        version = body["version"]?.int ?? 0
        dspy = saved["dspy"]?.string ?? ""
        missing = saved["missing"]?.list?.compactMap(\.string) ?? []
    }
}
