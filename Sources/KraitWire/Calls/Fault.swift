/// What the Python code raised, as the worker reported it.
public struct Fault: Sendable, Hashable {
    /// What kind of fault this is; the worker's `code`.
    public var code: Code
    /// The exception's qualified name, such as `builtins.ValueError`.
    public var type: String
    /// What `str(exception)` gave, at most 4 KiB.
    ///
    /// May hold parts of a payload, so it is never logged.
    public var message: String
    /// The innermost frames, at most 16 KiB; empty where there are none.
    public var traceback: String
    /// What the exception says beyond its text (`provider`, `model`, `status`, `retry_after`).
    public var details: ValueMap

    /// A fault with these parts.
    public init(
        code: Code,
        type: String,
        message: String,
        traceback: String = "",
        details: ValueMap = [:]
    ) {
        self.code = code
        self.type = type
        self.message = message
        self.traceback = traceback
        self.details = details
    }

    /// The fault codes of the protocol; *Worker protocol* says what each means.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The operation's own code raised.
        case raised
        /// The worker has no operation of that name.
        case unknownOperation = "unknown_operation"
        /// The arguments or options do not fit the operation.
        case invalidInput = "invalid_input"
        /// What the operation returned cannot be carried.
        case unserialisable
        /// The call was cancelled while it ran.
        case cancelled
        /// The call's deadline passed while it ran.
        case deadlineExceeded = "deadline_exceeded"
        /// All of the worker's slots are taken.
        case overloaded
        /// The worker does not have the call's session, or no longer.
        case noSession = "no_session"
        /// The worker could not read the envelope.
        case malformed
        /// The adapter's module could not be imported.
        case importFailed = "import_failed"
        /// The adapter could not be constructed.
        case setupFailed = "setup_failed"
    }
}
