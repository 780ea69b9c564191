import KraitPooling
import KraitWire

/// Calls of sessions: they go to the worker that has the state, and where none has, the call brings
/// it along. So a prediction is one round trip, also the first after its worker's death.
extension PoolBackend {
    /// What operations do with a session.
    private enum Use: String {
        case begin = "session_begin"
        case run = "session_run"
        case load = "session_load"
        case checkpoint = "session_checkpoint"
        case end = "session_end"

        var changes: Bool { self == .run || self == .load }
        var alwaysSaves: Bool { self == .checkpoint }
    }

    /// Makes a call of a session; nil where the pool has none of that name and the operation needs
    /// none, so that the name is but a name.
    func callInSession(
        _ name: String,
        _ call: Call,
        _ traits: CallTraits,
        _ timeout: Duration,
        _ book: SessionBook
    ) async throws(CallError) -> Reply? {
        let use = Use(rawValue: call.operation)
        let home = book.pool(of: name)
        guard use != nil || home == pool.name else { return nil }
        if use == .begin { return try await begin(name, call, traits, timeout, book) }
        if let home, home != pool.name {
            throw CallError(
                .invalidInput,
                "the session `\(name)` is the pool \(home)'s; call it there",
                pool: pool.name
            )
        }
        let owner = call.options.caller ?? ""
        let checkOut = call.options.checkOut.map(SessionTable.CheckOut.init(number:))
        if use == .end {
            let ended = try await book.end(name, owner: owner, checkOut: checkOut)
            tell(ended)
            let source = Reply.Source.pool(pool.name, worker: pool.name, codec: codec)
            return Reply(["ended": true], from: source)
        }
        let visit = try book.enter(name, owner: owner, checkOut: checkOut)
        defer { book.left(visit) }
        var about = SessionCall(
            number: visit.key.number,
            changes: use?.changes ?? false,
            saves: use?.alwaysSaves ?? false || visit.saves && use?.changes ?? false,
            mayMove: visit.mayMove
        )
        let reply = try await follow(call, traits, &about, visit.key, timeout, book, nil)
        if use == .checkpoint { try await book.flush(visit.key) }
        return reply
    }

    /// Makes the call until it meets the session: first where that is, then with what makes it.
    private func follow(
        _ call: Call,
        _ traits: CallTraits,
        _ about: inout SessionCall,
        _ key: SessionKey,
        _ timeout: Duration,
        _ book: SessionBook,
        _ given: SessionBook.Brought?
    ) async throws(CallError) -> Reply {
        let end = ContinuousClock.now + timeout
        var (traits, brought, left) = (traits, given, timeout)
        while true {
            var options: ValueMap = about.saves ? ["save": true] : [:]
            var bare: BareCall?
            if let brought {
                let parcel = try encode(call, options)
                bare = BareCall(parcel.bytes, parcel.attachments)
                about.loaded = brought.answers
                var begin: ValueMap = ["spec": brought.spec]
                begin["checkpoint"] = brought.state.map(Value.bytes)
                options["begin"] = .map(begin)
            }
            traits.session = about
            var parcel = try encode(call, options)
            parcel.bare = bare
            do throws(CallError) {
                var reply = try await send(call, parcel, traits, timeout: left)
                if about.saves, var map = reply.value.map {
                    // That was for the book.
                    let saved = map["saved"]
                    map["saved"] = nil
                    reply.value = .map(map)
                    // With an answer it is told by an event; here it was the question.
                    if !about.changes, saved?["state"] == nil {
                        throw Self.tooLarge(saved?["bytes"]?.int ?? 0, key)
                    }
                }
                return reply
            } catch {
                guard error.code == .sessionMoved else { throw error }
                left = ContinuousClock.now.duration(to: end)
                guard left > .zero else { throw error }
                brought = try await book.bring(key)
            }
        }
    }

    private static func tooLarge(_ bytes: Int, _ key: SessionKey) -> CallError {
        CallError(
            .sessionStore,
            "the state of the session `\(key.name)` has \(bytes) bytes, more than is kept of one; "
                + "the one before it stays",
            delivery: .sent
        )
    }

    /// Begins a session: keeps what it is begun with, and lets a worker make it.
    private func begin(
        _ name: String,
        _ call: Call,
        _ traits: CallTraits,
        _ timeout: Duration,
        _ book: SessionBook
    ) async throws(CallError) -> Reply {
        var call = call
        guard !name.isEmpty, name.utf8.count <= Limits.nameBytes else {
            throw CallError(
                .invalidInput,
                "a session's name has 1 to \(Limits.nameBytes) bytes"
            )
        }
        guard let spec = call.arguments["spec"], spec.map != nil else {
            throw CallError(
                .invalidInput,
                "session_begin needs `spec`, a map such as {\"programs\": {\"answer\": "
                    + "{\"module\": \"ChainOfThought\", \"signature\": \"question -> answer\"}}}"
            )
        }
        let terms = try call.arguments["terms"].map { value throws(CallError) in
            try SessionTerms(asked: value)
        }
        call.arguments["spec"] = nil
        call.arguments["terms"] = nil
        let visit = try book.begin(
            name,
            owner: call.options.caller ?? "",
            pool: pool.name,
            terms: terms ?? SessionTerms()
        )
        defer { book.left(visit) }
        do throws(CallError) {
            try await book.keep(visit, spec: spec)
            var about = SessionCall(number: visit.key.number, changes: false)
            let new = SessionBook.Brought(answers: 0, spec: spec)
            return try await follow(call, traits, &about, visit.key, timeout, book, new)
        } catch {
            if let ended = await book.abandon(visit) { tell(ended) }
            throw error
        }
    }

    /// Lets the pool forget a session, and the worker that has it.
    func tell(_ ended: SessionTable.Session) {
        let call = SessionBook.call("session_end", of: ended.key.name)
        pool.sessionEnded(ended.key.number, telling: call ?? [])
    }
}
