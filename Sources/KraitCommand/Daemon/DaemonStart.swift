import Glibc
import Krait
import KraitControl
import KraitObservability

/// Starts a daemon in this process, serves, and takes away what it made.
struct DaemonStart: Sendable {
    let configuration: Configuration
    let directory: RunDirectory
    /// Nil for text, coloured where the log is a terminal.
    let logFormat: LogFormat?
    /// Started by `DetachedStart`, which reads `StartReporter.descriptor`.
    let isDetached: Bool
    /// Told when the daemon is ready, and that it lives.
    var manager: ServiceNotifier?
    /// What ends the daemon; tests, which share their process, send another signal.
    var interruptions = TerminationSignals.usual

    func run(
        _ makeCore: @Sendable (DaemonPlan) throws -> any DaemonCore
    ) async throws -> ExitCode {
        Self.leaveNoCores()
        let reporter = isDetached ? StartReporter() : nil
        // From here on, so that no signal ends the process while it has something to take away.
        let signals = TerminationSignals(interruptions)
        // The daemon's loop ends before the folder is removed; an impatient signal waits for that.
        let shield = TerminationSignals(interruptions)
        defer { withExtendedLifetime(shield) {} }
        do {
            return try await serve(signals, reporter, makeCore)
        } catch {
            let failure = Self.failure(error, isReady: reporter?.isReady ?? false)
            reporter?.send(.failed(failure.exitCode, failure.description))
            throw failure
        }
    }

    /// Claims the folder, serves, and removes the folder whatever came of it.
    private func serve(
        _ signals: TerminationSignals,
        _ reporter: StartReporter?,
        _ makeCore: @Sendable (DaemonPlan) throws -> any DaemonCore
    ) async throws -> ExitCode {
        let claimed = try ClaimedRunDirectory(directory)
        let end: Result<ExitCode, any Error>
        do {
            let logger = try makeLogger()
            let isCut = try await serve(claimed, signals, logger, reporter, makeCore)
            end = .success(isCut ? .interrupted : .ok)
        } catch {
            end = .failure(error)
        }
        // The log of a daemon that failed after its start is the only place that says why.
        if isDetached, case .failure = end, reporter?.isReady ?? false {
            try claimed.remove(keepingLogs: true)
        } else {
            try claimed.remove()
        }
        return try end.get()
    }

    private func serve(
        _ claimed: borrowing ClaimedRunDirectory,
        _ signals: TerminationSignals,
        _ logger: Logger,
        _ reporter: StartReporter?,
        _ makeCore: @Sendable (DaemonPlan) throws -> any DaemonCore
    ) async throws -> Bool {
        let record = DaemonRecord(run: Self.newRun(), name: configuration.name)
        let plan = DaemonPlan(
            configuration: configuration,
            directory: directory,
            run: record.run,
            logger: logger
        )
        let daemon = Daemon(
            core: try makeCore(plan),
            record: record,
            logger: logger,
            report: { progress in
                switch progress {
                case .step(let text): logger.info("\(text)")
                case .ready: logger.notice("ready")
                }
                reporter?.send(.progress(progress))
            },
            manager: manager,
            ownsProcess: true,
            overdue: { [directory] in
                ClaimedRunDirectory.removeAtOnce(directory)
                _exit(ExitCode.interrupted.rawValue)
            }
        )
        logger.info("starting in \(directory.path)")
        return try await daemon.run(in: claimed, signals: signals)
    }

    /// The daemon's log: standard error, or for a detached one a file of bounded size.
    private func makeLogger() throws -> Logger {
        let level = configuration.logLevel
        guard isDetached else {
            let handler: LineLogHandler =
                logFormat.map { .standardError($0) } ?? .standardError()
            return Logger(label: "krait", handler: handler, level: level)
        }
        // What the system itself has to say of this process goes there as well.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW
        let log = try Descriptor.open(directory.log, flags)
        dup2(log.number, STDOUT_FILENO)
        dup2(log.number, STDERR_FILENO)
        let handler: LineLogHandler = try .file(at: directory.log, format: logFormat ?? .text)
        return Logger(label: "krait", handler: handler, level: level)
    }

    /// A core of the daemon or of a worker would hold keys and payloads.
    ///
    /// Only the soft limit: who looks for a crash in C code raises it again (`prlimit --core`).
    private static func leaveNoCores() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_CORE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = 0
        setrlimit(resource, &limit)
    }

    /// Tells runs apart, also two of one second.
    private static func newRun() -> String {
        let number = UInt64.random(in: 0 ... .max)
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func failure(_ error: any Error, isReady: Bool) -> CommandFailure {
        switch error {
        case let failure as CommandFailure: failure
        case let problems as ConfigurationProblems:
            CommandFailure(.configuration, problems.description)
        default: CommandFailure(isReady ? .failed : .startFailed, "\(error)")
        }
    }
}

/// What a core is made from.
struct DaemonPlan: Sendable {
    let configuration: Configuration
    let directory: RunDirectory
    /// The run's id: in `status`, in the record, and in what the workers are told.
    let run: String
    let logger: Logger

    /// The core of an orchestrator with the configuration's parts.
    var core: any DaemonCore {
        let settings = OrchestratorSettings(
            run: run,
            policy: configuration.routing,
            drainTimeout: configuration.drainTimeout,
            logger: logger,
            gateway: LMGateway(cache: configuration.cache, logger: logger),
            sessions: configuration.sessions
        )
        let orchestrator = Orchestrator(name: configuration.name, settings: settings) {
            configuration.pools
            configuration.fallbacks
        }
        return OrchestratorCore(
            orchestrator,
            in: directory.path,
            state: directory.stateFolder(environment: CommandContext.processEnvironment()),
            needsPools: true
        )
    }
}
