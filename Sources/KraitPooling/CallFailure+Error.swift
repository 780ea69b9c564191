import KraitWire

extension CallFailure {
    /// The code callers see.
    var code: CallError.Code {
        switch self {
        case .cancelled: .cancelled
        case .deadlineExceeded: .deadlineExceeded
        case .queueFull: .queueFull
        case .workerCrashed: .workerCrashed
        case .workerSilent: .workerSilent
        case .poolFailed: .poolFailed
        case .shuttingDown: .shuttingDown
        }
    }

    /// The error callers see: what happened, and what to do.
    func error(pool: String) -> CallError {
        switch self {
        case .cancelled(let sent):
            CallError(
                code,
                "the caller cancelled it",
                pool: pool,
                delivery: sent ? .sent : .notSent
            )
        case .deadlineExceeded(let sent):
            CallError(
                code,
                sent
                    ? "the worker had not answered by the deadline; give the call more time"
                    : "no worker was free before the deadline; add workers or slots",
                pool: pool,
                delivery: sent ? .sent : .notSent
            )
        case .queueFull(let limit):
            CallError(
                code,
                "\(limit) calls wait already; try again later, or raise the pool's queue_limit",
                pool: pool
            )
        case .workerCrashed(let worker, let status):
            CallError(
                code,
                "the worker ended in the middle of the call: \(status)",
                pool: pool,
                worker: "\(pool)/\(worker)",
                delivery: .sent
            )
        case .workerSilent(let worker):
            CallError(
                code,
                "the worker showed no sign of life and was ended",
                pool: pool,
                worker: "\(pool)/\(worker)",
                delivery: .sent
            )
        case .poolFailed(let reason, let sent):
            CallError(
                code,
                "the pool has no workers: \(reason)",
                pool: pool,
                delivery: sent ? .sent : .notSent
            )
        case .shuttingDown(let sent):
            CallError(
                code,
                "the pool is shutting down",
                pool: pool,
                delivery: sent ? .sent : .notSent
            )
        }
    }
}
