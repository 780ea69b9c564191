/// How a worker's life ended, for whoever asks later.
package struct WorkerEnd: Equatable, Sendable, CustomStringConvertible {
    package var id: WorkerID
    package var exit: WorkerExit
    /// Why it was replaced, where the pool wanted that.
    package var reason: String?
    package var at: Moment

    /// Such as `crashed: signal 11 (Segmentation fault)`.
    package var description: String {
        switch exit {
        case .stopped: reason ?? "stopped: it may have been at a call that nobody waited for"
        case .crashed(let status): "crashed: \(status)"
        case .silent: "silent: it showed no sign of life and was ended"
        case .failedToStart(let reason), .cannotStart(let reason): "failed to start: \(reason)"
        }
    }
}

extension WorkerExit: CustomStringConvertible {
    /// The reason in words.
    package var description: String {
        switch self {
        case .stopped: "it was ended"
        case .crashed(let status): status
        case .silent: "it showed no sign of life and was ended"
        case .failedToStart(let reason), .cannotStart(let reason): reason
        }
    }
}

extension PoolStateMachine.Departure {
    /// How the end of such a worker reads.
    var description: String {
        switch self {
        case .recycled(let reason): "recycled: \(reason)"
        case .surplus: "stopped: the pool was made smaller"
        case .distrusted(let reason): "replaced: \(reason)"
        case .closing: "stopped: the pool was drained, or failed"
        case .left: "left: it was told to, where it runs"
        }
    }
}

extension PoolStateMachine {
    /// A worker as `krait status` shows it.
    package struct WorkerSnapshot: Equatable, Sendable {
        package var id: WorkerID
        package var state: String
        package var slots: Int
        package var busy: Int
        package var served: Int
        package var lastEnd: WorkerEnd?
    }

    /// The workers there are or are to be.
    package func snapshots() -> [WorkerSnapshot] {
        workers.indices.filter { isWanted($0) || workers[$0].isAlive }.map { number in
            let worker = workers[number]
            return WorkerSnapshot(
                id: workerID(number),
                state: worker.phase.name,
                slots: worker.slots,
                busy: worker.busy,
                served: worker.served,
                lastEnd: lastEnds[number]
            )
        }
    }

    /// When a failed pool is tried again; nil for a pool that did not fail, or that is being tried.
    package var nextTry: Instant? {
        guard case .failed = state else { return nil }
        return recovery.next
    }
}
