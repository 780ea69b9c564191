/// Why a text was refused, in terms of its UTF-8: becomes a `SchemaError` with line and column.
struct ParseFailure: Error {
    var code: SchemaError.Code
    var reason: String
    var remedy: String?
    var exception: PythonException?
    var rule: DelegationRule?
    /// The bytes it is about.
    var range: Range<Int>

    init(
        _ code: SchemaError.Code,
        _ reason: String,
        remedy: String? = nil,
        exception: PythonException?,
        rule: DelegationRule? = nil,
        at range: Range<Int>
    ) {
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.exception = exception
        self.rule = rule
        self.range = range
    }

    /// What Python's parser would refuse.
    static func syntax(_ reason: String, remedy: String? = nil, at range: Range<Int>) -> Self {
        Self(.syntax, reason, remedy: remedy, exception: .syntaxError, at: range)
    }

    /// What only Python can judge.
    static func delegated(_ rule: DelegationRule, at range: Range<Int>) -> Self {
        Self(
            .delegated,
            "only Python can read this: \(rule.explanation)",
            remedy: "call a Python pool with this text, or write it another way",
            exception: nil,
            rule: rule,
            at: range
        )
    }
}
