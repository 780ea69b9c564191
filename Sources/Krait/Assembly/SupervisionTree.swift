import KraitControl
import KraitLM
import KraitObservability
import KraitPooling
import KraitRouting
import KraitSupervision
import KraitWire
import KraitWorkers
import KraitZeroMQ

extension Orchestrator {
    /// Runs the tree for as long as `body` runs, and takes it down afterwards.
    ///
    /// ```
    /// root (rest-for-one, 3 in 5 s)
    /// ├─ transport       the I/O thread and the ROUTER socket
    /// ├─ sessions        what is kept of them, in a file
    /// ├─ pools           (one-for-one)
    /// │  └─ "general"    leases, workers and their forkserver
    /// └─ reaper          what dead runs have left
    /// ```
    /// A forkserver is not a child of its own: it is restarted by its pool's decisions, with their
    /// backoff, and the pool's queue outlives it.
    ///
    /// - Parameters:
    ///   - given: the folder of the sockets; nil leaves it to the settings.
    ///   - state: the folder of what outlives the run, unless the settings say.
    func serve(
        in given: String?,
        state: String? = nil,
        _ body: @escaping @Sendable (Orchestrator) async -> Void
    ) async throws {
        try checkNames()
        let folder = try RunFolder(given ?? settings.runFolder)
        defer { folder.remove() }
        let reaper = Reaper(mark, events: events)
        // Whatever the workers' own children have hidden from their workers' ends.
        defer { reaper.sweepOwnRun() }
        let root = Supervisor("root", strategy: .restForOne, events: events) {
            Child("transport") { started in
                try await self.serveTransport(in: folder.path, started)
            }
            Child("sessions") { started in
                let sessions = self.settings.sessions
                let path = sessions.folder ?? state ?? folder.path
                await self.book.serve(in: path, bytes: sessions.bytes, started) { over in
                    for session in over {
                        let pool = self.runtime.pools.first { $0.name == session.pool }
                        pool?.backend.tell(session)
                    }
                }
            }
            Child("pools", shutdown: .infinite, startLimit: nil) { self.poolSupervisor() }
            Child("reaper") { started in
                started()
                while !Task.isCancelled {
                    reaper.sweep()
                    try? await Task.sleep(for: Reaper.interval)
                }
            }
        }
        events.emit(.daemonStarted)
        defer { events.emit(.daemonStopped) }
        let (starts, start) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { start.finish() }
                try await root.run(started: StartSignal { start.yield() })
            }
            group.addTask {
                for await _ in starts { return await body(self) }
            }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// What says of a process that it is of this run.
    private var mark: RunMark { RunMark(run: run) }

    /// Refuses two parts of one name, and counts out of range, before anything starts.
    private func checkNames() throws {
        var names: Set<String> = []
        for pool in pools where !names.insert(pool.name).inserted {
            throw CallError(.unknownPool, "two pools are named `\(pool.name)`; rename one")
        }
        var pipelines: Set<String> = []
        for pipeline in namedPipelines where !pipelines.insert(pipeline.name).inserted {
            let message = "two pipelines are named `\(pipeline.name)`; rename one"
            throw CallError(.invalidInput, message)
        }
        for pool in pools {
            let limits = [
                ("workers", pool.workers, Self.poolSizes.upperBound),
                ("slots", pool.slots, Limits.slots),
                ("maxCalls", pool.maxCalls ?? 1, Int.max),
                ("maxMemory", pool.maxMemory ?? 1, Int.max),
                ("arena", pool.arena ?? 1, Limits.attachmentBytes),
                ("payloadLimit", pool.payloadLimit, Limits.attachmentBytes),
            ]
            for (setting, value, maximum) in limits where !(1...maximum).contains(value) {
                throw CallError(
                    .invalidInput,
                    "`\(setting)` of the pool `\(pool.name)` is \(value); it is 1 to \(maximum)"
                )
            }
            for (setting, value) in [("maxAge", pool.maxAge), ("recoverAfter", pool.recoverAfter)]
            where value.map({ $0 < .milliseconds(100) }) ?? false {
                throw CallError(
                    .invalidInput,
                    "`\(setting)` of the pool `\(pool.name)` is \(value ?? .zero); it is 100 ms "
                        + "or more"
                )
            }
            let isLimited = pool.memoryLimit.map { $0 > 0 } ?? true
            guard isLimited, pool.cpuLimit.map({ $0 > .zero }) ?? true else {
                throw CallError(
                    .invalidInput,
                    "a limit of the pool `\(pool.name)` is not above zero; nil is no limit"
                )
            }
        }
        for pool in pools {
            try checkEndpoint(of: pool)
            try checkGuests(of: pool)
        }
        try checkFallbacks(names)
        _ = try Registry(natives: natives())
    }

    private func checkFallbacks(_ pools: Set<String>) throws(CallError) {
        for fallback in fallbacks {
            for case .pool(let name) in fallback.routes where !pools.contains(name) {
                throw CallError(
                    .unknownPool,
                    "the fallback of `\(fallback.operation)` names the pool `\(name)`, which is "
                        + "not declared"
                )
            }
        }
    }

    /// TCP is what there is beside the socket file, and never without keys.
    private func checkEndpoint(of pool: PythonPool) throws(CallError) {
        guard let endpoint = pool.endpoint else { return }
        let rest = endpoint.hasPrefix("tcp://") ? endpoint.dropFirst(6) : ""
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        let isPort = parts.last.map { $0 == "*" || UInt16($0) ?? 0 > 0 } ?? false
        guard parts.count > 1, isPort, parts.allSatisfy({ !$0.isEmpty }) || rest.hasPrefix("[")
        else {
            throw CallError(
                .invalidInput,
                "`endpoint` of the pool `\(pool.name)` is not tcp://HOST:PORT"
            )
        }
        do throws(ZeroMQError) {
            _ = try CurveKeys.generate()
        } catch {
            throw CallError(.invalidInput, "the pool `\(pool.name)` needs CURVE for TCP: \(error)")
        }
    }

