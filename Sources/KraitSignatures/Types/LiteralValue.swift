/// A Python constant: what a `Literal[…]` is made of.
public enum LiteralValue: Sendable {
    case none
    case bool(Bool)
    case int(Int64)
    /// The decimal digits of an integer beyond `Int64`.
    case largeInteger(String)
    case float(Double)
    /// The imaginary part of a number such as `2j`.
    case imaginary(Double)
    case string(String)
    case bytes([UInt8])
    case ellipsis
}

extension LiteralValue: Hashable {
    /// Equal as Python's `Literal` sees it: same type and same value, text by its scalars. (Swift's
    /// own equality of text would make one of composed and decomposed letters.)
    public static func == (left: LiteralValue, right: LiteralValue) -> Bool {
        switch (left, right) {
        case (.none, .none), (.ellipsis, .ellipsis): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.float(let left), .float(let right)): left == right
        case (.imaginary(let left), .imaginary(let right)): left == right
        case (.bytes(let left), .bytes(let right)): left == right
        case (.string(let left), .string(let right)),
            (.largeInteger(let left), .largeInteger(let right)):
            left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }

    /// Feeds the value to a hasher.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .none: hasher.combine(0)
        case .ellipsis: hasher.combine(1)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .float(let value), .imaginary(let value): hasher.combine(value)
        case .bytes(let value): hasher.combine(value)
        case .string(let value), .largeInteger(let value):
            for byte in value.utf8 { hasher.combine(byte) }
        }
    }
}

extension LiteralValue {
    /// As DSPy names it inside `Literal[…]`: text in quotes with nothing but the quotes escaped,
    /// everything else as Python's `str` prints it.
    public var name: String {
        switch self {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .int(let value): String(value)
        case .largeInteger(let digits): digits
        case .float(let value): PythonText.float(value)
        case .imaginary(let value): PythonText.imaginary(value)
        case .string(let text): Self.quoted(text)
        case .bytes(let bytes): PythonText.bytes(bytes)
        case .ellipsis: "Ellipsis"
        }
    }

    /// As Python source that gives the same constant.
    ///
    /// Without `->`, which no signature may contain twice. Nil for a negative number: DSPy reads
    /// none.
    package var source: String? {
        switch self {
        case .int(let value) where value < 0: nil
        case .float(let value) where value < 0 || value.isNaN: nil
        case .float(let value) where value.isInfinite: "1e999"
        case .imaginary(let value) where value.isInfinite: "1e999j"
        case .string(let text): PythonText.source(text)
        case .ellipsis: "..."
        default: name
        }
    }

    /// DSPy's quotes: double ones only where the text holds single ones and no double one.
    private static func quoted(_ text: String) -> String {
        let hasSingle = text.utf8.contains(Ascii.quote)
        guard hasSingle else { return "'\(text)'" }
        guard text.utf8.contains(Ascii.doubleQuote) else { return "\"\(text)\"" }
        var escaped: [UInt8] = [Ascii.quote]
        for byte in text.utf8 {
            if byte == Ascii.quote { escaped.append(UInt8(ascii: "\\")) }
            escaped.append(byte)
        }
        return String(bytes: escaped + [Ascii.quote])
    }
}
