/// Numbers as JSON texts, both ways.
enum JSONNumber {
    /// The most bytes of a double's text, such as `-2.2250738585072014e-308` or a tagged NaN.
    static let longestDouble = 26

    /// Where every whole number is a double of its own.
    private static let exactIntegers: UInt64 = 1 << 53

    static func write(_ integer: Int64, into sink: inout ByteSink) throws(EncodingStop) {
        if integer < 0 { try sink.add("-") }
        try write(integer.magnitude, into: &sink)
    }

    static func write(_ integer: UInt64, into sink: inout ByteSink) throws(EncodingStop) {
        let count = digits(of: integer)
        guard sink.room >= count else { throw .full }
        sink.putDigits(integer, count: count)
    }

    /// Writes the shortest text that reads back the same, with `.` or an exponent.
    static func write(_ number: Double, into sink: inout ByteSink) throws(EncodingStop) {
        guard number.isFinite else {
            return try sink.add(
                number.isNaN
                    ? "{\"$float\":\"nan\"}"
                    : number < 0 ? "{\"$float\":\"-inf\"}" : "{\"$float\":\"inf\"}"
            )
        }
        if try writeShort(number, into: &sink) { return }
        try number.description.withBytes { digits throws(EncodingStop) in
            guard sink.room >= digits.count, let start = digits.baseAddress else { throw .full }
            sink.put(start, count: digits.count)
        }
    }

    /// Writes a number of few digits, such as 0.25 or 12.0; false if it is not one.
    ///
    /// A decimal of at most 15 digits is the only one of its length that reads as its double, and
    /// dividing two whole numbers below 2⁵³ by one rounding gives that double: so the first power
    /// of ten that gives the number back gives the shortest text, without the general search for
    /// it.
    private static func writeShort(
        _ number: Double,
        into sink: inout ByteSink
    ) throws(EncodingStop) -> Bool {
        let magnitude = number.magnitude
        guard magnitude >= 0.001 && magnitude < 1e9 else { return false }
        var scale = 1.0
        for places in 0...4 {
            let scaled = (magnitude * scale).rounded(.toNearestOrEven)
            if scaled / scale == magnitude {
                try writeFixed(UInt64(scaled), places: places, isNegative: number < 0, &sink)
                return true
            }
            scale *= 10
        }
        return false
    }

    private static func writeFixed(
        _ digits: UInt64,
        places: Int,
        isNegative: Bool,
        _ sink: inout ByteSink
    ) throws(EncodingStop) {
        guard sink.room >= longestDouble else { throw .full }
        if isNegative { sink.put(UInt8(ascii: "-")) }
        let power = powersOfTen[places]
        let (whole, fraction) = digits.quotientAndRemainder(dividingBy: UInt64(power))
        sink.putDigits(whole, count: Self.digits(of: whole))
        sink.put(UInt8(ascii: "."))
        sink.putDigits(fraction, count: max(places, 1))
    }

    private static func digits(of integer: UInt64) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while integer >= limit {
            count += 1
            if count == 20 { break }
            limit &*= 10
        }
        return count
    }

    /// The powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The double of digits and a power of ten, if two exact numbers and one rounding give it.
    static func double(digits: UInt64, exponent: Int) -> Double? {
        guard digits <= exactIntegers, exponent.magnitude < powersOfTen.count else { return nil }
        let power = powersOfTen[Int(exponent.magnitude)]
        return exponent < 0 ? Double(digits) / power : Double(digits) * power
    }
}

extension ByteSink {
    /// Adds the last `count` digits of an integer; the caller has asked for `room`.
    @inline(__always)
    mutating func putDigits(_ integer: UInt64, count: Int) {
        var rest = integer
        var offset = count - 1
        let start = reserve(count)
        while offset >= 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start.storeBytes(
                of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit),
                toByteOffset: offset,
                as: UInt8.self
            )
            rest = quotient
            offset -= 1
        }
    }
}
