import KraitWire

/// What native code throws that leaves a call to Python, by a rule that has a name.
///
/// ```swift
/// Native(Polish.self) { input in
///     guard input.reply.utf8.allSatisfy({ $0 < 128 }) else { throw Delegation("non-ascii") }
///     return .init(reply: input.reply.lowercased())
/// }
/// ```
///
/// Where the call leaves the choice and a pool offers the operation, that pool answers it, and the
/// rule is in the call's `RouteDecision`. Otherwise the call fails with `delegated`.
public struct Delegation: Error, Sendable, Hashable {
    /// The rule's name, for decisions and logs: never a payload.
    public let rule: String

    /// Leaves the call to Python by this rule.
    public init(_ rule: String) { self.rule = rule }

    /// The call's error, where nobody else can answer it.
    var error: CallError {
        CallError(
            .delegated,
            "The native code leaves this call to Python by the rule \(rule).",
            fault: Fault(code: .raised, type: "Delegation", message: rule)
        )
    }
}
