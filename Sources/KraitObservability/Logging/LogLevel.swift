/// How much a log line matters; the levels of swift-log.
public enum LogLevel: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Every step, for somebody who debugs Krait itself.
    case trace
    /// What helps to debug a program that uses Krait.
    case debug
    /// What happened and cannot be told from an error: a start, a stop.
    case info
    /// Unusual but expected, such as a worker recycled early.
    case notice
    /// Wrong but handled, such as a worker that crashed and was replaced.
    case warning
    /// Something failed that somebody asked for.
    case error
    /// Krait cannot go on, or a whole pool cannot.
    case critical

    /// Whether `left` matters less than `right`.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.severity < right.severity
    }

    private var severity: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}
