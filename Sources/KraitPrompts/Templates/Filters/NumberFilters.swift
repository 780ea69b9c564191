import Glibc

/// Filters of numbers.
enum NumberFilters {
    static let abs: TemplateFilters.Filter = { item, arguments, _ throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "abs")
        if let whole = item.wholeNumber { return try .integer(whole < 0 ? -whole : whole) }
        if case .double(let number) = item { return .double(number.magnitude) }
        if case .undefined(let missing) = item { throw missing.failure }
        throw TemplateError(.value, "abs is not for \(item.typeName)")
    }

    static let round: TemplateFilters.Filter = { item, arguments, _ throws(TemplateError) in
        let given = try arguments.bound(to: ["precision", "method"], of: "round")
        let precision = try given[0].map { item throws(TemplateError) in
            try StringMethods.integer(item, "the precision")
        }
        let method = given[1]?.string ?? "common"
        guard ["common", "ceil", "floor"].contains(method) else {
            throw TemplateError(.value, "round's method is common, ceil or floor")
        }
        if case .undefined(let missing) = item { throw missing.failure }
        guard let number = item.number else {
            throw TemplateError(.value, "round is not for \(item.typeName)")
        }
        let places = precision ?? 0
        guard method == "common" else {
            let (scale, overflow) = power(of10: places)
            guard !overflow else { throw TemplateError(.value, "the precision is too large") }
            let scaled = number * scale
            guard scaled.isFinite else {
                throw TemplateError(.value, "the number is not finite or too large to be rounded")
            }
            let rounded = method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)
            // Python's ceil and floor give integers, which have no negative zero.
            return .double((rounded + 0.0) / scale)
        }
        if let whole = item.wholeNumber { return try .integer(try rounded(whole, places)) }
        return .double(rounded(number, places))
    }

    private static func power(of10 places: Int) -> (Double, Bool) {
        guard Swift.abs(places) <= 308 else { return (0, true) }
        return (pow(10, Double(places)), false)
    }

    /// Python's `round` of an integer: half to even, at a negative place.
    private static func rounded(_ whole: Int128, _ places: Int) throws(TemplateError) -> Int128 {
        guard places < 0 else { return whole }
        guard places > -30 else { return 0 }
        var scale: Int128 = 1
        for _ in 0..<(-places) { scale *= 10 }
        let (quotient, rest) = whole.quotientAndRemainder(dividingBy: scale)
        let twice = (rest < 0 ? -rest : rest) * 2
        let isUp = twice > scale || twice == scale && quotient % 2 != 0
        return (isUp ? quotient + (whole < 0 ? -1 : 1) : quotient) * scale
    }

    /// Python's `round` of a float: by its exact decimal digits.
    static func rounded(_ number: Double, _ places: Int) -> Double {
        guard number.isFinite, places <= 323 else { return number }
        guard places < 0 else {
            return Double(PrintfFormat.fixed(number, places)) ?? number
        }
        guard places > -310 else { return copysign(0, number) }
        let scale = pow(10, Double(-places))
        return (number / scale).rounded(.toNearestOrEven) * scale
    }

    static let int: TemplateFilters.Filter = { item, arguments, _ throws(TemplateError) in
        let given = try arguments.bound(to: ["default", "base"], of: "int")
        let other = given[0] ?? .int(0)
        if let whole = item.wholeNumber { return try .integer(whole) }
        switch item {
        case .double(let number): return try truncated(number) ?? other
        case .text(let text), .markup(let text):
            let base = try given[1].map { item throws(TemplateError) in
                try StringMethods.integer(item, "the base")
            }
            if let whole = try NumberText.integer(text, base: base ?? 10) {
                return try .integer(whole)
            }
            return try NumberText.float(text).flatMap { number throws(TemplateError) in
                try truncated(number)
            } ?? other
        case .undefined(let missing): throw missing.failure
        default: return other
        }
    }

    private static func truncated(_ number: Double) throws(TemplateError) -> Item? {
        guard number.isFinite else { return nil }
        return try .integer(Int128(exactly: number.rounded(.towardZero)) ?? .max)
    }

    static let float: TemplateFilters.Filter = { item, arguments, _ throws(TemplateError) in
        let other = try arguments.bound(to: ["default"], of: "float")[0] ?? .double(0)
        if case .undefined(let missing) = item { throw missing.failure }
        if let number = item.number { return .double(number) }
        guard let text = item.string, let number = NumberText.float(text) else { return other }
        return .double(number)
    }

    static let fileSize: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["binary"], of: "filesizeformat")
        let isBinary = try given[0]?.isTrue(&rendering) ?? false
        if case .undefined(let missing) = item { throw missing.failure }
        guard let number = item.number ?? item.string.flatMap(NumberText.float) else {
            throw TemplateError(.value, "filesizeformat is not for \(item.typeName)")
        }
        let base: Double = isBinary ? 1024 : 1000
        if number == 1 { return .text("1 Byte") }
        if number < base {
            guard number.isFinite else { throw TemplateError(.value, "the number is not finite") }
            return .text("\(Int128(number)) Bytes")
        }
        let letters = ["k", "M", "G", "T", "P", "E", "Z", "Y"]
        var unit = base
        for (index, letter) in letters.enumerated() {
            unit *= base
            if number < unit || index == letters.count - 1 {
                let shown = PrintfFormat.fixed(base * number / unit, 1)
                let prefix = isBinary ? (letter == "k" ? "Ki" : letter + "i") : letter
                return .text("\(shown) \(prefix)B")
            }
        }
        return .text("")
    }
}

