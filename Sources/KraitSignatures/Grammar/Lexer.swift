/// Splits one side of a signature into Python's tokens.
///
/// The side stands inside a parenthesis (DSPy parses `def f(<side>): pass`), so line ends are space
/// and there is no indentation. Works on UTF-8 bytes: Swift's characters would join `\r\n`, and its
/// equality would make one name of two.
struct Lexer {
    let bytes: [UInt8]
    let end: Int
    var position: Int
    /// Open brackets, counting DSPy's own.
    private var nesting = 1

    /// Python's tokenizer refuses to open more brackets than this.
    static let nestingLimit = 200

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The byte at a place, or 0 behind the end. (A NUL in the text is refused before.)
    func byte(_ index: Int) -> UInt8 { index < end ? bytes[index] : 0 }

    /// The next token; behind the last one `.end`, as often as one asks.
    mutating func next() throws(ParseFailure) -> Token {
        try skipSpace()
        let start = position
        guard start < end else { return Token(kind: .end, start: start, end: start) }
        let first = bytes[start]
        let kind: Token.Kind
        if Ascii.beginsName(first) || first >= 0x80 {
            kind = try readName()
        } else if Ascii.isDigit(first) || (first == Ascii.dot && Ascii.isDigit(byte(start + 1))) {
            try readNumber()
            kind = .number
        } else if first == Ascii.quote || first == Ascii.doubleQuote {
            try readString()
            kind = .string
        } else {
            kind = try readOperator(first)
        }
        return Token(kind: kind, start: start, end: position)
    }

