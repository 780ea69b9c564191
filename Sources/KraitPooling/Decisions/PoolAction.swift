/// Names one life of one of a pool's workers: its number stays, each start is a new incarnation.
package struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    package var number: Int
    package var incarnation: Int

    package init(number: Int, incarnation: Int) {
        self.number = number
        self.incarnation = incarnation
    }

    package var description: String { "\(number).\(incarnation)" }
}

/// What the pool's shell is to do.
package enum PoolAction: Equatable, Sendable {
    /// Send this queued call, whose slot is taken already.
    case send(CallID, to: WorkerID)
    /// Tell the worker that nobody waits for the call any more.
    case cancel(CallID, at: WorkerID)
    /// Tell the worker that the reader of a stream takes so much more.
    case credit(CallID, UInt32, at: WorkerID)
    /// The worker broke the protocol; it finishes what it has and is replaced.
    case distrusted(WorkerID, ExchangeViolation)
    /// End the caller's wait.
    case fail(CallID, CallFailure)
    /// Ask a worker that is to leave for a session's state, which nobody else has.
    case save(CallID, UInt64, at: WorkerID)
    /// The states of so many sessions since they were last saved are gone with their worker.
    case statesLost(WorkerID, count: Int)
    /// The call's worker is gone; it will be sent again, after a pause at the earliest.
    case retry(CallID, after: Duration)
    /// Calls of the operation are refused from now on, and may pass again.
    case breakerOpened(String, until: Moment)
    case breakerClosed(String)
    case start(WorkerID)
    /// End a worker: at once where it may be stuck, otherwise it may leave by itself.
    case stop(WorkerID, StopReason)
    /// The first worker is ready.
    case becameReady
    /// No worker can be had.
    case becameFailed(String)
    /// Every worker is gone after a drain or a stop.
    case finished
    /// A worker is about to leave, and to be replaced.
    case recycling(WorkerID, RecyclingReason)
    /// The memory limit is below what a worker has when it becomes ready; said once.
    case limitTooLow(Int, baseline: Int)
    /// A failed pool tries to have a worker again, the so-many-th time.
    case recovering(Int)
    /// The workers that are started next are to come from freshly loaded code.
    case startAfresh
    /// Every worker is gone after a drain that is not for good.
    case paused
}

/// Why a worker is ended by its pool.
package enum StopReason: String, Equatable, Sendable {
    /// The pool is closing.
    case closing
    /// It may still be at a call that nobody waits for.
    case stuck
    /// It was to leave, and has not finished its calls in time.
    case overdue
}

/// Why a call that the pool had accepted, or refused, has no answer.
package enum CallFailure: Equatable, Sendable {
    case cancelled(sent: Bool)
    case deadlineExceeded(sent: Bool)
    case queueFull(limit: Int)
    /// A more urgent call, or one of a caller with fewer, took its place in a full queue.
    case displaced(limit: Int, sent: Bool)
    /// The caller or the pool has used up its rate; for how long.
    case rateLimited(Duration)
    /// The operation's breaker is open; for how long.
    case circuitOpen(String, Duration)
    /// Workers died of this very call; how often, and how the last time.
    case quarantined(deaths: Int, ending: String, sent: Bool)
    case workerCrashed(WorkerID, String)
    case workerSilent(WorkerID)
    /// The worker broke the protocol within this call.
    case protocolViolated(WorkerID, String)
    case poolFailed(String, sent: Bool)
    case shuttingDown(sent: Bool)
    case poolDrained(sent: Bool)
    /// No worker has the call's session: the call is to come again with what is kept of it.
    case sessionMoved(sent: Bool)
}

/// How a worker's life ended.
package enum WorkerExit: Equatable, Sendable {
    /// It was asked to end.
    case stopped
    /// It ended by itself after it had been ready; with its exit status in words.
    case crashed(String)
    /// It was ended because it no longer showed a sign of life.
    case silent
    /// It never became ready; with the reason in words.
    case failedToStart(String)
    /// It never became ready and no other try can help (the adapter cannot be loaded).
    case cannotStart(String)
}