/// Numbers in texts, as Python's `int` and `float` read them.
enum NumberText {
    static func integer(_ text: String, base: Int) throws(TemplateError) -> Int128? {
        guard base == 0 || (2...36).contains(base) else { return nil }
        var digits = ArraySlice(Array(TextPieces.stripped(text, nil, .both).utf8))
        var isNegative = false
        if let sign = digits.first, sign == .minus || sign == .plus {
            isNegative = sign == .minus
            digits.removeFirst()
        }
        var radix = base
        if digits.first == 0x30, let letter = digits.dropFirst().first.map({ $0 | 0x20 }) {
            let marked: [UInt8: Int] = [0x62: 2, 0x6F: 8, 0x78: 16]
            if let own = marked[letter], base == 0 || base == own {
                radix = own
                digits.removeFirst(2)
                if digits.first == .underscore { digits.removeFirst() }
            }
        }
        if radix == 0 {
            guard digits.first != 0x30 || digits.allSatisfy({ $0 == 0x30 || $0 == .underscore })
            else { return nil }
            radix = 10
        }
        var value: Int128 = 0
        var wasDigit = false
        for byte in digits {
            if byte == .underscore, wasDigit {
                wasDigit = false
                continue
            }
            guard let digit = Character(Unicode.Scalar(byte)).isASCII ? digitValue(byte) : nil,
                digit < radix
            else { return nil }
            wasDigit = true
            guard value < Int128(UInt64.max) else {
                let reason = "integers of more than 64 bits are not supported"
                throw TemplateError(.unsupported, reason)
            }
            value = value * Int128(radix) + Int128(digit)
        }
        guard wasDigit else { return nil }
        return isNegative ? -value : value
    }

    private static func digitValue(_ byte: UInt8) -> Int? {
        if TemplateScanner.isDigit(byte) { return Int(byte - 0x30) }
        let letter = (byte | 0x20) &- 0x61
        return letter < 26 ? Int(letter) + 10 : nil
    }

    static func float(_ text: String) -> Double? {
        let stripped = TextPieces.stripped(text, nil, .both)
        let lowered = TextCase.lower(stripped)
        let unsigned =
            lowered.utf8.first == .minus || lowered.utf8.first == .plus
            ? String(lowered.dropFirst()) : lowered
        if ["inf", "infinity", "nan"].contains(unsigned) {
            let value: Double = unsigned == "nan" ? .nan : .infinity
            return lowered.utf8.first == .minus ? -value : value
        }
        var digits: [UInt8] = []
        var previous: UInt8 = 0
        for byte in stripped.utf8 {
            if byte == .underscore {
                guard TemplateScanner.isDigit(previous) else { return nil }
            } else {
                let isKnown =
                    TemplateScanner.isDigit(byte) || byte == .dot || byte == .plus || byte == .minus
                    || byte | 0x20 == UInt8(ascii: "e")
                guard isKnown, previous != .underscore || TemplateScanner.isDigit(byte) else {
                    return nil
                }
                digits.append(byte)
            }
            previous = byte
        }
        guard previous != .underscore, digits.contains(where: TemplateScanner.isDigit) else {
            return nil
        }
        return digits.withUnsafeBufferPointer { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            // strtod takes what Python takes here; what it leaves over is a mistake.
            return text.withCString { start in
                var end: UnsafeMutablePointer<CChar>?
                let value = strtod(start, &end)
                return end.map { UnsafePointer($0) == start + bytes.count } == true ? value : nil
            }
        }
    }
}
