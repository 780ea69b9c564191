import KraitPooling
import KraitStore
import KraitWire

/// Sessions: programs that remember.
extension Orchestrator {
    /// Begins a session with programs of its own.
    ///
    /// - Parameters:
    ///   - id: its name, 1 to 256 bytes, unlike that of any other session.
    ///   - programs: what it can run, by names of your own.
    ///   - lm: LM settings laid over the pool's in all its calls.
    ///   - pool: whose workers serve it; nil leaves that to the router.
    ///   - caller: who owns it; nil lets every caller use it.
    ///   - policy: when it is saved, where its calls go, and how long it is kept.
    /// - Throws: `session_taken` where there is one of that name; `sessions_full`;
    ///   `invalid_input` with the place in the spec that DSPy does not take; `session_store` where
    ///   it cannot be kept; whatever a call throws.
    public func beginSession(
        _ id: String,
        programs: [String: SessionProgram],
        lm: ValueMap = [:],
        on pool: String? = nil,
        caller: String? = nil,
        keeping policy: SessionPolicy = SessionPolicy()
    ) async throws(CallError) -> Session {
        let ordered = programs.sorted { $0.key < $1.key }
        var spec: ValueMap = ["programs": .map(ValueMap(ordered.map { ($0.key, $0.value.spec) }))]
        if !lm.isEmpty { spec["lm"] = .map(lm) }
        let options = CallOptions(
            route: pool.map(RouteChoice.pool) ?? .automatic,
            caller: caller,
            session: id
        )
        let arguments: ValueMap = ["spec": .map(spec), "terms": policy.value]
        _ = try await call(Call("session_begin", arguments, options: options))
        return Session(id, self, caller: caller)
    }

    /// A session that was begun before, in this run or an earlier one; nothing is asked or checked.
    ///
    /// - Parameter caller: who it is begun by, where it has an owner.
    public func session(_ id: String, caller: String? = nil) -> Session {
        Session(id, self, caller: caller)
    }

    /// All sessions, by their names.
    public func sessions() async -> [SessionStatus] {
        var all = book.statuses()
        var homes: [String: [UInt64: WorkerID]] = [:]
        for pool in runtime.pools { homes[pool.name] = await pool.workers.sessionHomes() }
        for index in all.indices {
            let pool = all[index].status.pool
            let home = homes[pool]?[all[index].number]
            all[index].status.worker = home.map { "\(pool)/\($0)" }
        }
        return all.map(\.status)
    }

    /// How long the latest checkpoints took, from their coming until they were written.
    package var checkpointTimes: [Duration] { book.state.withLock { $0.writes } }

    /// Where a call of a session goes: to its pool, unless somebody says otherwise.
    func placed(_ call: Call) -> Call {
        guard let session = call.options.session, call.options.route == .automatic,
            call.operation.hasPrefix("session_"), let pool = book.pool(of: session)
        else { return call }
        var call = call
        call.options.route = .pool(pool)
        return call
    }
}

extension SessionBook {
    /// All sessions but their workers, by their names.
    func statuses() -> [(number: UInt64, status: SessionStatus)] {
        let (now, seconds) = (Moment.now, Self.seconds())
        return state.withLock { state in
            state.entries.values.compactMap { entry in
                guard let session = state.table[entry.name], !session.isOver(at: now) else {
                    return nil
                }
                let status = SessionStatus(
                    id: entry.name,
                    pool: entry.pool,
                    caller: entry.owner.isEmpty ? nil : entry.owner,
                    running: session.running,
                    isCheckedOut: session.checkOut != nil,
                    age: .seconds(max(0, seconds - entry.begun)),
                    idle: session.running > 0 ? .zero : session.lastUse.duration(to: now),
                    sinceSaved: entry.saved.map { .seconds(max(0, seconds - $0)) },
                    version: entry.version,
                    bytes: entry.bytes,
                    dspy: entry.dspy.isEmpty ? nil : entry.dspy,
                    missing: entry.missing
                )
                return (session.key.number, status)
            }
        }.sorted { $0.1.id < $1.1.id }
    }

    /// How many there are, how many somebody has to himself, and how many states wait to be
    /// written.
    func counts() -> (all: Int, checkedOut: Int, unwritten: Int, problem: String?) {
        state.withLock { state in
            let (table, problem) = (state.table, state.problem?.description)
            return (table.count, table.checkedOut, state.unwritten.count, problem)
        }
    }

    /// The error for a name that no session has.
    func unknown(_ name: String) -> CallError {
        SessionRefusal.unknown.error(of: name, among: state.withLock { Array($0.table.allNames) })
    }
}
