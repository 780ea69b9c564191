/// A fact beside a log line: text, a number or a truth value, kept apart so that JSON stays typed.
///
/// Never a payload: no prompt, argument or answer of a call belongs into a log.
public enum LogValue: Sendable, Hashable {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)

    /// A length of time as text with its unit, such as `0.25s`.
    public static func duration(_ duration: Duration) -> LogValue {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Double(seconds) * 1_000 + Double(attoseconds) / 1e15
        let text =
            switch milliseconds.magnitude {
            case ..<1: "\(Int((milliseconds * 1_000).rounded()))µs"
            case ..<1_000: "\((milliseconds * 10).rounded() / 10)ms"
            default: "\((milliseconds / 10).rounded() / 100)s"
            }
        return .string(text)
    }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    /// The text itself.
    public init(stringLiteral value: String) { self = .string(value) }
    /// The number itself.
    public init(integerLiteral value: Int) { self = .integer(value) }
}

extension LogValue: ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    /// The number itself.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// The truth value itself.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension LogValue: CustomStringConvertible {
    /// The value as text, without quotes or escapes.
    public var description: String {
        switch self {
        case .string(let text): text
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .boolean(let truth): "\(truth)"
        }
    }
}
