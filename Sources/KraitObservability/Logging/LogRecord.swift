/// One thing that was logged, as a ``LogHandler`` receives it.
public struct LogRecord: Sendable, Equatable {
    /// When it was logged.
    public var time: LogTime
    /// How much it matters.
    public var level: LogLevel
    /// The label of the logger.
    public var label: String
    /// What happened, in a few words.
    public var message: String
    /// The logger's facts with those of this line laid over them.
    public var metadata: Logger.Metadata

    /// A record of these parts.
    public init(
        time: LogTime,
        level: LogLevel,
        label: String,
        message: String,
        metadata: Logger.Metadata = [:]
    ) {
        self.time = time
        self.level = level
        self.label = label
        self.message = message
        self.metadata = metadata
    }
}
