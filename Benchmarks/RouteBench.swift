import Krait

/// Measures what a route decision costs: the look-up by itself, and a call of native code through
/// the router beside the same code without it.
package struct RouteBench: Sendable {
    /// One policy's figures, in microseconds.
    package struct Figures: Sendable {
        package var policy: RoutingPolicy
        /// Deciding and recording why, as `krait route explain` does.
        package var decision: Double
        /// A call through the router.
        package var routed: Double
        /// The same call of the code alone.
        package var direct: Double
    }

    private let count = 20_000

    package init() {}

    /// Measures each policy in turn.
    package func run(onFigures: (Figures) throws -> Void) async throws {
        let code = NativeBackend { _ in nil }
        let registry = try Registry(
            natives: [.init("predict:Desk.Polish", backend: code)],
            pools: (1...8).map { .init("pool\($0)", operations: ["predict"], backend: code) }
        )
        let call = Call("predict:Desk.Polish")
        for policy in RoutingPolicy.allCases {
            let strategy = policy == .fastest ? FastestRoute() : nil
            let router = Router(registry: registry, policy: policy, strategy: strategy)
            let decision = try await microseconds { _ = try router.explain(call.operation) }
            let routed = try await microseconds { _ = try await router.call(call) }
            let direct = try await microseconds { _ = try await code.call(call) }
            try onFigures(
                Figures(policy: policy, decision: decision, routed: routed, direct: direct)
            )
        }
    }

    /// The best of some rounds: what the machine does beside it only ever adds.
    private func microseconds(_ body: () async throws -> Void) async throws -> Double {
        var best = Double.infinity
        for _ in 0..<10 {
            let start = ContinuousClock.now
            for _ in 0..<count { try await body() }
            best = min(best, start.duration(to: .now) / .microseconds(1) / Double(count))
        }
        return best
    }
}

/// Measures what a pipeline adds to its steps.
package struct PipelineBench: Sendable {
    /// The figures, in microseconds.
    package struct Figures: Sendable {
        /// A step that does nothing, of a run of a hundred.
        package var nativeStep: Double
        /// The same, with a trace.
        package var tracedStep: Double
        /// The median of a bare call of a Python worker.
        package var call: Double
        /// The median of the same call as a pipeline's only step.
        package var pythonStep: Double
    }

    /// How long the calls of a repetition are made.
    package let duration: Duration
    package let repetitions: Int

    package init(duration: Duration, repetitions: Int) {
        self.duration = duration
        self.repetitions = repetitions
    }

    /// One call, as a step.
    private struct Echo: Step {
        let name = "Echo"

        func run(_ input: ValueMap, in context: RunContext) async throws(CallError) -> Value {
            try await context.call(Call("echo", input, options: context.options)).value
        }
    }

    /// Measures with a pool of one worker, calls and steps in turn.
    package func run(onFigures: @escaping @Sendable (Int, Figures) throws -> Void) async throws {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool("bench", adapter: .echo, workers: 1)
        }
        try await orchestrator.running { krait in
            try await krait.ready()
            for number in 1...repetitions {
                let (call, step) = try await calls(krait)
                let figures = Figures(
                    nativeStep: try await nativeStep(krait, traced: false),
                    tracedStep: try await nativeStep(krait, traced: true),
                    call: call,
                    pythonStep: step
                )
                try onFigures(number, figures)
            }
        }
    }

    private func nativeStep(_ krait: Orchestrator, traced: Bool) async throws -> Double {
        let ten = Pipeline<Int, Int>("ten") {
            Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>()
            Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>()
        }
        var best = Double.infinity
        for _ in 0..<200 {
            let trace = traced ? Trace() : nil
            let start = ContinuousClock.now
            for _ in 0..<10 { _ = try await krait.run(ten, 1, trace: trace) }
            best = min(best, start.duration(to: .now) / .microseconds(100))
        }
        return best
    }

    /// The medians of bare calls and of steps, made in turn so that both see the same machine.
    private func calls(_ krait: Orchestrator) async throws -> (call: Double, step: Double) {
        let pipeline = Pipeline<ValueMap, Value>("echo") { Echo() }
        let arguments: ValueMap = ["text": .string(String(repeating: "x", count: 80))]
        var (bare, steps): ([Double], [Double]) = ([], [])
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            var start = ContinuousClock.now
            _ = try await krait.call("echo", arguments)
            bare.append(start.duration(to: .now) / .microseconds(1))
            start = .now
            _ = try await krait.run(pipeline, arguments)
            steps.append(start.duration(to: .now) / .microseconds(1))
        }
        return (median(bare), median(steps))
    }
}
