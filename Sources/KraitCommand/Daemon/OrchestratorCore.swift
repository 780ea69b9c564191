import Krait
import KraitWire

/// What a daemon serves: an orchestrator with the pools of a configuration.
struct OrchestratorCore: DaemonCore {
    private let orchestrator: Orchestrator
    private let endings: AsyncStream<Ending>
    private let end: AsyncStream<Ending>.Continuation

    private enum Ending { case drain, stop }

    init(_ plan: DaemonPlan) {
        (endings, end) = AsyncStream.makeStream()
        let configuration = plan.configuration
        let settings = OrchestratorSettings(
            runFolder: plan.directory.path,
            run: plan.run,
            policy: configuration.routing,
            drainTimeout: configuration.drainTimeout,
            logger: plan.logger,
            gateway: LMGateway(cache: configuration.cache, logger: plan.logger)
        )
        orchestrator = Orchestrator(name: configuration.name, settings: settings) {
            configuration.pools
            configuration.fallbacks
        }
    }

    func run(_ report: @escaping @Sendable (StartProgress) -> Void) async throws {
        try await orchestrator.running { krait in
            try await krait.ready { pool in report(.step("pool \(pool): ready")) }
            report(.ready)
            await self.serve(krait)
        }
    }

    /// Returns when what ran has finished, or was stopped.
    private func serve(_ krait: Orchestrator) async {
        await withDiscardingTaskGroup { group in
            for await ending in endings {
                switch ending {
                case .drain:
                    group.addTask {
                        await krait.drain()
                        end.finish()
                    }
                case .stop:
                    await krait.stop()
                    return
                }
            }
        }
    }

    func status() async -> Value { await orchestrator.status().value }

    func call(_ call: Call) async throws(CallError) -> Reply {
        try await orchestrator.call(call)
    }

    func stream(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Reply {
        let stream = orchestrator.stream(call)
        do {
            for try await chunk in stream { try await receive(chunk) }
        } catch let error as ControlFailure {
            throw error
        } catch let error as CallError {
            throw ControlFailure(error)
        } catch {
            throw .failed("\(error)")
        }
        guard let reply = stream.reply else { throw .failed("the stream ended without a reply") }
        return reply
    }

    func explain(operation: String) async throws -> Value {
        try orchestrator.explain(operation).value
    }

    func lm(by grouping: LMLedger.Grouping, last: Int) async -> Value {
        orchestrator.ledger.value(by: grouping, last: last)
    }

    func steer(_ request: SteeringRequest) async throws(CallError) -> Value {
        let (pool, waiting) = (request.pool, request.waiting)
        switch request.change {
        case .resize(let workers):
            try await orchestrator.resize(pool: pool, to: workers, waiting: waiting)
        case .drain(let patience):
            try await orchestrator.drain(pool: pool, within: patience, waiting: waiting)
        case .resume: try await orchestrator.resume(pool: pool, waiting: waiting)
        case .recycle: try await orchestrator.recycle(pool: pool, waiting: waiting)
        }
        let status = await orchestrator.status()
        return status.pools.first { $0.name == pool }?.value ?? .null
    }

    func drain() async { end.yield(.drain) }

    func stop() async { end.yield(.stop) }
}
