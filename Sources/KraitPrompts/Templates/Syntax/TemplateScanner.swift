/// What names, numbers, strings and symbols look like inside a tag.
enum TemplateScanner {
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// Where the name that begins here ends, or nil where none does.
    static func nameEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                let isLetter = (byte | 0x20) &- 0x61 < 26 || byte == .underscore
                guard isLetter || index > start && isDigit(byte) else { break }
                index += 1
            } else {
                guard let (scalar, length) = scalar(bytes, index) else { break }
                let properties = scalar.properties
                guard index == start ? properties.isXIDStart : properties.isXIDContinue else {
                    break
                }
                index += length
            }
        }
        return index > start ? index : nil
    }

    /// The scalar that begins at an offset of valid UTF-8, and its length.
    static func scalar(_ bytes: [UInt8], _ index: Int) -> (Unicode.Scalar, Int)? {
        let first = UInt32(bytes[index])
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard index + length <= bytes.count else { return nil }
        var value = length == 1 ? first : first & (0xFF >> UInt32(length + 1))
        for offset in 1..<max(length, 1) {
            value = value << 6 | UInt32(bytes[index + offset] & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, length) }
    }

    /// Where digits with single underscores between them end.
    private static func digitsEnd(
        _ bytes: [UInt8],
        _ start: Int,
        _ isDigit: (UInt8) -> Bool = Self.isDigit
    ) -> Int {
        var index = start
        while index < bytes.count {
            if isDigit(bytes[index]) {
                index += 1
            } else if bytes[index] == .underscore, index > start, index + 1 < bytes.count,
                isDigit(bytes[index + 1])
            {
                index += 2
            } else {
                break
            }
        }
        return index
    }

    /// Where a float ends: digits with a fraction, an exponent or both; nil for a whole number.
    static func floatEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        var end = digitsEnd(bytes, start)
        var isFloat = false
        if end + 1 < bytes.count, bytes[end] == .dot, isDigit(bytes[end + 1]) {
            end = digitsEnd(bytes, end + 1)
            isFloat = true
        }
        if end < bytes.count, bytes[end] | 0x20 == UInt8(ascii: "e") {
            var exponent = end + 1
            if exponent < bytes.count, bytes[exponent] == .plus || bytes[exponent] == .minus {
                exponent += 1
            }
            if exponent < bytes.count, isDigit(bytes[exponent]) {
                return digitsEnd(bytes, exponent)
            }
        }
        return isFloat ? end : nil
    }

    static func integerEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        guard bytes[start] == 0x30 else { return digitsEnd(bytes, start) }
        let letter = start + 1 < bytes.count ? bytes[start + 1] | 0x20 : 0
        let isDigit: ((UInt8) -> Bool)? =
            switch letter {
            case UInt8(ascii: "b"): { $0 == 0x30 || $0 == 0x31 }
            case UInt8(ascii: "o"): { $0 &- 0x30 < 8 }
            case UInt8(ascii: "x"): { Self.isDigit($0) || ($0 | 0x20) &- 0x61 < 6 }
            default: nil
            }
        if let isDigit {
            var first = start + 2
            if first < bytes.count, bytes[first] == .underscore { first += 1 }
            let end = digitsEnd(bytes, first, isDigit)
            if end > first { return end }
        }
        return digitsEnd(bytes, start) { $0 == 0x30 }
    }

    private static let symbols: Set<UInt8> = Set("+-/*%~[](){}><=.:|,;".utf8)

    static func symbolLength(_ bytes: [UInt8], _ index: Int) -> Int {
        let first = bytes[index]
        let second = index + 1 < bytes.count ? bytes[index + 1] : 0
        switch (first, second) {
        case (UInt8(ascii: "/"), UInt8(ascii: "/")), (UInt8(ascii: "*"), UInt8(ascii: "*")),
            (UInt8(ascii: "="), UInt8(ascii: "=")), (UInt8(ascii: "!"), UInt8(ascii: "=")),
            (UInt8(ascii: ">"), UInt8(ascii: "=")), (UInt8(ascii: "<"), UInt8(ascii: "=")):
            return 2
        default: return symbols.contains(first) ? 1 : 0
        }
    }

    /// What a string's content stands for, with Python's escapes.
    static func unescape(_ content: ArraySlice<UInt8>) throws(TemplateError) -> String {
        guard content.contains(.backslash) else { return String(decoding: content, as: UTF8.self) }
        var result: [UInt8] = []
        var index = content.startIndex
        while index < content.endIndex {
            let byte = content[index]
            guard byte == .backslash, index + 1 < content.endIndex else {
                result.append(byte)
                index += 1
                continue
            }
            let letter = content[index + 1]
            index += 2
            switch letter {
            case .newline: break
            case UInt8(ascii: "n"): result.append(.newline)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "r"): result.append(.carriageReturn)
            case UInt8(ascii: "a"): result.append(0x07)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "v"): result.append(0x0B)
            case .backslash, .quote, .doubleQuote: result.append(letter)
            case 0x30...0x37:
                var value = UInt32(letter - 0x30)
                var count = 1
                while count < 3, index < content.endIndex, content[index] &- 0x30 < 8 {
                    value = value * 8 + UInt32(content[index] - 0x30)
                    index += 1
                    count += 1
                }
                try append(value, to: &result)
            case UInt8(ascii: "x"): try append(hex(content, &index, 2), to: &result)
            case UInt8(ascii: "u"): try append(hex(content, &index, 4), to: &result)
            case UInt8(ascii: "U"): try append(hex(content, &index, 8), to: &result)
            case UInt8(ascii: "N"):
                let reason = "\\N{…} is not supported in strings; write the character or \\u…"
                throw TemplateError(.unsupported, reason)
            default: result += [.backslash, letter]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) throws(TemplateError) {
        guard let scalar = Unicode.Scalar(value) else {
            let reason = "this string has an escape that is no Unicode character"
            throw TemplateError(.unsupported, reason)
        }
        bytes += Array(String(scalar).utf8)
    }

    private static func hex(
        _ content: ArraySlice<UInt8>,
        _ index: inout Int,
        _ count: Int
    ) throws(TemplateError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard index < content.endIndex,
                let digit = Character(Unicode.Scalar(content[index])).hexDigitValue
            else { throw TemplateError(.syntax, "this string has an escape with too few digits") }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openParenthesis = UInt8(ascii: "(")
    static let closeParenthesis = UInt8(ascii: ")")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let percent = UInt8(ascii: "%")
    static let hash = UInt8(ascii: "#")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let dot = UInt8(ascii: ".")
    static let underscore = UInt8(ascii: "_")
    static let quote = UInt8(ascii: "'")
    static let doubleQuote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
}
