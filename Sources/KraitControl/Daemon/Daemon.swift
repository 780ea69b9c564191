import CProcessSupport
import Glibc
import KraitObservability

/// A daemon's whole life: the core, the control socket and the signals, until the core ends.
package struct Daemon: Sendable {
    let core: any DaemonCore
    let record: DaemonRecord
    let logger: Logger
    /// Told how the start goes, and once `.ready`.
    let report: @Sendable (StartProgress) -> Void
    /// Told how the daemon is, where one is there.
    let manager: ServiceNotifier?
    /// Whether the process is this daemon's alone, so that its heap may be kept small.
    let ownsProcess: Bool
    /// How long the core may take to end once it is told to do so at once.
    let patience: Duration
    /// Called when it has not: ends the process, whose workers notice and end as well.
    let overdue: @Sendable () -> Void

    package init(
        core: any DaemonCore,
        record: DaemonRecord,
        logger: Logger,
        report: @escaping @Sendable (StartProgress) -> Void,
        manager: ServiceNotifier? = nil,
        ownsProcess: Bool = false,
        patience: Duration = .seconds(5),
        overdue: @escaping @Sendable () -> Void = {}
    ) {
        self.core = core
        self.record = record
        self.logger = logger
        self.report = report
        self.manager = manager
        self.ownsProcess = ownsProcess
        self.patience = patience
        self.overdue = overdue
    }

    /// Serves at the socket of a run directory, and says there who it is; see `run(listener:)`.
    package func run(
        in claimed: borrowing ClaimedRunDirectory,
        signals: TerminationSignals
    ) async throws -> Bool {
        // Only when the record says who this is can a client find the socket.
        try claimed.write(record)
        let listener = try UnixSocket.listen(at: claimed.directory.controlSocket, backlog: 64)
        return try await run(listener: listener, signals: signals)
    }

    /// Serves until it is told to stop, by a signal or over the socket, and what ran has ended.
    ///
    /// The first SIGTERM or SIGINT drains, a second stops at once. Before it is ready there is
    /// nothing to drain: the first one gives up the start. Throws what the core throws: before it
    /// was ready, why it could not start.
    ///
    /// - Returns: true where it was cut short by a second signal or `stop --now`, or before it was
    ///   ready.
    func run(listener: consuming Descriptor, signals: TerminationSignals) async throws -> Bool {
        if ownsProcess { krait_keep_heap_small() }
        let server = try LineServer(listener, limits: LineServerLimits())
        let ending = Ending(core: core, logger: logger, manager: manager)
        let service = ControlService(
            core: core,
            record: record,
            stop: ending.begin,
            events: EventSink(logger: logger)
        )
        let handler = service.handler(lineBytes: server.limits.lineBytes)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await serve(ending)
                return true
            }
            group.addTask {
                try await server.run(handler)
                return false
            }
            group.addTask {
                var isFirst = true
                for await _ in signals {
                    await ending.begin(now: !isFirst)
                    isFirst = false
                }
                return false
            }
            group.addTask {
                try await keepManagerAssured()
                return false
            }
            if ownsProcess {
                group.addTask {
                    try await trimHeap()
                    return false
                }
            }
            group.addTask {
                guard await ending.untilCutShort() else { return false }
                // Cancelled where the core has ended in time.
                try await Task.sleep(for: patience)
                logger.error("still not stopped; ending the process")
                overdue()
                return false
            }
            // The core's end is the daemon's; the others end before it only by an error.
            while let isCore = try await group.next(), !isCore {}
            group.cancelAll()
        }
        return ending.wasCutShort
    }

    /// Tells the manager again and again that the daemon is alive, where it wants to hear that.
    ///
    /// The status comes by way of every pool's thread, so that one which hangs is silent here.
    private func keepManagerAssured() async throws {
        guard let manager, let interval = manager.watchdogInterval else { return }
        while true {
            _ = await core.status()
            // One that is given up at the end has not been seen to live.
            try Task.checkCancellation()
            manager.notify(.watchdog)
            try await Task.sleep(for: interval)
        }
    }

    /// Gives memory that bursts of large calls have left behind back to the system.
    ///
    /// Not in a program of somebody else's, who may have a heap of another kind.
    private func trimHeap() async throws {
        while true {
            try await Task.sleep(for: .seconds(30))
            krait_trim_heap()
        }
    }

    /// Runs the core, in a group of its own so that giving up the start cancels it alone.
    private func serve(_ ending: Ending) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await core.run { progress in
                    guard ending.accepts(progress) else { return }
                    report(progress)
                    switch progress {
                    case .step(let text): manager?.notify(.status(text))
                    case .ready: manager?.notify(.ready, .status("ready"))
                    }
                }
                return true
            }
            group.addTask {
                await ending.untilAbandoned()
                return false
            }
            let hasEnded = try await group.next() ?? true
            group.cancelAll()
            // What a start says when it is given up is no reason of anything.
            while !hasEnded, await group.nextResult() != nil {}
        }
    }
}

/// The one way to the end, from wherever it is asked for.
private final class Ending: Sendable {
    private struct State {
        var isReady = false
        var isDraining = false
        var isCutShort = false
        var isStopped = false
    }

    private enum Step { case nothing, abandon, drain, stop }

    private let core: any DaemonCore
    private let logger: Logger
    private let manager: ServiceNotifier?
    private let state = Lock(State())
    private let abandonments: AsyncStream<Void>
    private let abandonment: AsyncStream<Void>.Continuation
    private let cuts: AsyncStream<Void>
    private let cut: AsyncStream<Void>.Continuation

    init(core: any DaemonCore, logger: Logger, manager: ServiceNotifier?) {
        self.core = core
        self.logger = logger
        self.manager = manager
        (abandonments, abandonment) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        (cuts, cut) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    var wasCutShort: Bool { state.withLock(\.isCutShort) }

    /// Whether progress still counts: a start that was given up makes none.
    func accepts(_ progress: StartProgress) -> Bool {
        state.withLock { state in
            if progress == .ready, !state.isCutShort { state.isReady = true }
            return !state.isCutShort
        }
    }

    /// Returns when the start is given up, or the task is cancelled.
    func untilAbandoned() async {
        for await _ in abandonments { return }
    }

    /// True when what runs is not waited for any more; false when the task is cancelled before.
    func untilCutShort() async -> Bool {
        for await _ in cuts { return true }
        return false
    }

    @Sendable func begin(now: Bool) async {
        switch state.withLock({ Self.step(&$0, now: now) }) {
        case .nothing:
            break
        case .abandon:
            logger.notice("giving up the start")
            manager?.notify(.stopping, .status("giving up the start"))
            cut.yield()
            abandonment.yield()
        case .drain:
            manager?.notify(.stopping, .status("finishing the calls that run"))
            await core.drain()
        case .stop:
            logger.notice("stopping at once")
            manager?.notify(.stopping, .status("stopping at once"))
            cut.yield()
            await core.stop()
        }
    }

    /// Decides what being told to end means now; each step is taken once.
    private static func step(_ state: inout State, now: Bool) -> Step {
        if !state.isReady, !state.isCutShort {
            state.isCutShort = true
            return .abandon
        }
        if now {
            defer { (state.isCutShort, state.isStopped) = (true, true) }
            return state.isStopped ? .nothing : .stop
        }
        defer { state.isDraining = true }
        return state.isDraining || state.isCutShort ? .nothing : .drain
    }
}
