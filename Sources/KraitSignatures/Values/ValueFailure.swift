/// Why a value has no text, or a text no value.
package enum ValueFailure: Error, Sendable {
    /// Only Python can answer, by this rule.
    case delegated(DelegationRule)
    /// Python raises this.
    case raised(RaisedException)

    static func raise(_ className: String, _ message: String) -> ValueFailure {
        .raised(RaisedException(className: className, message: message))
    }
}

/// An exception as Python would raise it.
public struct RaisedException: Error, Sendable {
    /// The name of its class, such as `ValidationError`.
    public var className: String
    /// `str(…)` of it; of a `ValidationError` without the lines that link to pydantic's pages.
    public var message: String
    /// What a `ValidationError` names, in its order.
    public var issues: [ValidationIssue] = []
}

/// One of the misfits that a `ValidationError` names.
public struct ValidationIssue: Sendable, Hashable {
    /// Where it is: keys, indices and names of union members from the outside in.
    public var path: [String]
    /// pydantic's name for it, such as `int_parsing`.
    public var kind: String
    /// pydantic's sentence.
    public var sentence: String
}
