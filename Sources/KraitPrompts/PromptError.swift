import KraitSignatures

/// Why there are no messages, or no fields.
public enum PromptError: Error, Sendable {
    /// Only Python can answer, by this rule.
    case delegated(DelegationRule)
    /// DSPy raises this exception instead.
    case raised(RaisedException)
    /// The completion does not hold what the signature asks for: DSPy's `AdapterParseError`.
    case unparsable(UnparsableCompletion)
    /// A value of this field could be read as structure; only the strict option refuses that.
    case ambiguous(field: String)
    /// The field's value is one that the wire has nothing for, such as an integer of 100 digits.
    case uncarried(field: String)

    init(_ failure: ValueFailure) {
        switch failure {
        case .delegated(let rule): self = .delegated(rule)
        case .raised(let exception): self = .raised(exception)
        }
    }

    /// An exception as Python raises it.
    static func raise(_ className: String, _ message: String) -> PromptError {
        .raised(RaisedException(className, message))
    }
}

/// What DSPy says of a completion that it cannot parse.
public struct UnparsableCompletion: Error, Sendable {
    /// The adapter that gave up.
    public var adapter: AdapterKind
    /// The first paragraph, where there is one; what pydantic and expat say is in our words.
    public var reason: String?
    /// The field with which it failed, if it was one.
    public var field: String?
    /// The completion, or the part of it that was looked at last.
    public var completion: String
    /// The fields that the signature asks for.
    public var expected: [String]
    /// The fields that were found, where DSPy names them.
    package var parsed: PythonDict?

    /// DSPy's text.
    public var message: String {
        var text = reason.map { $0 + "\n\n" } ?? ""
        text += "Adapter \(adapter.rawValue) failed to parse the LM response. \n\n"
        text += "LM Response: \(completion) \n\n"
        text += "Expected to find output fields in the LM response: "
        text += "[\(expected.joined(separator: ", "))] \n\n"
        if let parsed {
            let names = parsed.keys.map(\.text).joined(separator: ", ")
            text += "Actual output fields parsed from the LM response: [\(names)] \n\n"
        }
        return text
    }
}
