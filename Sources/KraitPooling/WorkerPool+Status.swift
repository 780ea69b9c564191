/// What the pool says of itself.
extension WorkerPool {
    /// The pool at this moment, for `krait status`.
    package func status() -> Status {
        Status(
            state: machine.state,
            queued: machine.queued,
            served: machine.served,
            target: machine.target,
            now: time.now(),
            nextTry: machine.nextTry,
            breakers: machine.breakers(at: time.now()),
            workers: machine.snapshots().map { ($0, workers[$0.id]?.facts ?? WorkerFacts()) },
            journal: journal
        )
    }

    /// Waits until every worker has become ready, or has failed to once, or the pool failed.
    package func settled() async -> PoolStateMachine.State {
        await withCheckedContinuation { continuation in
            if machine.isSettled {
                continuation.resume()
            } else {
                settlers.append(continuation)
            }
        }
        return machine.state
    }
}
