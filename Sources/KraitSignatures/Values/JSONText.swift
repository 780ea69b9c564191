/// JSON as Python's `json` module reads and writes it.
package enum JSONText {
    /// What nests deeper is left to Python, whose own limit depends on its call stack.
    package static let depthLimit = 256

    /// `json.dumps(value, ensure_ascii=False, indent=indent)`.
    ///
    /// Throws Python's `TypeError` for what JSON has no form for.
    package static func write(
        _ value: PythonValue,
        indent: Int? = nil
    ) throws(ValueFailure) -> String {
        var writer = JSONWriter(indent: indent)
        try writer.write(value, depth: 0)
        return String(bytes: writer.bytes)
    }

    /// A string as JSON has it, quotes included.
    package static func quoted(_ text: String) -> String {
        var writer = JSONWriter(indent: nil)
        writer.append(text)
        return String(bytes: writer.bytes)
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    let indent: Int?

    init(indent: Int?) { self.indent = indent }

    private mutating func raw(_ text: String) { bytes += text.utf8 }

    private mutating func newLine(_ depth: Int) {
        guard let indent else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * depth))
    }

    private mutating func separate(_ place: Int, _ depth: Int) {
        if place > 0 {
            bytes.append(UInt8(ascii: ","))
            if indent == nil { bytes.append(0x20) }
        }
        newLine(depth)
    }

    mutating func write(_ value: PythonValue, depth: Int) throws(ValueFailure) {
        guard depth <= JSONText.depthLimit else { throw .delegated(.depth) }
        switch value {
        case .none: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .int(let integer): raw(String(integer))
        case .largeInteger(let digits): raw(digits)
        case .float(let number): raw(Self.number(number))
        case .string(let text): append(text)
        case .list(let items), .tuple(let items):
            bytes.append(UInt8(ascii: "["))
            for (place, item) in items.enumerated() {
                separate(place, depth + 1)
                try write(item, depth: depth + 1)
            }
            if !items.isEmpty { newLine(depth) }
            bytes.append(UInt8(ascii: "]"))
        case .dict(let dict):
            bytes.append(UInt8(ascii: "{"))
            for (place, entry) in dict.entries.enumerated() {
                separate(place, depth + 1)
                append(try Self.key(entry.key))
                raw(": ")
                try write(entry.value, depth: depth + 1)
            }
            if !dict.isEmpty { newLine(depth) }
            bytes.append(UInt8(ascii: "}"))
        case .complex, .bytes, .ellipsis, .set, .frozenset, .object:
            throw .raise(
                "TypeError",
                "Object of type \(value.typeName) is not JSON serializable"
            )
        }
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonText.float(value)
    }

    private static func key(_ key: PythonValue) throws(ValueFailure) -> String {
        switch key {
        case .string(let text): return text
        case .none: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let integer): return String(integer)
        case .largeInteger(let digits): return digits
        case .float(let value): return number(value)
        default:
            throw .raise(
                "TypeError",
                "keys must be str, int, float, bool or None, not \(key.typeName)"
            )
        }
    }

    /// A string in quotes: runs of bytes that stay as they are go over whole.
    mutating func append(_ text: String) {
        bytes.append(Ascii.doubleQuote)
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            for (index, byte) in utf8.enumerated() {
                if byte >= 0x20, byte != Ascii.doubleQuote, byte != UInt8(ascii: "\\") { continue }
                bytes.append(contentsOf: utf8[start..<index])
                start = index + 1
                appendEscape(byte)
            }
            bytes.append(contentsOf: utf8[start...])
        }
        bytes.append(Ascii.doubleQuote)
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        case 0x0C: raw("\\f")
        case 0x08: raw("\\b")
        case 0..<0x20: raw((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
        default:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        }
    }
}