    /// Spaces, line ends, comments and continued lines.
    private mutating func skipSpace() throws(ParseFailure) {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0C, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"):
                let start = position
                while position < end, !Ascii.isLineEnd(bytes[position]) { position += 1 }
                guard position < end else {
                    throw .syntax(
                        "a comment hides the end of the field list",
                        remedy: "remove the comment or end it with a new line",
                        at: start..<end
                    )
                }
            case UInt8(ascii: "\\"):
                guard Ascii.isLineEnd(byte(position + 1)) else {
                    throw .syntax("unexpected backslash", at: position..<position + 1)
                }
                let isPair = byte(position + 1) == 0x0D && byte(position + 2) == 0x0A
                position += isPair ? 3 : 2
            default: return
            }
        }
    }

    private mutating func readName() throws(ParseFailure) -> Token.Kind {
        let start = position
        var isASCII = true
        while position < end {
            let next = bytes[position]
            guard Ascii.continuesName(next) || next >= 0x80 else { break }
            if next >= 0x80 { isASCII = false }
            position += 1
        }
        if !isASCII {
            try checkName(start..<position)
            return .name
        }
        if byte(position) == Ascii.quote || byte(position) == Ascii.doubleQuote,
            StringPrefix(bytes[start..<position]) != nil
        {
            try readString()
            return .string
        }
        return Token.keyword(bytes[start..<position]) ?? .name
    }

    /// Refuses a name with a character that Python allows in none.
    private func checkName(_ range: Range<Int>) throws(ParseFailure) {
        var offset = range.lowerBound
        for (index, scalar) in String(bytes: bytes[range]).unicodeScalars.enumerated() {
            let length = UTF8.width(scalar)
            let isAllowed =
                index == 0
                ? scalar == "_" || scalar.properties.isXIDStart : scalar.properties.isXIDContinue
            guard isAllowed else {
                let number = String(scalar.value, radix: 16, uppercase: true)
                let code = "U+" + String(repeating: "0", count: max(0, 4 - number.count)) + number
                throw .syntax(
                    "the character \(code) cannot be part of a name",
                    remedy: "use letters, digits and underscores",
                    at: offset..<offset + length
                )
            }
            offset += length
        }
    }

    private mutating func readOperator(_ first: UInt8) throws(ParseFailure) -> Token.Kind {
        let start = position
        let second = byte(start + 1)
        let third = byte(start + 2)
        if first == Ascii.dot {
            let isEllipsis = second == Ascii.dot && third == Ascii.dot
            position += isEllipsis ? 3 : 1
            return isEllipsis ? .ellipsis : .dot
        }
        if let double = Self.doubled(first, second) {
            position += third == Ascii.equals ? 3 : 2
            return third == Ascii.equals ? .assignment : double
        }
        if second == Ascii.equals, let kind = Self.withEquals(first) {
            position += 2
            return kind
        }
        guard let kind = Self.single(first) else {
            throw .syntax("unexpected character", at: start..<start + 1)
        }
        position += 1
        try count(kind, at: start)
        return kind
    }

    private mutating func count(_ kind: Token.Kind, at start: Int) throws(ParseFailure) {
        switch kind {
        case .leftParenthesis, .leftBracket, .leftBrace:
            guard nesting < Self.nestingLimit else {
                throw .syntax("too many nested brackets", at: start..<start + 1)
            }
            nesting += 1
        case .rightParenthesis, .rightBracket, .rightBrace: nesting -= 1
        default: break
        }
    }

    private static func doubled(_ first: UInt8, _ second: UInt8) -> Token.Kind? {
        guard first == second else { return nil }
        return switch first {
        case UInt8(ascii: "*"): .doubleStar
        case UInt8(ascii: "/"): .doubleSlash
        case UInt8(ascii: "<"): .shiftLeft
        case UInt8(ascii: ">"): .shiftRight
        default: nil
        }
    }

    private static func withEquals(_ first: UInt8) -> Token.Kind? {
        switch first {
        case UInt8(ascii: "="): .doubleEquals
        case UInt8(ascii: "!"): .notEquals
        case UInt8(ascii: "<"): .lessOrEqual
        case UInt8(ascii: ">"): .greaterOrEqual
        case UInt8(ascii: ":"): .walrus
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"),
            UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "&"), UInt8(ascii: "|"),
            UInt8(ascii: "^"):
            .assignment
        default: nil
        }
    }

    private static func single(_ first: UInt8) -> Token.Kind? {
        switch first {
        case UInt8(ascii: "("): .leftParenthesis
        case UInt8(ascii: ")"): .rightParenthesis
        case UInt8(ascii: "["): .leftBracket
        case UInt8(ascii: "]"): .rightBracket
        case UInt8(ascii: "{"): .leftBrace
        case UInt8(ascii: "}"): .rightBrace
        case UInt8(ascii: ","): .comma
        case UInt8(ascii: ":"): .colon
        case UInt8(ascii: ";"): .semicolon
        case UInt8(ascii: "="): .equals
        case UInt8(ascii: "*"): .star
        case UInt8(ascii: "/"): .slash
        case UInt8(ascii: "%"): .percent
        case UInt8(ascii: "@"): .at
        case UInt8(ascii: "+"): .plus
        case UInt8(ascii: "-"): .minus
        case UInt8(ascii: "~"): .tilde
        case UInt8(ascii: "|"): .pipe
        case UInt8(ascii: "&"): .ampersand
        case UInt8(ascii: "^"): .caret
        case UInt8(ascii: "<"): .less
        case UInt8(ascii: ">"): .greater
        default: nil
        }
    }
}

/// The ASCII classes that Python's grammar is written in.
enum Ascii {
    static let dot = UInt8(ascii: ".")
    static let quote = UInt8(ascii: "'")
    static let doubleQuote = UInt8(ascii: "\"")
    static let equals = UInt8(ascii: "=")
    static let underscore = UInt8(ascii: "_")

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    static func isLower(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
    static func isLetter(_ byte: UInt8) -> Bool { isLower(byte | 0x20) }
    static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
    static func beginsName(_ byte: UInt8) -> Bool { isLetter(byte) || byte == underscore }
    static func continuesName(_ byte: UInt8) -> Bool { beginsName(byte) || isDigit(byte) }
}
