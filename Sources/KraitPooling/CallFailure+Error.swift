import KraitWire

extension CallFailure {
    /// The error callers see: what happened, and what to do.
    func error(pool: String) -> CallError {
        CallError(
            code,
            message(pool: pool),
            pool: pool,
            worker: worker.map { "\(pool)/\($0)" },
            delivery: wasSent ? .sent : .notSent,
            retryAfter: retryAfter
        )
    }

    /// The code callers see.
    var code: CallError.Code {
        switch self {
        case .cancelled: .cancelled
        case .deadlineExceeded: .deadlineExceeded
        case .queueFull, .displaced: .queueFull
        case .rateLimited: .rateLimited
        case .circuitOpen: .circuitOpen
        case .quarantined: .callQuarantined
        case .workerCrashed: .workerCrashed
        case .workerSilent: .workerSilent
        case .protocolViolated: .protocolViolation
        case .poolFailed: .poolFailed
        case .shuttingDown: .shuttingDown
        case .poolDrained: .poolDrained
        case .sessionMoved: .sessionMoved
        }
    }

    private func message(pool: String) -> String {
        switch self {
        case .cancelled: "the caller cancelled it"
        case .deadlineExceeded(sent: true):
            "the worker had not answered by the deadline; give the call more time"
        case .deadlineExceeded(sent: false):
            "no worker was free before the deadline; add workers or slots"
        case .queueFull(let limit):
            "\(limit) calls wait already; try again later, or raise the pool's queue_limit"
        case .displaced(let limit, _):
            "\(limit) calls wait already, and a more urgent one, or one of a caller with fewer, "
                + "took its place; try again later, or raise the pool's queue_limit"
        case .rateLimited(let wait):
            "there are more calls a second than the pool's rate allows; try again in "
                + Self.text(wait)
        case .circuitOpen(let operation, let wait):
            "`\(operation)` kept failing and is not tried for now; look at what it needs, such as "
                + "its language model; it is tried again in \(Self.text(wait))"
        case .quarantined(let deaths, let ending, _):
            "\(deaths) workers ended while they had this very call, the last one: \(ending); it is "
                + "refused for a while: change its arguments, or mend the operation"
        case .workerCrashed(_, let status):
            "the worker ended in the middle of the call: \(status)"
        case .workerSilent:
            "the worker showed no sign of life and was ended: it was stopped, or its code held the "
                + "interpreter's lock; such code needs a longer heartbeat"
        case .protocolViolated(_, let reason):
            "the worker broke the protocol and is replaced: \(reason)"
        case .poolFailed(let reason, _):
            "the pool has no workers (it is tried again from time to time; `krait resume \(pool)` "
                + "does so now): \(reason)"
        case .poolDrained:
            "the pool was drained and takes no calls; `krait resume \(pool)` ends that"
        case .shuttingDown: "the pool is shutting down"
        case .sessionMoved: "the session's worker is gone, and it was not given another in time"
        }
    }

    private var worker: WorkerID? {
        switch self {
        case .workerCrashed(let worker, _), .workerSilent(let worker),
            .protocolViolated(let worker, _):
            worker
        default: nil
        }
    }

    /// Whether a worker may have begun it.
    private var wasSent: Bool {
        switch self {
        case .cancelled(let sent), .deadlineExceeded(let sent), .poolFailed(_, let sent),
            .shuttingDown(let sent), .poolDrained(let sent), .displaced(_, let sent),
            .quarantined(_, _, let sent), .sessionMoved(let sent):
            sent
        case .workerCrashed, .workerSilent, .protocolViolated: true
        case .queueFull, .rateLimited, .circuitOpen: false
        }
    }

    private var retryAfter: Duration? {
        switch self {
        case .rateLimited(let wait), .circuitOpen(_, let wait): wait
        default: nil
        }
    }

    /// Seconds as a person says them.
    private static func text(_ duration: Duration) -> String {
        let tenths = Int((duration / .milliseconds(100)).rounded(.up))
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