    private func poolSupervisor() -> Supervisor<ContinuousClock> {
        Supervisor("pools", strategy: .oneForOne, events: events) {
            for pool in pools {
                // Transient: a pool that has drained is done, one that failed is restarted.
                Child(
                    "\(pool.name)",
                    restart: .transient,
                    shutdown: .graceful(within: .seconds(15))
                ) {
                    started in try await self.servePool(pool, started)
                }
            }
        }
    }

    private func serveTransport(
        in folder: String,
        _ started: StartSignal
    ) async throws {
        let transport = try await Transport.open(
            in: folder,
            largestPayload: pools.map(\.payloadLimit).max() ?? 0,
            events: events
        )
        try runtime.open(
            transport,
            natives: natives(),
            policy: settings.policy,
            fallbacks: fallbackChains,
            strategy: settings.strategy ?? (settings.policy == .fastest ? FastestRoute() : nil),
            middlewares: parts.compactMap(\.middleware)
        )
        started()
        await untilCancelled()
        runtime.close()
        await transport.close()
    }

    private func servePool(_ pool: PythonPool, _ started: StartSignal) async throws {
        guard let shared = runtime.transport else { return }
        var events = events
        events[metadataKey: .pool] = .string(pool.name)
        guard let endpoint = pool.endpoint else {
            return try await servePool(pool, started, over: shared, nil, events)
        }
        let join = try pool.joinKeys.map { try JoinKeys.read($0, pool: pool.name) }
        let own = try await shared.bound(
            to: endpoint,
            keys: join?.server,
            largestPayload: pool.payloadLimit,
            events: events
        )
        do {
            try await servePool(pool, started, over: own, join, events)
        } catch {
            await own.unbind()
            throw error
        }
        await own.unbind()
    }

    private func servePool(
        _ pool: PythonPool,
        _ started: StartSignal,
        over transport: Transport,
        _ join: JoinKeys?,
        _ events: EventSink
    ) async throws {
        var logger = settings.logger
        logger[metadataKey: .pool] = .string(pool.name)
        let forkservers = Forkservers { [events, logger] in
            Forkserver(
                self.forkserverSettings(of: pool),
                on: transport.thread,
                events: events,
                logger: logger
            )
        }
        let isLocal = transport.endpoint.hasPrefix("ipc://")
        let arena = isLocal ? pool.arena.map { Arena(limit: $0) } : nil
        let source = PythonWorkerSource(
            pool: pool.name,
            transport: transport,
            forkservers: forkservers,
            settings: WorkerSettings(
                slots: pool.slots,
                codec: pool.codec,
                heartbeat: pool.heartbeat,
                startPatience: pool.startTimeout,
                limits: pool.workerLimits,
                payloadLimit: pool.payloadLimit,
                compression: pool.compressionRule,
                compressesForAll: pool.compression != .automatic
            ),
            arena: arena,
            events: events,
            logger: logger,
            secrets: secrets,
            operations: { [runtime] in runtime.operations(of: pool.name) }
        ) { [runtime] in runtime.offered(Set($0.map(\.name)), by: pool.name) }
        let workers = WorkerPool(
            name: pool.name,
            configuration: pool.decisions,
            source: source,
            executor: transport.thread,
            events: events,
            keeper: book
        )
        let backend = PoolBackend(
            pool: workers,
            codec: pool.codec,
            timeout: pool.timeout,
            memoryLimit: pool.memoryLimit,
            secrets: secrets,
            arena: arena,
            payloadLimit: pool.payloadLimit,
            compression: pool.compressionRule,
            lm: LM(ofPool: pool.adapter.options["lm"]?.map, gateway: settings.gateway),
            sessions: book
        )
        try runtime.add(Runtime.Pool(name: pool.name, workers: workers, backend: backend))
        let door = RemoteDoor(source, workers)
        if let join { await door.open(with: join) }
        started()
        await workers.run()
        // The courier does not hold it.
        withExtendedLifetime(door) {}
        arena?.close()
        await forkservers.stop()
    }

    private func forkserverSettings(of pool: PythonPool) -> ForkserverSettings {
        var inherited = settings.environment ?? ProcessEnvironment.all()
        // Nothing that the daemon starts is to speak to its manager.
        for name in ServiceNotifier.variables { inherited[name] = nil }
        let python: Result<PythonEnvironment, LaunchError>
        do throws(LaunchError) {
            python = .success(
                try PythonEnvironment.find(
                    named: pool.python,
                    environment: inherited,
                    from: ProcessEnvironment.workingFolder()
                )
            )
        } catch {
            python = .failure(error)
        }
        return ForkserverSettings(
            pool: pool.name,
            python: python,
            adapter: pool.adapter.name,
            options: pool.adapter.options,
            path: pool.path,
            mode: pool.start == .fork ? .fork : .exec,
            environment: inherited.merging(pool.environment) { $1 }
                .merging([RunMark.variable: mark.text]) { $1 },
            patience: pool.startTimeout
        )
    }
}

extension PythonPool {
    fileprivate var workerLimits: WorkerLimits {
        WorkerLimits(
            memoryBytes: memoryLimit,
            cpuSeconds: cpuLimit.map { Int(($0 / .seconds(1)).rounded(.up)) }
        )
    }
}

/// Returns when the task is cancelled.
private func untilCancelled() async {
    for await _ in AsyncStream<Never>.makeStream().stream {}
}
