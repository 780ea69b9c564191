/// Where log lines go.
///
/// Choose one of the handlers at hand (`.standardError()`, `.file(at:)`, `.none`) before writing
/// one. One that is written must return soon, since it is called where Krait works; must not throw
/// lines away in silence; and is called from many threads at once.
///
/// ```swift
/// struct ForwardingLogHandler: LogHandler {
///     func log(_ record: LogRecord) { forward(record.message, at: record.level) }
/// }
/// ```
public protocol LogHandler: Sendable {
    /// Takes one record; its level has already been compared with the logger's.
    func log(_ record: LogRecord)
}

/// Keeps nothing.
public struct SilentLogHandler: LogHandler {
    /// A handler that keeps nothing.
    public init() {}

    /// Does nothing.
    public func log(_ record: LogRecord) {}
}

extension LogHandler where Self == SilentLogHandler {
    /// Keeps nothing.
    public static var none: SilentLogHandler { SilentLogHandler() }
}
