extension JSONText {
    /// `json.loads(text)`, or nil where it raises a `ValueError`.
    ///
    /// O(n); containers nest on a stack of the reader's own. Delegates half surrogate pairs and
    /// what nests deeper than `depthLimit`.
    package static func read(_ text: String) throws(ValueFailure) -> PythonValue? {
        try read(Array(text.utf8))
    }

    /// The same of UTF-8.
    package static func read(_ bytes: [UInt8]) throws(ValueFailure) -> PythonValue? {
        var reader = JSONReader(bytes, from: 0)
        reader.skipSpace()
        guard let value = try reader.readValue() else { return nil }
        reader.skipSpace()
        guard reader.position == bytes.count else { return nil }
        if reader.hasLoneSurrogate { throw .delegated(.surrogate) }
        return value
    }

    /// `json.JSONDecoder().raw_decode(text[start:])`: the value that begins there and where it
    /// ends, whatever follows; nil where it raises.
    static func readPrefix(
        _ bytes: [UInt8],
        from start: Int
    ) throws(ValueFailure) -> (value: PythonValue, end: Int)? {
        var reader = JSONReader(bytes, from: start)
        guard let value = try reader.readValue() else { return nil }
        if reader.hasLoneSurrogate { throw .delegated(.surrogate) }
        return (value, reader.position)
    }
}

/// Reads one JSON value, strictly as Python's `json` does.
private struct JSONReader {
    let bytes: [UInt8]
    var position: Int
    /// Whether a string held half of a surrogate pair, which no Swift text can hold.
    var hasLoneSurrogate = false

    private struct Frame {
        var isObject: Bool
        var items: [PythonValue] = []
        var dict = PythonDict()
        var key = ""
    }

    init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        position = start
    }

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    mutating func readValue() throws(ValueFailure) -> PythonValue? {
        var stack: [Frame] = []
        while true {
            // One value begins here.
            var value: PythonValue
            if next == UInt8(ascii: "{") || next == UInt8(ascii: "[") {
                let isObject = next == UInt8(ascii: "{")
                position += 1
                skipSpace()
                if next != (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    guard stack.count < JSONText.depthLimit else { throw .delegated(.depth) }
                    stack.append(Frame(isObject: isObject))
                    if isObject {
                        guard let key = readKey() else { return nil }
                        stack[stack.count - 1].key = key
                    }
                    continue
                }
                position += 1
                value = isObject ? .dict(PythonDict()) : .list([])
            } else {
                guard let scalar = readScalar() else { return nil }
                value = scalar
            }
            // It belongs to the innermost container, which may end with it, and so on outwards.
            while let top = stack.indices.last {
                let isObject = stack[top].isObject
                if isObject {
                    stack[top].dict[stack[top].key] = value
                } else {
                    stack[top].items.append(value)
                }
                skipSpace()
                if next == UInt8(ascii: ",") {
                    position += 1
                    skipSpace()
                    if isObject {
                        guard let key = readKey() else { return nil }
                        stack[top].key = key
                    }
                    break
                }
                guard next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return nil }
                position += 1
                let done = stack.removeLast()
                value = isObject ? .dict(done.dict) : .list(done.items)
            }
            if stack.isEmpty { return value }
        }
    }

    private mutating func readKey() -> String? {
        guard next == Ascii.doubleQuote, let key = readString() else { return nil }
        skipSpace()
        guard next == UInt8(ascii: ":") else { return nil }
        position += 1
        skipSpace()
        return key
    }

    private mutating func readScalar() -> PythonValue? {
        switch next {
        case Ascii.doubleQuote: return readString().map(PythonValue.string)
        case UInt8(ascii: "n"): return word("null", .none)
        case UInt8(ascii: "t"): return word("true", .bool(true))
        case UInt8(ascii: "f"): return word("false", .bool(false))
        case UInt8(ascii: "N"): return word("NaN", .float(.nan))
        case UInt8(ascii: "I"): return word("Infinity", .float(.infinity))
        case UInt8(ascii: "-"): return word("-Infinity", .float(-.infinity)) ?? readNumber()
        default: return readNumber()
        }
    }

    private mutating func word(_ word: StaticString, _ value: PythonValue) -> PythonValue? {
        let size = word.utf8CodeUnitCount
        guard position + size <= bytes.count else { return nil }
        for index in 0..<size where bytes[position + index] != word.utf8Start[index] { return nil }
        position += size
        return value
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while Ascii.isDigit(next) { position += 1 }
        return position - start
    }

    private mutating func readNumber() -> PythonValue? {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        var digits = 1
        if next == 0x30 {
            position += 1
        } else {
            digits = skipDigits()
            guard digits > 0 else { return nil }
        }
        var isInteger = true
        let afterInteger = position
        if next == Ascii.dot {
            position += 1
            if skipDigits() > 0 { isInteger = false } else { position = afterInteger }
        }
        if next | 0x20 == UInt8(ascii: "e") {
            let mark = position
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            if skipDigits() > 0 { isInteger = false } else { position = mark }
        }
        let text = String(bytes: bytes[start..<position])
        if isInteger {
            return digits > Lexer.digitLimit ? nil : PythonValue(digits: text)
        }
        return Double(text).map(PythonValue.float)
    }

    /// A string whose opening quote is next.
    private mutating func readString() -> String? {
        let start = position + 1
        var index = start
        while index < bytes.count, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\\") {
            if bytes[index] == Ascii.doubleQuote {
                position = index + 1
                return String(bytes: bytes[start..<index])
            }
            index += 1
        }
        var text = Array(bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            if byte == Ascii.doubleQuote {
                position = index + 1
                return String(bytes: text)
            }
            if byte < 0x20 { return nil }
            index += 1
            if byte != UInt8(ascii: "\\") {
                text.append(byte)
                continue
            }
            guard index < bytes.count else { return nil }
            let letter = bytes[index]
            index += 1
            if letter == UInt8(ascii: "u") {
                guard appendEscape(&text, &index) else { return nil }
            } else if let plain = Self.escapes[letter] {
                text.append(plain)
            } else {
                return nil
            }
        }
        return nil
    }

    private static let escapes: [UInt8: UInt8] = [
        0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D,
        0x74: 0x09,
    ]

    private mutating func appendEscape(_ text: inout [UInt8], _ index: inout Int) -> Bool {
        guard var value = hexadecimal(index) else { return false }
        index += 4
        if (0xD800..<0xDC00).contains(value), index + 6 <= bytes.count,
            bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u"),
            let low = hexadecimal(index + 2), (0xDC00..<0xE000).contains(low)
        {
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            index += 6
        }
        guard let scalar = Unicode.Scalar(value) else {
            hasLoneSurrogate = true
            return true
        }
        text += String(scalar).utf8
        return true
    }

    private func hexadecimal(_ index: Int) -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[index..<index + 4] {
            let digit = Ascii.value(byte)
            guard digit < 16 else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
