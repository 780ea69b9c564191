import KraitObservability

/// What the pool tells of its workers, and remembers.
extension WorkerPool {
    func report(_ exit: WorkerExit, of id: WorkerID) {
        switch exit {
        case .stopped: record(.workerStopped, of: id)
        case .crashed(let status): record(.workerCrashed, of: id, .exitStatus, status)
        case .silent: record(.workerSilent, of: id)
        case .failedToStart(let reason), .cannotStart(let reason):
            record(.workerStartFailed, of: id, .reason, reason)
        }
    }

    /// Tells of an event, and remembers it for `krait status`.
    func record(
        _ event: Event,
        of worker: WorkerID? = nil,
        _ key: LogKey = .reason,
        _ detail: String? = nil
    ) {
        var metadata: Logger.Metadata = [:]
        if let worker { metadata[.worker] = .string("\(name)/\(worker)") }
        if let detail { metadata[key] = .string(detail) }
        events.emit(event, metadata: metadata)
        journal.add(.init(event: event, worker: worker, detail: detail, at: time.now()))
    }

    /// Tells of a breaker that opened or closed.
    func record(breakerOf operation: String, openFor wait: Duration? = nil) {
        let name = operation.isEmpty ? "an operation without a name" : operation
        let event = wait == nil ? Event.breakerClosed : .breakerOpened
        record(event, .operation, wait.map { "\(name), for \($0)" } ?? name)
    }

    func refused(_ failure: CallFailure) {
        events.emit(.callRefused, metadata: [.reason: "\(failure.code)"])
    }

    func warn(ofLimit limit: Int, below baseline: Int) {
        record(
            .poolLimitTooLow,
            .reason,
            "a new worker has \(baseline.megabytes) of its own and max_memory is "
                + "\(limit.megabytes): no worker "
                + "is replaced for its memory; set it well above what a worker begins with"
        )
    }
}
