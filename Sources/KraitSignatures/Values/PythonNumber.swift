import Glibc

/// Numbers as Python's constructors read them from text.
enum PythonNumber {
    /// A decimal number: digits with a point or an exponent, perhaps signed; nil for anything else.
    ///
    /// No spaces, no underscores, no names such as `inf`.
    static func float(_ text: ArraySlice<UInt8>) -> Double? {
        var index = text.startIndex
        func next() -> UInt8 { index < text.endIndex ? text[index] : 0 }
        func skipDigits() -> Int {
            let start = index
            while Ascii.isDigit(next()) { index += 1 }
            return index - start
        }
        func skipSign() {
            if next() == UInt8(ascii: "-") || next() == UInt8(ascii: "+") { index += 1 }
        }
        skipSign()
        var digits = skipDigits()
        if next() == Ascii.dot {
            index += 1
            digits += skipDigits()
        }
        guard digits > 0 else { return nil }
        if next() | 0x20 == UInt8(ascii: "e") {
            index += 1
            skipSign()
            guard skipDigits() > 0 else { return nil }
        }
        guard index == text.endIndex else { return nil }
        return strtod(String(bytes: text), nil)
    }
}

// MARK: - As pydantic reads text

extension PythonNumber {
    /// The digits of an integer in text, perhaps behind a minus, or nil for anything else.
    ///
    /// Spaces around it, single underscores, leading zeros and a fraction of zeros are fine.
    static func integerDigits(_ text: [UInt8]) -> String? {
        var digits = trimmed(text)
        var isNegative = false
        var isLateMinus = false
        if digits.first == UInt8(ascii: "+") {
            digits = digits.dropFirst()
        } else if digits.first == UInt8(ascii: "-") {
            isNegative = true
            digits = digits.dropFirst()
        }
        guard let first = digits.first, Ascii.isDigit(first) else { return nil }
        if first == 0x30 {
            // Zeros and underscores up to the number; a single zero stays before a point.
            guard let end = digits.firstIndex(where: { $0 != 0x30 && $0 != Ascii.underscore })
            else {
                return digits.last == 0x30 ? "0" : nil
            }
            digits = digits[end] == Ascii.dot ? digits[(end - 1)...] : digits[end...]
            // pydantic looks for a minus behind the zeros once more.
            if !isNegative, digits.first == UInt8(ascii: "-") {
                isNegative = true
                isLateMinus = true
            }
        }
        if let point = digits.firstIndex(of: Ascii.dot) {
            let fraction = digits[(point + 1)...]
            guard !fraction.isEmpty, fraction.allSatisfy({ $0 == 0x30 }) else { return nil }
            digits = digits[..<point]
        }
        guard var plain = withoutUnderscores(digits)?[...] else { return nil }
        if isLateMinus {
            plain = plain.dropFirst()
            if plain.first == 0x30, plain.count > 1 { return nil }
        }
        guard !plain.isEmpty, plain.allSatisfy(Ascii.isDigit) else { return nil }
        return (isNegative ? "-" : "") + String(bytes: plain)
    }

    /// A float in text, or nil for anything else.
    ///
    /// Spaces around it or single underscores anywhere inside are fine, so are `inf`, `infinity`
    /// and `nan` in any case.
    static func number(_ text: [UInt8]) -> Double? {
        // Text with underscores is read as it is, other text without its spaces.
        let hasUnderscore = text.contains(Ascii.underscore)
        guard let plain = withoutUnderscores(hasUnderscore ? text[...] : trimmed(text)) else {
            return nil
        }
        if let number = float(plain[...]) { return number }
        var word = plain.map { $0 | 0x20 }[...]
        let sign = plain.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { word = word.dropFirst() }
        switch String(bytes: word) {
        case "inf", "infinity": return sign == UInt8(ascii: "-") ? -.infinity : .infinity
        case "nan": return .nan
        default: return nil
        }
    }

    /// Without the spaces around it, as Unicode's property has them.
    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        guard text.contains(where: { $0 >= 0x80 }) else {
            let start = text.firstIndex { !isSpace($0) } ?? text.count
            let end = text.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
            return text[start..<end]
        }
        guard let string = String(validating: text, as: UTF8.self) else { return text[...] }
        let scalars = Array(string.unicodeScalars)
        let start = scalars.firstIndex { !$0.properties.isWhitespace } ?? scalars.count
        let end = scalars.lastIndex { !$0.properties.isWhitespace }.map { $0 + 1 } ?? start
        return Array(scalars[start..<end].string.utf8)[...]
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    /// Nil where an underscore stands at an end or beside another.
    private static func withoutUnderscores(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(Ascii.underscore) else { return Array(text) }
        guard text.first != Ascii.underscore, text.last != Ascii.underscore else { return nil }
        let isDoubled = zip(text, text.dropFirst()).contains { pair in
            pair.0 == Ascii.underscore && pair.1 == Ascii.underscore
        }
        return isDoubled ? nil : text.filter { $0 != Ascii.underscore }
    }
}
