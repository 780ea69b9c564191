/// Why a call has no reply: the one error that Krait's calls throw.
///
/// `description` says what happened, where, and what to do next, and never holds a payload, so it
/// can be logged; `debugDescription` adds the fault's message and traceback, which can hold parts
/// of one.
public struct CallError: Error, Sendable, Equatable {
    private var box: Box

    /// An error with these parts.
    public init(
        _ code: Code,
        _ message: String,
        operation: String? = nil,
        path: [String] = [],
        pool: String? = nil,
        worker: String? = nil,
        fault: Fault? = nil,
        delivery: Delivery = .notSent,
        retryAfter: Duration? = nil
    ) {
        box = .holding(
            Parts(
                code: code,
                message: message,
                operation: operation,
                path: path,
                pool: pool,
                worker: worker,
                fault: fault,
                delivery: delivery,
                retryAfter: retryAfter
            )
        )
    }

    /// What went wrong, for programs.
    public var code: Code {
        get { parts.code }
        set { parts.code = newValue }
    }
    /// What happened and what to do about it, in one sentence or two, without payloads.
    public var message: String {
        get { parts.message }
        set { parts.message = newValue }
    }
    /// The operation that was called, where one was.
    public var operation: String? {
        get { parts.operation }
        set { parts.operation = newValue }
    }
    /// The steps of the pipeline down to the one that failed, such as `support/3`.
    public var path: [String] {
        get { parts.path }
        set { parts.path = newValue }
    }
    /// The pool it was to run on, where one was chosen.
    public var pool: String? {
        get { parts.pool }
        set { parts.pool = newValue }
    }
    /// The worker's name, where one had the call.
    public var worker: String? {
        get { parts.worker }
        set { parts.worker = newValue }
    }
    /// What the Python code raised, where it did.
    public var fault: Fault? {
        get { parts.fault }
        set { parts.fault = newValue }
    }
    /// Whether a worker may have begun the call: what decides if making it again is safe.
    public var delivery: Delivery {
        get { parts.delivery }
        set { parts.delivery = newValue }
    }

    /// When the same call may well succeed, where that is known.
    public var retryAfter: Duration? {
        get { parts.retryAfter }
        set { parts.retryAfter = newValue }
    }

    private struct Parts: Sendable, Equatable {
        var code: Code
        var message: String
        var operation: String?
        var path: [String]
        var pool: String?
        var worker: String?
        var fault: Fault?
        var delivery: Delivery
        var retryAfter: Duration?
    }

    /// Keeps the error at one word: each function on a call's way reserves room for what it may
    /// throw, in the memory of a task that only waits.
    private indirect enum Box: Sendable, Equatable {
        case holding(Parts)
    }

    private var parts: Parts {
        get {
            switch box {
            case .holding(let parts): parts
            }
        }
        set { box = .holding(newValue) }
    }

    /// What went wrong, for programs.
    ///
    /// New codes may be added: a `switch` needs a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The code as logs, JSON and exit reports spell it.
        public let rawValue: String
        /// A code of this spelling.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The raw value.
        public var description: String { rawValue }

        /// The task that called was cancelled.
        public static let cancelled = Code(rawValue: "cancelled")
        /// The call's time was up, in a queue or at a worker.
        public static let deadlineExceeded = Code(rawValue: "deadline_exceeded")
        /// The pool's queue has no room for the call.
        public static let queueFull = Code(rawValue: "queue_full")
        /// The caller's or the pool's rate of calls is used up: see `retryAfter`.
        public static let rateLimited = Code(rawValue: "rate_limited")
        /// The operation's circuit breaker is open, since it kept failing: see `retryAfter`.
        public static let circuitOpen = Code(rawValue: "circuit_open")
        /// Workers ended, again and again, while they had this very call.
        public static let callQuarantined = Code(rawValue: "call_quarantined")
        /// The worker's process ended while it had the call.
        public static let workerCrashed = Code(rawValue: "worker_crashed")
        /// The worker stopped beating while it had the call, and was ended.
        public static let workerSilent = Code(rawValue: "worker_silent")
        /// The Python code raised: see `fault`.
        public static let faulted = Code(rawValue: "faulted")
        /// Native code leaves the call to Python, and no pool could answer it.
        public static let delegated = Code(rawValue: "delegated")
        /// Neither Swift nor the pool has an operation of that name.
        public static let unknownOperation = Code(rawValue: "unknown_operation")
        /// No pipeline of that name is among the orchestrator's parts.
        public static let unknownPipeline = Code(rawValue: "unknown_pipeline")
        /// There is no pool of that name.
        public static let unknownPool = Code(rawValue: "unknown_pool")
        /// The inputs do not fit the signature or the operation.
        public static let invalidInput = Code(rawValue: "invalid_input")
        /// What came back does not fit the signature.
        public static let invalidOutput = Code(rawValue: "invalid_output")
        /// The worker sent what the protocol does not allow.
        public static let protocolViolation = Code(rawValue: "protocol_violation")
        /// The pool has no worker and none can be started; the message says why.
        public static let poolFailed = Code(rawValue: "pool_failed")
        /// Somebody drained the pool: it takes nothing until it is resumed.
        public static let poolDrained = Code(rawValue: "pool_drained")
        /// No session of that name is there, or no longer.
        public static let unknownSession = Code(rawValue: "unknown_session")
        /// The session is another caller's, or somebody has it to himself; or one that is to begin
        /// has begun already.
        public static let sessionTaken = Code(rawValue: "session_taken")
        /// As many sessions are there as may be.
        public static let sessionsFull = Code(rawValue: "sessions_full")
        /// What sessions know cannot be kept, or read: the message says why.
        public static let sessionStore = Code(rawValue: "session_store")
        /// No worker has had the session in the call's time.
        public static let sessionMoved = Code(rawValue: "session_moved")
        /// Krait or the pool is draining and takes nothing new.
        public static let shuttingDown = Code(rawValue: "shutting_down")

        /// Every code there is, for documentation and its checks.
        public static let all: [Code] = [
            .cancelled, .deadlineExceeded, .queueFull, .rateLimited, .circuitOpen,
            .callQuarantined, .workerCrashed, .workerSilent, .faulted, .delegated,
            .unknownOperation, .unknownPipeline, .unknownPool, .invalidInput, .invalidOutput,
            .protocolViolation, .poolFailed, .poolDrained, .unknownSession, .sessionTaken,
            .sessionsFull, .sessionStore, .sessionMoved, .shuttingDown,
        ]
    }

    /// How far a call came.
    public enum Delivery: String, Sendable, Hashable {
        /// No worker saw it: making it again is safe.
        case notSent = "not_sent"
        /// A worker had it, and answered or died.
        case sent
        /// A worker may have had it.
        case unknown
    }
}

extension CallError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The code, what happened, and where: never a payload.
    public var description: String {
        var place: [String] = []
        if !path.isEmpty { place.append(path.joined(separator: "/")) }
        if let operation { place.append("operation \(operation)") }
        if let pool { place.append("pool \(pool)") }
        if let worker { place.append("worker \(worker)") }
        if let fault { place.append(fault.type) }
        let suffix = place.isEmpty ? "" : " (\(place.joined(separator: ", ")))"
        return "\(code): \(message)\(suffix)"
    }

    /// The description, the delivery, and the fault's own text and traceback.
    public var debugDescription: String {
        guard let fault else { return "\(self) [\(delivery.rawValue)]" }
        let traceback = fault.traceback.isEmpty ? "" : "\n\(fault.traceback)"
        return "\(self) [\(delivery.rawValue)]\n\(fault.type): \(fault.message)\(traceback)"
    }
}
