extension PythonValue {
    /// Python's `str(…)` of it.
    package var text: String {
        switch self {
        case .string(let text): text
        case .object(let instance): instance.text
        default: representation
        }
    }

    /// Python's `repr(…)` of it.
    package var representation: String {
        switch self {
        case .none: return "None"
        case .bool(let flag): return flag ? "True" : "False"
        case .int(let integer): return String(integer)
        case .largeInteger(let digits): return digits
        case .float(let number): return PythonText.float(number)
        case .complex(let real, let imaginary): return PythonText.complex(real, imaginary)
        case .string(let text): return PythonText.string(text)
        case .bytes(let bytes): return PythonText.bytes(bytes)
        case .ellipsis: return "Ellipsis"
        case .object(let instance): return instance.representation
        case .list(let items): return Self.joined(items, "[", "]")
        case .tuple(let items): return Self.joined(items, "(", items.count == 1 ? ",)" : ")")
        case .set(let items): return items.isEmpty ? "set()" : Self.joined(items, "{", "}")
        case .frozenset(let items):
            return items.isEmpty ? "frozenset()" : Self.joined(items, "frozenset({", "})")
        case .dict(let dict):
            var result = "{"
            for (place, entry) in dict.entries.enumerated() {
                if place > 0 { result += ", " }
                result += entry.key.representation + ": " + entry.value.representation
            }
            return result + "}"
        }
    }

    private static func joined(_ items: [PythonValue], _ open: String, _ close: String) -> String {
        var result = open
        for (place, item) in items.enumerated() {
            if place > 0 { result += ", " }
            result += item.representation
        }
        return result + close
    }
}

extension PythonText {
    /// `repr` of a complex number.
    package static func complex(_ real: Double, _ imaginary: Double) -> String {
        let hasMinus = imaginary.sign == .minus && !imaginary.isNaN
        let size = Self.imaginary(hasMinus ? -imaginary : imaginary)
        if real == 0, real.sign == .plus { return (hasMinus ? "-" : "") + size }
        return "(" + withoutFraction(real) + (hasMinus ? "-" : "+") + size + ")"
    }

    /// A float without the `.0` of whole numbers.
    static func withoutFraction(_ value: Double) -> String {
        let text = float(value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
