/// The name of a fact beside a log line, such as `pool.name`.
///
/// Krait's own are the static members, so that a fact has one name everywhere; a program's own may
/// be written as text.
public struct LogKey: RawRepresentable, Sendable, Hashable, Comparable, ExpressibleByStringLiteral {
    /// The name as it is logged.
    public let rawValue: String

    /// A key of that name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A key of that name.
    public init(stringLiteral value: String) { rawValue = value }

    /// Orders by name.
    public static func < (left: LogKey, right: LogKey) -> Bool { left.rawValue < right.rawValue }
}

extension LogKey {
    /// What a pool's workers run, such as `dspy`.
    public static let adapter = LogKey(rawValue: "adapter")
    /// Which try this is, counted from 1.
    public static let attempt = LogKey(rawValue: "attempt")
    /// The call's id on the wire, as a number.
    public static let call = LogKey(rawValue: "call.id")
    /// The id of a supervisor's child.
    public static let child = LogKey(rawValue: "child.id")
    /// How many there are of what the message names.
    public static let count = LogKey(rawValue: "count")
    /// How long Krait waits before it tries again.
    public static let delay = LogKey(rawValue: "delay")
    /// How long it took.
    public static let duration = LogKey(rawValue: "duration")
    /// The address of a socket, such as `ipc:///…/router.sock`.
    public static let endpoint = LogKey(rawValue: "endpoint")
    /// The error's bland description.
    public static let error = LogKey(rawValue: "error")
    /// The event's name, where the message is not the name itself.
    public static let event = LogKey(rawValue: "event")
    /// What a process ended with.
    public static let exitStatus = LogKey(rawValue: "exit.status")
    /// The bound that was reached.
    public static let limit = LogKey(rawValue: "limit")
    /// The operation's name, such as `predict`.
    public static let operation = LogKey(rawValue: "operation")
    /// A file or folder.
    public static let path = LogKey(rawValue: "path")
    /// The pool's name.
    public static let pool = LogKey(rawValue: "pool.name")
    /// The Python interpreter.
    public static let python = LogKey(rawValue: "python")
    /// Why it happened, in a few words without payloads.
    public static let reason = LogKey(rawValue: "reason")
    /// The id of this run of the daemon.
    public static let run = LogKey(rawValue: "run.id")
    /// The id of a session.
    public static let session = LogKey(rawValue: "session.id")
    /// The number of the signal that ended a process.
    public static let signal = LogKey(rawValue: "signal")
    /// Which of a worker's outputs a line came from: `stdout` or `stderr`.
    public static let stream = LogKey(rawValue: "stream")
    /// The id of a supervisor.
    public static let supervisor = LogKey(rawValue: "supervisor.id")
    /// The worker's name, such as `general/3.1`.
    public static let worker = LogKey(rawValue: "worker.name")
    /// The process id of a worker.
    public static let workerPID = LogKey(rawValue: "worker.pid")
}
