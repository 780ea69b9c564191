import KraitWire

/// What a pool goes by when it admits, orders, and repeats a call.
package struct CallTraits: Sendable, Equatable {
    /// What the call asks for: breakers are kept by it.
    package var operation: String
    /// Stands for who calls; 0 for nobody in particular.
    ///
    /// Callers of one pool are served in turn.
    package var caller: UInt64
    package var priority: CallPriority
    /// Whether the call may be made twice without harm.
    package var isIdempotent: Bool
    /// The credit its stream begins with; 0 where it is none.
    package var credit: Int
    /// Whether the worker may ask for tools of the caller's.
    package var hasTools: Bool
    /// Whether it is made from within a tool of a call that this pool serves.
    package var isNested: Bool
    /// What it is about, where it is of a session that is to go to its home.
    package var session: SessionCall?

    package init(
        operation: String = "",
        caller: UInt64 = 0,
        priority: CallPriority = .normal,
        isIdempotent: Bool = false,
        credit: Int = 0,
        hasTools: Bool = false,
        isNested: Bool = false
    ) {
        self.credit = credit
        self.hasTools = hasTools
        self.isNested = isNested
        self.operation = operation
        self.caller = caller
        self.priority = priority
        self.isIdempotent = isIdempotent
    }

    // Not an initialiser, which would take a copy of the call.
    package static func of(_ call: Call) -> CallTraits {
        CallTraits(
            operation: breakerName(of: call),
            caller: call.options.caller.map(number) ?? 0,
            priority: call.options.priority,
            isIdempotent: call.options.isIdempotent
        )
    }

    /// What fails together: the operation, and its language model where the call brings one of its
    /// own, so that one caller's dead endpoint is not everybody's.
    private static func breakerName(of call: Call) -> String {
        guard let lm = call.options.lm else { return call.operation }
        let place = [lm["model"]?.string, lm["api_base"]?.string.map(host)].compactMap(\.self)
        return place.isEmpty
            ? call.operation : "\(call.operation) by \(place.joined(separator: " at "))"
    }

    /// An endpoint's host and port: a whole address may hold a password.
    private static func host(of address: String) -> String {
        let rest = address.split(separator: "/", omittingEmptySubsequences: true).dropFirst()
        return rest.first.map { String($0.split(separator: "@").last ?? $0) } ?? "an endpoint"
    }

    /// A caller's name as a number, so that the pool keeps no table of all names it has ever seen.
    ///
    /// Two of one number would only share their turn.
    private static func number(of name: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(name)
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }
}
