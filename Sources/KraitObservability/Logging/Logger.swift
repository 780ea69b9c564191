/// Writes log lines with facts beside them; a value, so that each part has its own facts.
///
/// The shape is swift-log's. Message and metadata are evaluated only where the level is logged.
/// A part takes a logger from whoever makes it, and adds its own facts to its copy:
///
/// ```swift
/// var logger = logger
/// logger[metadataKey: .pool] = "general"
/// logger.info("ready", metadata: [.count: 2])
/// ```
public struct Logger: Sendable {
    /// Facts by name.
    public typealias Metadata = [LogKey: LogValue]

    /// Who logs, such as `krait`.
    public let label: String
    /// Lines below this level are not made.
    public var logLevel: LogLevel
    private let handler: any LogHandler
    private var metadata: Metadata = [:]

    /// A logger without facts of its own yet.
    public init(label: String, handler: some LogHandler, level: LogLevel = .info) {
        self.label = label
        self.handler = handler
        logLevel = level
    }

    /// A logger that keeps nothing.
    public static var none: Logger {
        Logger(label: "", handler: SilentLogHandler(), level: .critical)
    }

    /// A fact that goes with every line of this logger.
    public subscript(metadataKey key: LogKey) -> LogValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// The same logger, whose lines never hold one of these secrets.
    package func redacting(_ secrets: Secrets) -> Logger {
        guard !secrets.isEmpty else { return self }
        let handler = RedactingLogHandler(next: handler, secrets: secrets)
        var logger = Logger(label: label, handler: handler, level: logLevel)
        logger.metadata = metadata
        return logger
    }

    /// Logs `message` at `level`; a fact given here wins over the logger's own of the same name.
    public func log(
        level: LogLevel,
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) {
        guard level >= logLevel else { return }
        let facts = self.metadata.merging(metadata()) { _, here in here }
        handler.log(
            LogRecord(
                time: .now(),
                level: level,
                label: label,
                message: message(),
                metadata: facts
            )
        )
    }
}

extension Logger {
    /// Logs at level `trace`.
    public func trace(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .trace, message(), metadata: metadata()) }

    /// Logs at level `debug`.
    public func debug(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .debug, message(), metadata: metadata()) }

    /// Logs at level `info`.
    public func info(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .info, message(), metadata: metadata()) }

    /// Logs at level `notice`.
    public func notice(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .notice, message(), metadata: metadata()) }

    /// Logs at level `warning`.
    public func warning(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .warning, message(), metadata: metadata()) }

    /// Logs at level `error`.
    public func error(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .error, message(), metadata: metadata()) }

    /// Logs at level `critical`.
    public func critical(
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Metadata = [:]
    ) { log(level: .critical, message(), metadata: metadata()) }
}
