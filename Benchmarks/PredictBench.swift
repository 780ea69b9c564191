import Krait
import KraitLM
import KraitModules
import KraitWire

/// Measures what a prediction costs beside the model: natively, by DSPy, and through a pool.
package struct PredictBench: Sendable {
    /// One repetition, in microseconds and calls a second.
    package struct Figures: Sendable {
        /// Of a native prediction, its model answering at once.
        package var native: Double
        /// Of DSPy's `Predict` inside a worker, its model answering at once.
        package var python: Double
        /// Of the same as one call through a pool.
        package var pooled: Double
        /// Of a thousand native predictions under way to an endpoint that takes 200 ms.
        package var nativeCallsPerSecond: Double
        /// The same through a pool of two workers.
        package var pooledCallsPerSecond: Double
    }

    /// How many predictions are under way at once in the last part.
    package static let window = 1_000
    /// How many milliseconds the endpoint takes there.
    package static let latency = 200
    private static let workers = 2

    private let repetitions: Int
    private let duration: Duration
    private let python: String?

    package init(repetitions: Int, duration: Duration, python: String? = nil) {
        self.repetitions = repetitions
        self.duration = duration
        self.python = python
    }

    /// Runs all repetitions and tells each as it ends.
    package func run(onRepetition: @escaping @Sendable (Int, Figures) -> Void) async throws {
        let stub = Adapter.custom("krait_worker.bench.lm_stub:LMStub")
        let dspy = Adapter.custom("krait_worker.reference:Reference")
        let helpers = Orchestrator(name: "bench-predict") {
            PythonPool("stub", adapter: stub, workers: 1, slots: 4, python: python, start: .exec)
            PythonPool("reference", adapter: dspy, workers: 1, slots: 1, python: python)
        }
        try await helpers.running { helpers in
            try await helpers.ready()
            let slow =
                try await helpers.call(
                    "serve",
                    ["latency_ms": .int(Int64(Self.latency))],
                    on: .pool("stub")
                ).value.string ?? ""
            let gateway = LMGateway()
            let lm = LM("openai/stub", apiBase: slow, cache: false, gateway: gateway)
            let adapter = Adapter.dspy(model: "openai/stub", apiBase: slow)
            let orchestrator = Orchestrator(name: "bench") {
                NativeModules(lm)
                PythonPool(
                    "dspy",
                    adapter: adapter,
                    workers: Self.workers,
                    slots: Self.window / Self.workers,
                    python: python
                )
            }
            try await orchestrator.running { krait in
                try await krait.ready()
                for number in 1...repetitions {
                    let figures = Figures(
                        native: try await native(),
                        python: try await reference(helpers, "measure")["us"]?.double ?? .nan,
                        pooled: try await pooled(helpers),
                        nativeCallsPerSecond: try await many(
                            krait,
                            on: .native,
                            rounds: LMBench.rounds
                        ),
                        pooledCallsPerSecond: try await many(
                            krait,
                            on: .pool("dspy"),
                            rounds: 5
                        )
                    )
                    onRepetition(number, figures)
                }
            }
        }
    }

    private static let signature = "question: str, context: list[str] -> answer: str"
    private static let completion = """
        [[ ## answer ## ]]
        The Seine; it ends in the English Channel at Le Havre.

        [[ ## completed ## ]]
        """
    private static let inputs: ValueMap = [
        "question": "Which river flows through Paris, and where does it end?",
        "context": [
            "The Seine is a river in northern France, 777 kilometres long.",
            "It rises at Source-Seine and flows through Troyes, Paris and Rouen.",
            "It ends in the English Channel at Le Havre.",
        ],
    ]

    /// The median of native predictions over batches.
    private func native() async throws -> Double {
        let model = ModuleModel(Canned(Self.completion), named: "openai/stub", structure: nil)
        let backend = PredictBackend(model, reasoning: false)
        let call = Call(
            "predict",
            ["signature": .string(Self.signature), "inputs": .map(Self.inputs)]
        )
        let batch = 100
        var times: [Double] = []
        let end = ContinuousClock.now + duration
        while times.count < 9 || ContinuousClock.now < end {
            let began = ContinuousClock.now
            for _ in 0..<batch { _ = try await backend.call(call) }
            times.append(began.duration(to: .now) / .microseconds(1) / Double(batch))
        }
        return median(times)
    }

    private func reference(_ krait: Orchestrator, _ operation: String) async throws -> ValueMap {
        let inputs: Value = [
            "signature": .string(Self.signature), "inputs": .map(Self.inputs),
            "completion": .string(Self.completion),
        ]
        var arguments: ValueMap = ["bench": "predict", "inputs": inputs]
        if operation == "measure" { arguments["seconds"] = .double(duration / .seconds(1)) }
        let reply = try await krait.call(operation, arguments, on: .pool("reference"))
        return reply.value.map ?? ValueMap()
    }

    private func pooled(_ krait: Orchestrator) async throws -> Double {
        var times: [Double] = []
        for _ in 0..<100 {
            let began = ContinuousClock.now
            _ = try await reference(krait, "perform")
            times.append(began.duration(to: .now) / .microseconds(1))
        }
        return median(times)
    }

    private func many(
        _ krait: Orchestrator,
        on route: RouteChoice,
        rounds: Int
    ) async throws -> Double {
        let call: ValueMap = [
            "signature": "question -> answer", "inputs": ["question": "Does it hold?"],
        ]
        func round(_ calls: Int) async throws {
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<Self.window {
                    group.addTask {
                        for _ in 0..<calls { _ = try await krait.call("predict", call, on: route) }
                    }
                }
            }
        }
        // The connections are made first.
        try await round(1)
        let began = ContinuousClock.now
        try await round(rounds)
        return Double(Self.window * rounds) / (began.duration(to: .now) / .seconds(1))
    }

    private func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
}

/// A language model that says the same at once.
private struct Canned: LanguageModel {
    private let response: LMResponse

    init(_ text: String) {
        response = LMResponse(
            model: "stub",
            completions: [LMCompletion(text: text)],
            usage: LMUsage(promptTokens: 10, completionTokens: 5, totalTokens: 15)
        )
    }

    func complete(_ request: LMRequest) async throws(LMError) -> LMResponse { response }
}
