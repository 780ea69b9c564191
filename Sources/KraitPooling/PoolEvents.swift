import KraitObservability

/// Tells the outside what the pool decides and sees.
struct PoolEvents: Sendable {
    let pool: String
    let sink: EventSink

    func refused(_ failure: CallFailure) {
        sink.emit(.callRefused, metadata: [.reason: "\(failure.code)"])
    }

    func ready(_ id: WorkerID) {
        sink.emit(.workerReady, metadata: [.worker: "\(pool)/\(id)"])
    }

    func ended(_ id: WorkerID, _ exit: WorkerExit) {
        let worker: LogValue = "\(pool)/\(id)"
        switch exit {
        case .stopped: sink.emit(.workerStopped, metadata: [.worker: worker])
        case .crashed(let status):
            sink.emit(.workerCrashed, metadata: [.worker: worker, .exitStatus: "\(status)"])
        case .silent: sink.emit(.workerSilent, metadata: [.worker: worker])
        case .failedToStart(let reason), .cannotStart(let reason):
            sink.emit(.workerStartFailed, metadata: [.worker: worker, .reason: "\(reason)"])
        }
    }

    /// What is about to be done, where that is worth telling.
    func performing(_ action: PoolAction, at now: ContinuousClock.Instant) {
        switch action {
        case .fail(_, let failure): failed(failure)
        case .retry(_, let pause): sink.emit(.callRetried, metadata: [.delay: "\(pause)"])
        case .breakerOpened(let operation, let until):
            let wait = now.duration(to: until)
            sink.emit(
                .breakerOpened,
                metadata: [.operation: "\(operation)", .delay: "\(wait)"]
            )
        case .breakerClosed(let operation):
            sink.emit(.breakerClosed, metadata: [.operation: "\(operation)"])
        case .becameReady: sink.emit(.poolReady)
        case .becameFailed(let reason): sink.emit(.poolFailed, metadata: [.reason: "\(reason)"])
        case .send, .cancel, .start, .stop, .finished: break
        }
    }

    private func failed(_ failure: CallFailure) {
        switch failure {
        case .deadlineExceeded: sink.emit(.callExpired)
        case .workerCrashed, .workerSilent: sink.emit(.callLost)
        case .displaced, .circuitOpen, .quarantined: refused(failure)
        case .cancelled, .queueFull, .rateLimited, .poolFailed, .shuttingDown: break
        }
    }
}
