/// Everything that happens in Krait and is told to the outside: the one table of events.
///
/// The raw name is what logs and metrics carry. Documentation and tests are checked against this
/// table, and an event that nothing emits is not in it.
package enum Event: String, Sendable, Hashable, CaseIterable {
    case daemonStarted = "daemon.started"
    case daemonDraining = "daemon.draining"
    case daemonStopped = "daemon.stopped"

    case controlRefused = "control.refused"

    case poolStarted = "pool.started"
    case poolReady = "pool.ready"
    case poolFailed = "pool.failed"
    case poolRecovering = "pool.recovering"
    case poolResized = "pool.resized"
    case poolRecycling = "pool.recycling"
    case poolLimitTooLow = "pool.limit_too_low"
    case poolDraining = "pool.draining"
    case poolDrained = "pool.drained"
    case poolResumed = "pool.resumed"
    case poolStopped = "pool.stopped"

    case forkserverStarted = "forkserver.started"
    case forkserverFailed = "forkserver.failed"

    case workerStarted = "worker.started"
    case workerJoined = "worker.joined"
    case workerRefused = "worker.refused"
    case workerReady = "worker.ready"
    case workerStartFailed = "worker.start_failed"
    case workerCrashed = "worker.crashed"
    case workerSilent = "worker.silent"
    case workerKilled = "worker.killed"
    case workerRecycled = "worker.recycled"
    case workerStopped = "worker.stopped"
    case workerOutput = "worker.output"

    case callRefused = "call.refused"
    case callExpired = "call.expired"
    case callLost = "call.lost"
    case callRetried = "call.retried"

    case breakerOpened = "breaker.opened"
    case breakerClosed = "breaker.closed"

    case messageRefused = "message.refused"
    case messageUnroutable = "message.unroutable"

    case payloadFramed = "payload.framed"

    case lmCacheFailed = "lm.cache_failed"

    case sessionsLost = "session.lost"
    case sessionsExpired = "session.expired"
    case sessionStoreFailed = "session.store_failed"
    case sessionTooLarge = "session.too_large"

    case reaperKilled = "reaper.killed"
    case reaperRemoved = "reaper.removed"

    case childStarted = "child.started"
    case childFailed = "child.failed"
    case childUnresponsive = "child.unresponsive"
    case childStopped = "child.stopped"
    case supervisorFailed = "supervisor.failed"

    /// How much the event matters.
    package var level: LogLevel { entry.level }

    /// What happened, in one sentence.
    package var documentation: String { entry.documentation }
}

extension Event {
    private struct Entry {
        let level: LogLevel
        let documentation: String

        init(_ level: LogLevel, _ documentation: String) {
            self.level = level
            self.documentation = documentation
        }
    }

    private var entry: Entry {
        switch self {
        case .daemonStarted: Entry(.info, "The daemon is up and answers its control socket.")
        case .daemonDraining:
            Entry(.info, "The daemon takes no new calls and finishes those it has.")
        case .daemonStopped: Entry(.info, "The daemon has stopped everything it started.")
        case .controlRefused:
            Entry(.warning, "Another user's process asked at the control socket and got nothing.")
        case .poolStarted: Entry(.info, "A pool begins to start its workers.")
        case .poolReady: Entry(.info, "A pool has all its workers.")
        case .poolFailed: Entry(.critical, "A pool has no worker and none can be started.")
        case .poolRecovering:
            Entry(.notice, "A pool that failed tries to have a worker again.")
        case .poolResized: Entry(.notice, "A pool is to have another number of workers.")
        case .poolRecycling:
            Entry(.notice, "A pool has loaded its code anew and replaces its workers.")
        case .poolLimitTooLow:
            Entry(.warning, "A pool's memory limit is below what a new worker has: it is not kept.")
        case .poolDrained:
            Entry(.notice, "A pool has no workers and takes no calls until it is resumed.")
        case .poolResumed: Entry(.notice, "A pool takes calls again, or tries again to.")
        case .poolDraining: Entry(.info, "A pool takes no new calls and finishes those it has.")
        case .poolStopped: Entry(.info, "A pool has stopped all its workers.")
        case .forkserverStarted: Entry(.debug, "A forkserver has imported its adapter.")
        case .forkserverFailed: Entry(.error, "A forkserver could not be started, or ended.")
        case .workerStarted: Entry(.debug, "A worker's process runs; it has not spoken yet.")
        case .workerJoined: Entry(.info, "A worker that somebody started elsewhere has come.")
        case .workerRefused: Entry(.warning, "A worker from elsewhere was not taken.")
        case .workerReady: Entry(.debug, "A worker has shaken hands and takes calls.")
        case .workerStartFailed:
            Entry(.error, "A worker ended, or took too long, before it was ready.")
        case .workerCrashed: Entry(.warning, "A ready worker's process ended by itself.")
        case .workerSilent: Entry(.warning, "A worker missed too many heartbeats and is torn down.")
        case .workerKilled: Entry(.notice, "A worker did not leave in time and was killed.")
        case .workerRecycled:
            Entry(.info, "A worker is to leave and be replaced: a limit was reached, or asked for.")
        case .workerStopped: Entry(.debug, "A worker left as it was asked to.")
        case .workerOutput: Entry(.info, "A worker printed a line.")
        case .callRefused:
            Entry(.notice, "A call was refused: the queue is full or the pool not open.")
        case .callExpired: Entry(.notice, "A call's time ran out, in the queue or on a worker.")
        case .callLost: Entry(.warning, "A call's worker went away while it may have run.")
        case .callRetried:
            Entry(.notice, "A call whose worker went away is made again, after a pause.")
        case .breakerOpened:
            Entry(.warning, "An operation kept failing; its calls are refused for a while.")
        case .breakerClosed: Entry(.notice, "An operation works again, and its calls pass.")
        case .messageRefused: Entry(.warning, "A peer sent what the protocol does not allow.")
        case .messageUnroutable:
            Entry(.warning, "A message was for a worker that is not connected.")
        case .payloadFramed:
            Entry(.debug, "Large arguments did not fit into shared memory and went as frames.")
        case .lmCacheFailed:
            Entry(.warning, "Answers of language models could not be kept, or found, on disk.")
        case .sessionsLost:
            Entry(.warning, "A worker ended with what sessions have learnt since they were saved.")
        case .sessionsExpired:
            Entry(.info, "Sessions that nobody has called for their time are over.")
        case .sessionStoreFailed:
            Entry(.error, "What sessions know cannot be written, or read; it is tried again.")
        case .sessionTooLarge:
            Entry(.warning, "A session's state is larger than a checkpoint may be: it is not kept.")
        case .reaperKilled: Entry(.warning, "Processes that an ended run had left were killed.")
        case .reaperRemoved:
            Entry(.notice, "Sockets or shared memory that an ended run had left were removed.")
        case .childStarted: Entry(.debug, "A supervisor's child has started.")
        case .childFailed: Entry(.warning, "A supervisor's child ended against its restart type.")
        case .childUnresponsive: Entry(.error, "A child did not stop within its shutdown time.")
        case .childStopped: Entry(.debug, "A supervisor's child ended as it may or was asked to.")
        case .supervisorFailed:
            Entry(.error, "A supervisor gave up: too many restarts in its window.")
        }
    }
}
