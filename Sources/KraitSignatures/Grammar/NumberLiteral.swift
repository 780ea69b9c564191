extension Lexer {
    /// Reads over a number, with Python's rules for underscores, leading zeros and what may stand
    /// directly behind one (`1or 2` is fine, `1x` is not).
    mutating func readNumber() throws(ParseFailure) {
        let start = position
        if bytes[position] == 0x30, let radix = radix(byte(position + 1)) {
            position += 2
            try readDigits(from: start, afterPrefix: true) { Ascii.value($0) < radix }
            if Ascii.isDigit(byte(position)) {
                throw .syntax("this digit is not of the number's base", at: start..<position + 1)
            }
            return try checkNumberEnd(start, isHexadecimal: radix == 16)
        }
        var isInteger = true
        if bytes[position] != Ascii.dot { try readDigits(from: start, afterPrefix: false) }
        let digits = start..<position
        if byte(position) == Ascii.dot {
            isInteger = false
            position += 1
            if Ascii.isDigit(byte(position)) { try readDigits(from: start, afterPrefix: false) }
        }
        if byte(position) | 0x20 == UInt8(ascii: "e"), exponentFollows() {
            isInteger = false
            position += Ascii.isDigit(byte(position + 1)) ? 1 : 2
            try readDigits(from: start, afterPrefix: false)
        }
        if byte(position) | 0x20 == UInt8(ascii: "j") {
            isInteger = false
            position += 1
        }
        let isZero = bytes[digits].allSatisfy { $0 == 0x30 || $0 == Ascii.underscore }
        if isInteger, bytes[start] == 0x30, !isZero {
            throw .syntax(
                "an integer cannot begin with 0",
                remedy: "remove the zeros, or write 0o for an octal number",
                at: start..<position
            )
        }
        if isInteger, digits.count > Self.digitLimit {
            throw .syntax("an integer of more than 4300 digits", at: start..<position)
        }
        try checkNumberEnd(start, isHexadecimal: false)
    }

    /// Python's bound on decimal integers.
    static let digitLimit = 4_300

    private func radix(_ byte: UInt8) -> UInt8? {
        switch byte | 0x20 {
        case UInt8(ascii: "x"): 16
        case UInt8(ascii: "o"): 8
        case UInt8(ascii: "b"): 2
        default: nil
        }
    }

    private func exponentFollows() -> Bool {
        let next = byte(position + 1)
        let isSigned = next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
        return Ascii.isDigit(isSigned ? byte(position + 2) : next)
    }

    /// Digits with single underscores between them.
    private mutating func readDigits(
        from start: Int,
        afterPrefix: Bool,
        _ isDigit: (UInt8) -> Bool = Ascii.isDigit
    ) throws(ParseFailure) {
        var wantsDigit = true
        if afterPrefix, byte(position) == Ascii.underscore { position += 1 }
        while true {
            if isDigit(byte(position)) {
                wantsDigit = false
            } else if byte(position) == Ascii.underscore, !wantsDigit {
                wantsDigit = true
            } else {
                break
            }
            position += 1
        }
        if wantsDigit { throw .syntax("a digit is missing in this number", at: start..<position) }
    }

    /// A number may touch `and`, `else`, `for`, `if`, `in`, `is`, `not` and `or`, nothing else.
    private func checkNumberEnd(_ start: Int, isHexadecimal: Bool) throws(ParseFailure) {
        let next = byte(position)
        guard Ascii.beginsName(next) || next >= 0x80 else { return }
        let rest = bytes[position..<min(position + 4, end)]
        let allowed = ["and", "else", "for", "if", "in", "is", "not", "or"]
        guard allowed.contains(where: { rest.starts(with: $0.utf8) }) else {
            throw .syntax("a name cannot begin with a digit", at: start..<position + 1)
        }
    }

    /// The number that a token is.
    func numberValue(_ token: Token) -> LiteralValue {
        let text = bytes[token.start..<token.end].filter { $0 != Ascii.underscore }
        if text.count > 2, text[0] == 0x30, let radix = radix(text[1]) {
            return .integer(digits: text.dropFirst(2), radix: radix)
        }
        if text.allSatisfy(Ascii.isDigit) { return .integer(digits: text[...], radix: 10) }
        let isImaginary = text.last.map { $0 | 0x20 == UInt8(ascii: "j") } ?? false
        // What Python writes Swift reads, and too large a number is infinite for both.
        let value = Double(String(bytes: isImaginary ? text.dropLast() : text[...])) ?? .nan
        return isImaginary ? .imaginary(value) : .float(value)
    }
}

extension Ascii {
    /// What a digit is worth in base 16, or 255.
    static func value(_ byte: UInt8) -> UInt8 {
        if isDigit(byte) { return byte - 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : 255
    }
}

extension LiteralValue {
    /// An integer of any size from its digits.
    static func integer(digits: ArraySlice<UInt8>, radix: UInt8) -> LiteralValue {
        var small: Int64 = 0
        for digit in digits {
            let (product, overflows) = small.multipliedReportingOverflow(by: Int64(radix))
            let (sum, carries) = product.addingReportingOverflow(Int64(Ascii.value(digit)))
            if overflows || carries { return .largeInteger(decimal(digits, radix: radix)) }
            small = sum
        }
        return .int(small)
    }

    /// Decimal digits of a number in any base: schoolbook, in limbs of nine digits.
    private static func decimal(_ digits: ArraySlice<UInt8>, radix: UInt8) -> String {
        if radix == 10 {
            let significant = digits.drop { $0 == 0x30 }
            return String(bytes: significant)
        }
        var limbs: [UInt64] = [0]
        for digit in digits {
            var carry = UInt64(Ascii.value(digit))
            for index in limbs.indices {
                let sum = limbs[index] * UInt64(radix) + carry
                limbs[index] = sum % 1_000_000_000
                carry = sum / 1_000_000_000
            }
            if carry > 0 { limbs.append(carry) }
        }
        let head = String(limbs.last ?? 0)
        return limbs.dropLast().reversed().reduce(into: head) { text, limb in
            let part = String(limb)
            text += String(repeating: "0", count: 9 - part.utf8.count) + part
        }
    }
}
