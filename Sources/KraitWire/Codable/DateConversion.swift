import FoundationEssentials

extension Timestamp {
    /// Seconds from 1970 to 2001, where Foundation's dates begin.
    private static let referenceDate: Int64 = 978_307_200

    /// The point in time of a date, to the nanosecond; nil where the date is none.
    ///
    /// A `Date` is a double: it holds today's times to about a tenth of a microsecond.
    init?(_ date: Date) {
        let interval = date.timeIntervalSinceReferenceDate
        let whole = interval.rounded(.down)
        guard let seconds = Int64(exactly: whole), seconds.magnitude < 1 << 60 else { return nil }
        let nanoseconds = UInt32(((interval - whole) * 1e9).rounded())
        let carries = nanoseconds >= 1_000_000_000
        self.init(
            seconds: seconds + Self.referenceDate + (carries ? 1 : 0),
            nanoseconds: carries ? 0 : nanoseconds
        )
    }

    /// The nearest date.
    var date: Date {
        let seconds = seconds.subtractingReportingOverflow(Self.referenceDate).partialValue
        return Date(timeIntervalSinceReferenceDate: Double(seconds) + Double(nanoseconds) / 1e9)
    }
}
