import KraitControl
import KraitLM
import KraitPipelines
import KraitWire

/// What a daemon serves: an orchestrator, its calls and its pipelines.
package struct OrchestratorCore: DaemonCore {
    private let orchestrator: Orchestrator
    private let folder: String
    private let stateFolder: String?
    private let needsPools: Bool
    private let endings: AsyncStream<Ending>
    private let end: AsyncStream<Ending>.Continuation

    private enum Ending { case drain, stop }

    /// - Parameters:
    ///   - folder: where its sockets are.
    ///   - stateFolder: where it keeps what outlives it, unless its settings say.
    ///   - needsPools: whether a pool that fails at the start ends it.
    package init(
        _ orchestrator: Orchestrator,
        in folder: String,
        state stateFolder: String? = nil,
        needsPools: Bool
    ) {
        (endings, end) = AsyncStream.makeStream()
        self.orchestrator = orchestrator
        self.folder = folder
        self.stateFolder = stateFolder
        self.needsPools = needsPools
    }

    package func run(_ report: @escaping @Sendable (StartProgress) -> Void) async throws {
        try await orchestrator.running(in: folder, state: stateFolder) { krait in
            do throws(CallError) {
                try await krait.ready { pool in report(.step("pool \(pool): ready")) }
            } catch {
                guard error.code == .poolFailed, !needsPools else { throw error }
                report(.step("\(error)"))
            }
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

    package func status() async -> Value { await orchestrator.status().value }

    package func call(_ call: Call) async throws(CallError) -> Reply {
        try await orchestrator.call(call)
    }

    package func stream(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Reply {
        let stream: ReplyStream
        do throws(CallError) {
            let (call, tools) = try orchestrator.scored(call)
            stream = orchestrator.stream(call, tools: tools)
        } catch {
            throw ControlFailure(error)
        }
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

    package func explain(operation: String) async throws -> Value {
        try orchestrator.explain(operation).value
    }

    package func lm(by grouping: LMLedger.Grouping, last: Int) async -> Value {
        orchestrator.ledger.value(by: grouping, last: last)
    }

    package func sessions(id: String?, pool: String?) async throws(CallError) -> Value {
        if let id { return try await orchestrator.session(id).status().value }
        let all = await orchestrator.sessions().filter { pool == nil || $0.pool == pool }
        return ["sessions": .list(all.map(\.value))]
    }

    package func steer(_ request: SteeringRequest) async throws(CallError) -> Value {
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

    package func drain() async { end.yield(.drain) }

    package func stop() async { end.yield(.stop) }
}

/// The pipelines, as the socket asks for them.
extension OrchestratorCore {
    package func runPipeline(
        _ request: RunRequest,
        _ receive: (@Sendable (Value) async throws(ControlFailure) -> Void)?
    ) async throws(ControlFailure) -> Value {
        let partial = PartialOutput()
        let listener = RunListener(
            chunk: receive.map(Self.handingOn),
            output: { path, output in partial.take(path, output) }
        )
        let ended: (outcome: Result<Value, CallError>, run: PipelineRun)
        do throws(CallError) {
            let pipeline = try orchestrator.namedPipeline(request.pipeline)
            ended = try await orchestrator.keptRun(
                of: pipeline,
                request.input,
                request.options,
                listener
            )
        } catch {
            throw ControlFailure(error)
        }
        var report = ended.run.value(isWhole: request.isTraced).map ?? [:]
        switch ended.outcome {
        case .success(let value):
            return [
                "value": value, "seconds": .double(ended.run.duration / .seconds(1)),
                "run": .map(report),
            ]
        case .failure(let error):
            report["partial"] = partial.value
            throw ControlFailure(error, run: .map(report))
        }
    }

    private static func handingOn(
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) -> @Sendable (Value) async throws(CallError) -> Void {
        { chunk throws(CallError) in
            do throws(ControlFailure) {
                try await receive(chunk)
            } catch {
                throw error.callError ?? CallError(.cancelled, error.message)
            }
        }
    }

    package func pipelines(plan name: String?) async throws(CallError) -> Value {
        if let name {
            let plan = try orchestrator.namedPipeline(name).plan
            return ["name": .string(name), "text": .string(plan.text), "dot": .string(plan.dot)]
        }
        let all = orchestrator.namedPipelines.map { pipeline -> Value in
            [
                "name": .string(pipeline.name), "input": .string(pipeline.types.input),
                "output": .string(pipeline.types.output),
                "steps": .list(pipeline.plan.parts.map { .string($0.label) }),
            ]
        }
        return ["pipelines": .list(all)]
    }

    package func runs(number: Int?) async throws(CallError) -> Value {
        let kept = orchestrator.runs.kept
        guard let number else {
            let now = ContinuousClock.now
            let all = kept.reversed().map { run -> Value in
                var map = run.value(isWhole: false).map ?? [:]
                map["age_s"] = .double(run.ended.duration(to: now) / .seconds(1))
                return .map(map)
            }
            return ["runs": .list(all)]
        }
        guard let run = kept.first(where: { $0.number == number }) else {
            throw CallError(
                .invalidInput,
                "There is no run \(number) any more; the latest \(Limits.keptRuns) are kept."
            )
        }
        return run.value(isWhole: true)
    }
}
