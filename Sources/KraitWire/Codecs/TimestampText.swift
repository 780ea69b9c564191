/// Points in time as RFC 3339 texts in UTC, such as `2026-01-02T03:04:05.678Z`.
extension Timestamp {
    private static let secondsPerDay: Int64 = 86_400
    /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
    private static let calendar: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Whether the year has the four digits that texts and Python's `datetime` give it.
    var isInCalendar: Bool { Self.calendar.contains(seconds) }

    /// Adds the text, with as many fractional digits as are needed.
    func write(into sink: inout ByteSink) throws(EncodingStop) {
        guard sink.room >= 30 else { throw .full }
        var day = seconds / Self.secondsPerDay
        var second = seconds % Self.secondsPerDay
        if second < 0 { (day, second) = (day - 1, second + Self.secondsPerDay) }
        let date = Self.date(ofDay: day)
        func put(_ number: Int64, _ count: Int, _ after: Unicode.Scalar) {
            sink.putDigits(UInt64(number), count: count)
            sink.put(UInt8(ascii: after))
        }
        put(date.year, 4, "-")
        put(date.month, 2, "-")
        put(date.day, 2, "T")
        put(second / 3_600, 2, ":")
        put(second / 60 % 60, 2, ":")
        sink.putDigits(UInt64(second % 60), count: 2)
        if nanoseconds > 0 {
            var (fraction, digits) = (UInt64(nanoseconds), 9)
            while fraction % 10 == 0 { (fraction, digits) = (fraction / 10, digits - 1) }
            sink.put(UInt8(ascii: "."))
            sink.putDigits(fraction, count: digits)
        }
        sink.put(UInt8(ascii: "Z"))
    }

    /// The point in time of a text, or nil where it is none: 0 to 9 fractional digits, `Z` at the
    /// end.
    init?(text: String) {
        var scanner = Scanner(rest: Array(text.utf8)[...])
        guard
            let year = scanner.number(4), scanner.take("-"),
            let month = scanner.number(2), scanner.take("-"),
            let day = scanner.number(2), scanner.take("T"),
            let hour = scanner.number(2), scanner.take(":"),
            let minute = scanner.number(2), scanner.take(":"),
            let second = scanner.number(2)
        else { return nil }
        guard
            year >= 1, 1...12 ~= month, day >= 1, day <= Self.days(inMonth: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds: Int64 = 0
        if scanner.take(".") {
            guard let fraction = scanner.fraction() else { return nil }
            nanoseconds = fraction
        }
        guard scanner.take("Z"), scanner.rest.isEmpty else { return nil }
        let days = Self.day(year: year, month: month, day: day)
        self.init(
            seconds: days * Self.secondsPerDay + hour * 3_600 + minute * 60 + second,
            nanoseconds: UInt32(nanoseconds)
        )
    }

    // The two conversions count from a 1st of March, so that the leap day is the year's last, in
    // eras of 400 years, which all have 146,097 days.

    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468  // Days since 0000-03-01.
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
            month: month,
            day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Takes a text apart from the front.
private struct Scanner {
    var rest: ArraySlice<UInt8>

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else {
            return nil
        }
        rest = rest.dropFirst()
        return Int64(byte - UInt8(ascii: "0"))
    }

    mutating func number(_ count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    /// The nanoseconds of 1 to 9 digits.
    mutating func fraction() -> Int64? {
        guard var number = digit() else { return nil }
        var count = 1
        while let digit = digit() {
            guard count < 9 else { return nil }
            (number, count) = (number * 10 + digit, count + 1)
        }
        while count < 9 { (number, count) = (number * 10, count + 1) }
        return number
    }
}
