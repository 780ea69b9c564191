import KraitZeroMQ

/// How one forkserver takes another's place: the new one loads the adapter while the old one still
/// serves, and the old one ends with its last worker.
extension Forkserver {
    /// Starts the forkserver where it does not run, and waits until it has loaded the adapter.
    package func load() async throws(LaunchError) {
        let error: LaunchError? = await withCheckedContinuation { waiter in
            switch state {
            case .running: waiter.resume(returning: nil)
            case .stopped: waiter.resume(returning: Self.closing)
            case .loading: loaders.append(waiter)
            case .idle:
                do throws(LaunchError) {
                    try start()
                    loaders.append(waiter)
                } catch {
                    waiter.resume(returning: error)
                }
            }
        }
        if let error { throw error }
    }

    /// Makes no more workers, and ends once those it has made are gone.
    package func retire() {
        isRetiring = true
        endIfRetired()
    }

    /// Whether nothing of it is left.
    package var isEnded: Bool {
        guard case .stopped(let last) = state else { return false }
        return last?.isGone ?? true
    }

    func endIfRetired() {
        guard isRetiring, workers.isEmpty else { return }
        switch state {
        case .idle: state = .stopped(nil)
        case .stopped: break
        case .loading(let running, let timer):
            thread.cancel(timer)
            running.process?.kill()
            end(running)
        case .running(let running):
            _ = thread.schedule(at: .now + Self.stopPatience) { running.process?.kill() }
            end(running)
        }
    }

    func tellLoaders(_ error: LaunchError?) {
        for loader in loaders { loader.resume(returning: error) }
        loaders = []
    }
}
