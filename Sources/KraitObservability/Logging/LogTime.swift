import Glibc

/// A moment by the wall clock, written as ISO 8601 in UTC with milliseconds.
public struct LogTime: Sendable, Hashable, CustomStringConvertible {
    /// Seconds since 1970-01-01 UTC.
    public var seconds: Int
    /// Nanoseconds of the running second.
    public var nanoseconds: Int

    /// The moment so long after 1970-01-01 UTC.
    public init(seconds: Int, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The moment it is now; the clock can be set back, so do not measure with it.
    public static func now() -> LogTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    /// Such as `2026-03-01T12:30:05.250Z`.
    public var description: String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = ""
        text.append(Int(parts.tm_year) + 1_900, digits: 4, then: "-")
        text.append(Int(parts.tm_mon) + 1, digits: 2, then: "-")
        text.append(Int(parts.tm_mday), digits: 2, then: "T")
        text.append(Int(parts.tm_hour), digits: 2, then: ":")
        text.append(Int(parts.tm_min), digits: 2, then: ":")
        text.append(Int(parts.tm_sec), digits: 2, then: ".")
        text.append(nanoseconds / 1_000_000, digits: 3, then: "Z")
        return text
    }
}

extension String {
    /// Appends a number with leading zeros, and what stands behind it.
    fileprivate mutating func append(_ number: Int, digits: Int, then separator: String) {
        let text = String(number)
        for _ in 0..<max(0, digits - text.utf8.count) { append("0") }
        append(text)
        append(separator)
    }
}
