import Krait
import KraitModules
import KraitObservability
import KraitTestSupport
import Testing

/// Messages and the team that answers each; told by a word that no other team has.
struct Messages {
    static let words = [
        "billing": ["invoice", "refund", "charged", "payment"],
        "shipping": ["parcel", "courier", "delivery", "tracking"],
        "account": ["password", "login", "username", "locked"],
    ]
    static let signature = "message -> team"

    static let rows: [ValueMap] = (0..<4).flatMap { number in
        (0..<4).flatMap { place in
            words.sorted { $0.key < $1.key }.map { team, words in
                let message = "The \(words[place]) of order \(number) is wrong, please help."
                return ["message": .string(message), "team": .string(team)]
            }
        }
    }

    /// The smallest runs that do all that the optimizers do.
    static let optimizers: [String: ValueMap] = [
        "BootstrapFewShot": [:],
        "MIPROv2": ["auto": .null, "num_candidates": 3, "num_trials": 3, "minibatch": false],
        "GEPA": ["max_metric_calls": 200, "reflection_minibatch_size": 8],
        "SIMBA": ["bsize": 8, "num_candidates": 3, "max_steps": 2],
    ]
}

/// DSPy's optimizers with Swift metrics, against the offline LM: it learns labels from demos and
/// rules.
@Suite(.serialized, .timeLimit(.minutes(4))) struct OptimizingTests {
    static func running(
        _ arguments: String...,
        body: @escaping @Sendable (Orchestrator, OfflineLM) async throws -> Void
    ) async throws {
        try await OfflineLM.running(arguments) { lm in
            let pool = TestPools.dspy(lm.adapter) { $0.slots = 1 }
            try await TestPools.running(pool) { krait in try await body(krait, lm) }
        }
    }

    static let isRight = OptimizationMetric.scoring("is_right") { example, prediction in
        example["team"] == prediction["team"] ? 1 : 0
    }

    @Test func `a Swift metric optimizes a program that then runs natively`() async throws {
        try await Self.running { krait, lm in
            let asked = Lock(0)
            let metric = OptimizationMetric.scoring("is_right") { example, prediction in
                asked.withLock { $0 += 1 }
                return example["team"] == prediction["team"] ? 1 : 0
            }
            let job = krait.optimize(
                Optimization(.predict(Messages.signature), trainset: Messages.rows, metric: metric)
            )
            var progress: OptimizationProgress?
            var candidate: OptimizationCandidate?
            for try await event in job {
                switch event {
                case .progress(let latest): progress = latest
                case .candidate(let latest): candidate = latest
                case .log: break
                }
            }
            let found = try job.result
            let requests = try lm.asked.count
            #expect(found.lmCalls == requests && progress?.lmCalls == requests)
            #expect(progress?.metricCalls == asked.withLock { $0 })
            #expect(progress?.phase == "after")
            #expect(found.scoreBefore == 0)
            #expect(try #require(found.scoreAfter) > 50)
            #expect(found.lineage["metric"] == ["tool": "is_right"])
            #expect(try #require(candidate).saved.predictors.keys == ["self"])
            // Natively, the same model and the new demos.
            let model = LM("openai/offline", apiBase: lm.url, cache: false, numRetries: 0)
            let program = try KraitModules.Program.predict(Messages.signature).loading(found.saved)
            let inputs: ValueMap = ["message": "My parcel is late, where is the courier?"]
            #expect(try await program(inputs, with: model)["team"] == "shipping")
            let plain = try KraitModules.Program.predict(Messages.signature)
            #expect(try await plain(inputs, with: model)["team"] != "shipping")
        }
    }

    @Test func `a metric that throws ends the job with the row it failed for`() async throws {
        struct Unlucky: Error {}
        try await Self.running { krait, _ in
            var optimization = Optimization(
                .predict(Messages.signature),
                trainset: Messages.rows,
                metric: .scoring("unlucky") { _, _ in throw Unlucky() }
            )
            optimization.maxErrors = 3
            let job = krait.optimize(optimization)
            let error = await #expect(throws: CallError.self) { try await job.finished() }
            #expect(error?.code == .faulted)
            let fault = try #require(error?.fault)
            #expect(fault.message.contains("unlucky failed 3 times, the last time for row "))
            #expect(fault.message.contains("Unlucky"))
        }
    }

    @Test func `an operation of the program is a metric`() async throws {
        try await OfflineLM.running { lm in
            let krait = Orchestrator(name: "optimizing") {
                TestPools.dspy(lm.adapter) { $0.slots = 1 }
                Native("judge") { given in
                    let isRight = given["example"]?["team"] == given["prediction"]?["team"]
                    return ["score": .bool(isRight), "feedback": "Say the team."]
                }
            }
            try await krait.running { krait in
                var optimization = Optimization(
                    .predict(Messages.signature),
                    trainset: Messages.rows,
                    metric: .operation("judge")
                )
                let found = try await krait.optimize(optimization).finished()
                #expect(try #require(found.scoreAfter) > 50)
                optimization.metric = .operation("juge")
                let job = krait.optimize(optimization)
                let error = await #expect(throws: CallError.self) { try await job.finished() }
                #expect(error?.code == .unknownOperation)
            }
        }
    }

    @Test func `leaving the events ends the job, and its worker serves on`() async throws {
        try await Self.running("--latency-ms", "20") { krait, lm in
            let job = krait.optimize(
                Optimization(
                    .predict(Messages.signature),
                    trainset: Messages.rows,
                    metric: Self.isRight,
                    optimizer: "SIMBA",
                    settings: ["bsize": 16, "max_steps": 50]
                )
            )
            for try await case .candidate(let candidate) in job {
                #expect(candidate.score.rows > 0)
                break
            }
            let reply = try await krait.call("lm_ping")
            #expect(reply.value["model"] == "openai/offline")
            #expect(throws: CallError.self) { try job.result }
        }
    }

    @Test func `all optimizers are told with their settings`() async throws {
        try await Self.running { krait, _ in
            let found = try await krait.optimizers()
            #expect(found["GEPA"]?["settings"]?["max_metric_calls"] == "None")
            #expect(found["BootstrapFinetune"]?["refused"]?.string?.contains("trained") == true)
        }
    }
}
