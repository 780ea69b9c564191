/// How Python prints a value.
package enum PythonText {
    /// `repr` of a float: the shortest digits that read back the same, an exponent from 1e16 and
    /// below 1e-4.
    package static func float(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let text = general(value)
        return text.utf8.contains { !(Ascii.isDigit($0) || $0 == UInt8(ascii: "-")) }
            ? text : text + ".0"
    }

    /// `repr` of a complex number without a real part.
    package static func imaginary(_ value: Double) -> String {
        if value.isNaN { return "nanj" }
        return value.isInfinite ? "infj" : general(value) + "j"
    }

    /// The shortest digits, without a `.0` for whole numbers.
    private static func general(_ value: Double) -> String {
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        // Swift finds the same shortest digits; only where it puts the point differs.
        let text = abs(value).description
        var digits: [UInt8] = []
        var exponent = 0
        var pointSeen = false
        var digitsBeforePoint = 0
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case Ascii.dot: pointSeen = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                var rest: [UInt8] = []
                while let next = iterator.next() { rest.append(next) }
                exponent = Int(String(bytes: rest)) ?? 0
            default:
                digits.append(byte)
                if !pointSeen { digitsBeforePoint += 1 }
            }
        }
        let leadingZeros = digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(leadingZeros)
        while digits.last == 0x30 { digits.removeLast() }
        // The value is 0.digits × 10^point.
        let point = digitsBeforePoint - leadingZeros + exponent
        return (value < 0 ? "-" : "") + place(digits, point: point)
    }

    private static func place(_ digits: [UInt8], point: Int) -> String {
        if point > 16 || point < -3 {
            let power = point - 1
            let size = abs(power) < 10 ? "0\(abs(power))" : "\(abs(power))"
            let fraction = digits.count > 1 ? "." + String(bytes: digits[1...]) : ""
            return String(bytes: digits[..<1]) + fraction + "e" + (power < 0 ? "-" : "+") + size
        }
        if point <= 0 {
            return "0." + String(repeating: "0", count: -point) + String(bytes: digits)
        }
        if point >= digits.count {
            return String(bytes: digits) + String(repeating: "0", count: point - digits.count)
        }
        return String(bytes: digits[..<point]) + "." + String(bytes: digits[point...])
    }

    /// `repr` of bytes.
    package static func bytes(_ bytes: [UInt8]) -> String {
        let usesDouble = bytes.contains(Ascii.quote) && !bytes.contains(Ascii.doubleQuote)
        let quote = usesDouble ? Ascii.doubleQuote : Ascii.quote
        var text: [UInt8] = [UInt8(ascii: "b"), quote]
        for byte in bytes {
            switch byte {
            case 0x09: text += Array("\\t".utf8)
            case 0x0A: text += Array("\\n".utf8)
            case 0x0D: text += Array("\\r".utf8)
            case quote, UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: text.append(byte)
            default: text += Array("\\x".utf8) + hexadecimal(UInt32(byte), digits: 2)
            }
        }
        return String(bytes: text + [quote])
    }

    /// `repr` of text: in single quotes unless it holds those and no double ones, with what is not
    /// printable escaped.
    package static func string(_ text: String) -> String {
        let usesDouble = text.utf8.contains(Ascii.quote) && !text.utf8.contains(Ascii.doubleQuote)
        let quote: Unicode.Scalar = usesDouble ? "\"" : "'"
        var result = String(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case quote, "\\": result += "\\\(scalar)"
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default:
                let digits = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
                let letter = digits == 2 ? "x" : digits == 4 ? "u" : "U"
                result += "\\\(letter)" + String(bytes: hexadecimal(scalar.value, digits: digits))
            }
        }
        return result + String(quote)
    }

    /// Python's `str.isprintable` of one character.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7F }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            false
        default: true
        }
    }

    /// A string literal for this text, with everything escaped that a signature could trip over.
    package static func source(_ text: String) -> String {
        var result: [UInt8] = [Ascii.quote]
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'", "\\", ">":
                // `>`: a signature counts `->` in strings too.
                result += Array("\\x".utf8) + hexadecimal(scalar.value, digits: 2)
            case " "..."~": result.append(UInt8(truncatingIfNeeded: scalar.value))
            default: result += Array("\\U".utf8) + hexadecimal(scalar.value, digits: 8)
            }
        }
        return String(bytes: result + [Ascii.quote])
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> [UInt8] {
        let text = Array(String(value, radix: 16).utf8)
        return Array(repeating: 0x30, count: max(0, digits - text.count)) + text
    }
}
