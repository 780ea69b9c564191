import KraitObservability
import KraitPooling
import KraitRouting
import KraitSignatures
import KraitSupervision
import KraitWire
import KraitZeroMQ

/// Krait in a program: its pools of Python workers, its native implementations, and the router
/// between them.
///
/// Declare the parts, then either `run()` it as a service or use it within `running { … }`. Calls
/// may be made from any task while it runs; before and after they fail with `shutting_down`.
public final class Orchestrator: Sendable {
    /// How logs and `krait status` call it.
    public let name: String
    let settings: OrchestratorSettings
    let parts: [OrchestratorPart]
    let runtime = Runtime()
    let runs = PipelineRuns()
    let book: SessionBook
    let events: EventSink
    /// What no log, error or status may hold.
    let secrets: Secrets
    /// Names this run in logs and status.
    let run: String
    let startInstant = ContinuousClock.now

    /// Declares an orchestrator; nothing starts yet.
    ///
    /// - Parameters:
    ///   - name: how logs and `krait status` call it.
    ///   - settings: where it keeps its socket, how it routes and logs.
    ///   - parts: its pools and native implementations. Two of one name are an error of `run`.
    public init(
        name: String,
        settings: OrchestratorSettings = OrchestratorSettings(),
        @OrchestratorBuilder parts: () -> [OrchestratorPart]
    ) {
        self.name = name
        self.parts = parts()
        var settings = settings
        secrets = Self.secrets(of: self.parts.compactMap(\.pool), settings.environment)
        settings.logger = settings.logger.redacting(secrets)
        self.settings = settings
        run = settings.run ?? String(UInt64.random(in: .min ... .max), radix: 16)
        var logger = settings.logger
        logger[metadataKey: .run] = .string(run)
        events = EventSink(logger: logger)
        book = SessionBook(limits: settings.sessions.limits, events: events)
    }

    var pools: [PythonPool] {
        parts.compactMap(\.pool)
    }

    var fallbacks: [Fallback] { parts.compactMap(\.fallback) }

    var fallbackChains: FallbackChains {
        FallbackChains(Dictionary(fallbacks.map { ($0.operation, $0.routes) }) { $0 + $1 })
    }

    /// The native implementations; throws where one's signature does not hold together.
    func natives() throws(SchemaError) -> [Registry.Native] {
        var natives: [Registry.Native] = []
        for part in parts { natives += try part.natives }
        return natives
    }

    /// Runs for as long as `body` does, and leaves nothing behind.
    ///
    /// Pools start meanwhile; a call that comes early waits for its pool. See `run()` for a
    /// service, which the commands of `krait` reach.
    ///
    /// - Throws: what keeps it from starting, a mistake in one of its pipelines too, and what
    ///   `body` throws.
    public func running<Result: Sendable>(
        _ body: @escaping @Sendable (Orchestrator) async throws -> Result
    ) async throws -> Result {
        try await running(in: nil, body)
    }

    /// - Parameters:
    ///   - folder: where its sockets are; nil leaves that to the settings.
    ///   - state: where it keeps what outlives it, unless the settings say.
    func running<Result: Sendable>(
        in folder: String?,
        state: String? = nil,
        _ body: @escaping @Sendable (Orchestrator) async throws -> Result
    ) async throws -> Result {
        let outcome = Lock<Swift.Result<Result, any Error>?>(nil)
        try await serve(in: folder, state: state) { orchestrator in
            do {
                try orchestrator.checkPipelines()
                let result = try await body(orchestrator)
                outcome.withLock { $0 = .success(result) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
        }
        guard let outcome = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try outcome.get()
    }

    /// Waits until every worker of every pool is ready, or has failed to be and will be tried
    /// again.
    ///
    /// What the pools offer is then known, and the pipelines are validated against it.
    ///
    /// - Parameter onPool: told of each pool that is ready.
    /// - Throws: `pool_failed` with the reason as soon as one cannot become so; the first mistake
    ///   of a pipeline, such as an operation that nobody offers, with the path to its step.
    public func ready(onPool: (String) -> Void = { _ in }) async throws(CallError) {
        for pool in runtime.pools {
            switch await pool.workers.settled() {
            case .starting, .ready: onPool(pool.name)
            case .failed(let reason): throw CallError(.poolFailed, reason, pool: pool.name)
            case .pausing, .paused:
                throw CallError(.poolDrained, "the pool was drained", pool: pool.name)
            case .draining, .closed:
                throw CallError(.shuttingDown, "the pool is shutting down", pool: pool.name)
            }
        }
        try checkPipelines()
    }

    /// Where calls begin and end without a change of threads, for code that mostly makes calls:
    /// `try await krait.caller.run { _ in try await krait.call(…) }`.
    ///
    /// It is one thread, shared with the sockets: long computation does not belong on it. It is
    /// there while the orchestrator runs; to ask for it before or after is a programming error.
    public var caller: CallingActor {
        guard let transport = runtime.transport else {
            preconditionFailure("an orchestrator has a caller only while it runs")
        }
        return CallingActor(transport.thread)
    }
}

/// Runs code on the thread where calls begin and end; see `Orchestrator.caller`.
public actor CallingActor {
    private nonisolated let thread: IOThread

    init(_ thread: IOThread) { self.thread = thread }

    /// The thread of the sockets.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Runs `body` on the actor: other bodies run whenever this one waits.
    ///
    /// What waits on an actor goes on by way of its task's executor, which without a preference is
    /// the process's thread pool: two wakings of a thread for each call. Hence the preference.
    public func run<Result: Sendable>(
        _ body: @Sendable (isolated CallingActor) async throws -> Result
    ) async rethrows -> Result {
        try await withTaskExecutorPreference(thread) { try await body(self) }
    }
}
