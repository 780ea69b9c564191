import KraitLM
import KraitObservability
import KraitPooling
import KraitRouting

/// What an orchestrator keeps to, beside its parts.
///
/// The defaults suit most programs.
public struct OrchestratorSettings: Sendable {
    /// The folder of the run's socket, which must exist and be the user's alone; nil makes one
    /// below the system's temporary folder and removes it at the end.
    public var runFolder: String?
    /// The folder of the daemons' folders, for `run()`; nil takes `KRAIT_RUN_DIRECTORY`, or the
    /// user's usual one.
    public var runDirectory: String?
    /// Names the run in logs and status; nil draws one at random.
    public var run: String?
    /// How the router chooses where a call does not say.
    public var policy: RoutingPolicy
    /// Who chooses before the policy does; nil for nobody, or for `FastestRoute` where that is the
    /// policy.
    public var strategy: (any RoutingStrategy)?
    /// How long a draining orchestrator waits for the calls that run.
    public var drainTimeout: Duration
    /// Where logs go.
    public var logger: Logger
    /// Where the requests of pools with `gateway` go.
    public var gateway: LMGateway
    /// How many sessions there may be, and where they are kept.
    public var sessions: SessionSettings
    /// The environment that pools' processes start from; nil takes this process's own.
    public var environment: [String: String]?

    /// Settings, each with its default.
    public init(
        runFolder: String? = nil,
        runDirectory: String? = nil,
        run: String? = nil,
        policy: RoutingPolicy = .preferNative,
        strategy: (any RoutingStrategy)? = nil,
        drainTimeout: Duration = Defaults.drainTimeout,
        logger: Logger = .none,
        gateway: LMGateway = .shared,
        sessions: SessionSettings = SessionSettings(),
        environment: [String: String]? = nil
    ) {
        self.runFolder = runFolder
        self.runDirectory = runDirectory
        self.run = run
        self.policy = policy
        self.strategy = strategy
        self.drainTimeout = drainTimeout
        self.logger = logger
        self.gateway = gateway
        self.sessions = sessions
        self.environment = environment
    }
}

/// How many sessions there may be, and where they are kept.
public struct SessionSettings: Sendable, Equatable {
    /// The folder whose file `sessions.sqlite` keeps them; it is made where it is missing.
    ///
    /// Nil keeps them for the run alone: they outlive their workers, and end with the orchestrator.
    /// `run()` takes the user's usual folder for states then.
    public var folder: String?
    /// How many there may be.
    public var limit: Int
    /// How many sessions one caller may own.
    public var limitPerCaller: Int
    /// How many bytes the file may have; nil for as many as the disk has room for.
    ///
    /// Where it is full, no session begins, and what calls of others leave waits in memory.
    public var bytes: Int?

    /// Settings, each with its default.
    public init(
        folder: String? = nil,
        limit: Int = 100_000,
        limitPerCaller: Int = 100_000,
        bytes: Int? = nil
    ) {
        self.folder = folder
        self.limit = limit
        self.limitPerCaller = limitPerCaller
        self.bytes = bytes
    }

    var limits: SessionLimits {
        SessionLimits(sessions: limit, sessionsPerOwner: limitPerCaller)
    }
}
