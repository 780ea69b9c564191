import KraitWire

/// pydantic's lax coercions of single values.
enum Scalar {
    /// Nil for a misfit.
    static func fit(_ value: Value, _ type: Builtin) -> ValueFit? {
        switch type {
        case .str: text(value)
        case .int: integer(value)
        case .float: number(value)
        case .bool: boolean(value)
        case .bytes: isBytes(value) ? .fits : nil
        case .list, .tuple: value.list == nil ? nil : .fits
        case .set, .frozenset: value.list == nil ? nil : .undecided(.coercion)
        case .dict: value.map == nil ? nil : .fits
        case .complex, .bytearray: .undecided(.coercion)
        }
    }

    private static func text(_ value: Value) -> ValueFit? {
        switch value {
        case .string: .fits
        case .bytes: .undecided(.coercion)
        default: nil
        }
    }

    private static func isBytes(_ value: Value) -> Bool {
        switch value {
        case .bytes, .string: true
        default: false
        }
    }

    private static func integer(_ value: Value) -> ValueFit? {
        switch value {
        case .int, .unsigned, .bool: .fits
        case .double(let number):
            number == number.rounded(.towardZero) && number.isFinite ? .fits : nil
        case .string(let text): numeral(text, allowsFraction: false)
        case .bytes, .timestamp: .undecided(.coercion)
        default: nil
        }
    }

    private static func number(_ value: Value) -> ValueFit? {
        switch value {
        case .int, .unsigned, .double, .bool: .fits
        case .string(let text): numeral(text, allowsFraction: true)
        case .bytes, .timestamp: .undecided(.coercion)
        default: nil
        }
    }

    private static func boolean(_ value: Value) -> ValueFit? {
        switch value {
        case .bool: return .fits
        case .int(let number): return number == 0 || number == 1 ? .fits : nil
        case .double(let number): return number == 0 || number == 1 ? .fits : nil
        case .string(let text):
            let known = ["0", "1", "f", "false", "n", "no", "off", "on", "t", "true", "y", "yes"]
            if known.contains(text.lowercased()) { return .fits }
            return text.utf8.count > 5 ? nil : .undecided(.coercion)
        case .bytes: return .undecided(.coercion)
        default: return nil
        }
    }

    /// Text as a number: plain digits fit, text without any digit does not (but for `inf` and
    /// `nan`), the rest is pydantic's to read.
    private static func numeral(_ text: String, allowsFraction: Bool) -> ValueFit? {
        let bytes = Array(text.utf8)
        let digits = bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
        if !digits.isEmpty, digits.count < 18, digits.allSatisfy(Ascii.isDigit) { return .fits }
        let hasDigit = text.unicodeScalars.contains { $0.properties.numericType != nil }
        if !hasDigit, !allowsFraction { return nil }
        if !hasDigit, !bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "n") }) { return nil }
        return .undecided(.coercion)
    }
}
