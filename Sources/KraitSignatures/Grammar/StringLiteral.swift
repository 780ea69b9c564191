/// The letters before a string's quote.
struct StringPrefix: Equatable {
    var isRaw = false
    var isBytes = false
    var isFormatted = false

    /// Reads `r`, `b`, `f`, `u` in the combinations that Python has; nil for any other word.
    init?(_ letters: ArraySlice<UInt8>) {
        guard letters.count <= 2 else { return nil }
        var isUnicode = false
        for letter in letters {
            switch letter | 0x20 {
            case UInt8(ascii: "r") where !isRaw: isRaw = true
            case UInt8(ascii: "b") where !isBytes: isBytes = true
            case UInt8(ascii: "f") where !isFormatted: isFormatted = true
            case UInt8(ascii: "u") where !isUnicode: isUnicode = true
            default: return nil
            }
        }
        if isUnicode && letters.count == 2 || isBytes && isFormatted { return nil }
    }
}

extension Lexer {
    /// Reads over a string; `position` is at its prefix's end, which is its first quote.
    mutating func readString() throws(ParseFailure) {
        let start = position
        let quote = bytes[position]
        let isTriple = byte(position + 1) == quote && byte(position + 2) == quote
        position += isTriple ? 3 : 1
        while position < end {
            let next = bytes[position]
            if next == quote {
                let closes =
                    !isTriple || (byte(position + 1) == quote && byte(position + 2) == quote)
                position += closes && isTriple ? 3 : 1
                if closes { return }
            } else if next == UInt8(ascii: "\\") {
                // A line end behind a backslash may be two bytes.
                position += byte(position + 1) == 0x0D && byte(position + 2) == 0x0A ? 3 : 2
            } else if Ascii.isLineEnd(next), !isTriple {
                break
            } else {
                position += 1
            }
        }
        position = min(position, end)
        throw .syntax(
            "a string is not closed",
            remedy: "add the closing quote",
            at: start..<position
        )
    }

    /// What a string token says.
    func stringValue(_ token: Token) throws(ParseFailure) -> LiteralValue {
        let range = token.start..<token.end
        let quoteIndex =
            bytes[range].firstIndex { $0 == Ascii.quote || $0 == Ascii.doubleQuote }
            ?? range.lowerBound
        let prefix = StringPrefix(bytes[range.lowerBound..<quoteIndex])
        if prefix?.isFormatted ?? false { throw .delegated(.formattedString, at: range) }
        let quote = bytes[quoteIndex]
        let isTriple =
            token.end - quoteIndex >= 6 && bytes[quoteIndex + 1] == quote
            && bytes[quoteIndex + 2] == quote
        let margin = isTriple ? 3 : 1
        let body = bytes[(quoteIndex + margin)..<(token.end - margin)]
        var reader = EscapeReader(body, isBytes: prefix?.isBytes ?? false)
        if prefix?.isBytes ?? false, let index = body.firstIndex(where: { $0 >= 0x80 }) {
            throw .syntax(
                "a bytes literal can hold only ASCII characters",
                remedy: "write other bytes as \\xNN",
                at: index..<index + 1
            )
        }
        let value = try reader.read(isRaw: prefix?.isRaw ?? false)
        return prefix?.isBytes ?? false ? .bytes(value) : .string(String(bytes: value))
    }
}

/// Turns the inside of a string literal into its UTF-8 (or, for bytes, its bytes).
private struct EscapeReader {
    let body: ArraySlice<UInt8>
    let isBytes: Bool
    private var position: Int
    private var result: [UInt8] = []

    init(_ body: ArraySlice<UInt8>, isBytes: Bool) {
        self.body = body
        self.isBytes = isBytes
        position = body.startIndex
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < body.endIndex ? body[position + ahead] : nil
    }

    mutating func read(isRaw: Bool) throws(ParseFailure) -> [UInt8] {
        result.reserveCapacity(body.count)
        while let next = peek() {
            if next == 0x0D {
                // Python translates line ends before it reads anything.
                position += peek(1) == 0x0A ? 2 : 1
                result.append(0x0A)
            } else if next == UInt8(ascii: "\\"), !isRaw {
                try readEscape()
            } else {
                result.append(next)
                position += 1
            }
        }
        return result
    }

    private mutating func readEscape() throws(ParseFailure) {
        let start = position
        let letter = peek(1) ?? 0
        position += 2
        switch letter {
        case 0x0A: return
        case 0x0D: if peek() == 0x0A { position += 1 }
        case UInt8(ascii: "\\"), Ascii.quote, Ascii.doubleQuote: result.append(letter)
        case UInt8(ascii: "a"): result.append(0x07)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "v"): result.append(0x0B)
        case 0x30...0x37: readOctal(first: letter)
        case UInt8(ascii: "x"): try append(hexadecimal(2, from: start), from: start)
        case UInt8(ascii: "u") where !isBytes: try append(hexadecimal(4, from: start), from: start)
        case UInt8(ascii: "U") where !isBytes: try append(hexadecimal(8, from: start), from: start)
        case UInt8(ascii: "N") where !isBytes:
            throw .delegated(.namedCharacter, at: start..<position)
        default:
            // Python keeps an escape that it does not know.
            result.append(UInt8(ascii: "\\"))
            position = start + 1
        }
    }

    /// One to three octal digits; of bytes only the lower eight bits count.
    private mutating func readOctal(first: UInt8) {
        var value = UInt32(first - 0x30)
        for _ in 0..<2 {
            guard let digit = peek(), (0x30...0x37).contains(digit) else { break }
            value = value * 8 + UInt32(digit - 0x30)
            position += 1
        }
        if isBytes {
            result.append(UInt8(truncatingIfNeeded: value))
        } else if let scalar = Unicode.Scalar(value) {
            result += Array(String(scalar).utf8)
        }
    }

    private mutating func hexadecimal(_ count: Int, from start: Int) throws(ParseFailure) -> UInt32
    {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek().map(Ascii.value), digit < 16 else {
                throw .syntax(
                    "this escape needs \(count) hexadecimal digits",
                    at: start..<min(position + 1, body.endIndex)
                )
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func append(_ value: UInt32, from start: Int) throws(ParseFailure) {
        if isBytes { return result.append(UInt8(truncatingIfNeeded: value)) }
        if let scalar = Unicode.Scalar(value) {
            result += Array(String(scalar).utf8)
        } else if value > 0x10FFFF {
            throw .syntax("no character has this number", at: start..<position)
        } else {
            throw .delegated(.surrogate, at: start..<position)
        }
    }
}
