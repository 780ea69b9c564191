import Krait
import KraitTestSupport
import Testing

/// Workers whose LM requests Krait makes: real DSPy, a real endpoint, no key in the worker.
@Suite(.serialized, .timeLimit(.minutes(3)), .needsEngines) struct GatewayTests {
    private func adapter(_ lm: OfflineLM, _ model: String) -> Adapter {
        let settings: ValueMap = ["num_retries": 0, "gateway": true]
        return .dspy(model: model, apiBase: lm.url, settings: settings)
    }

    @Test(arguments: ["predict", "chain_of_thought"])
    func `the host's way gives what the direct way gives`(operation: String) async throws {
        try await OfflineLM.running { lm in
            let host = TestPools.dspy(adapter(lm, "openai/offline-\(operation)"))
            let direct = try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                try await krait.call(operation, DSPyTests.question).value["outputs"]
            }
            try await TestPools.running(host) { krait in
                let value = try await krait.call(operation, DSPyTests.question).value
                #expect(value["outputs"] == direct)
                let usage = value["usage"]?["openai/offline-\(operation)"]
                #expect(usage?["total_tokens"]?.int.map { $0 > 0 } == true)
                let status = await krait.status().value
                #expect(status["models"]?["openai/offline-\(operation)"]?["calls"] == 1)
            }
            let model = "openai/offline-\(operation)"
            let record = LMGateway.shared.ledger.records.last { $0.model == model }
            #expect(record?.operation == operation)
            #expect(record?.pool == "dspy")
            #expect(record?.failure == nil)
        }
    }

    @Test func `a stream through the host has the chunks of the direct way`() async throws {
        try await OfflineLM.running { lm in
            func chunks(_ pool: PythonPool) async throws -> [Value] {
                try await TestPools.running(pool) { krait in
                    let stream = krait.stream("predict", DSPyTests.question)
                    var found: [Value] = []
                    for try await chunk in stream { found.append(chunk) }
                    return found
                }
            }
            let direct = try await chunks(TestPools.dspy(lm.adapter))
            let hosted = try await chunks(TestPools.dspy(adapter(lm, "openai/offline-stream")))
            #expect(hosted == direct)
            #expect(direct.count > 1)
        }
    }

    @Test func `texts that share words have vectors near each other`() async throws {
        try await OfflineLM.running { lm in
            let embedder = Embedder("openai/offline", apiBase: lm.url, gateway: LMGateway())
            let texts = ["What is a krait?", "A krait is a snake.", "Taxes rise."]
            let vectors = try await embedder.embed(texts).vectors
            func near(_ one: Int, _ other: Int) -> Float {
                zip(vectors[one], vectors[other]).reduce(0) { $0 + $1.0 * $1.1 }
            }
            #expect(near(0, 1) > near(0, 2))
            #expect(abs(near(0, 0) - 1) < 0.001)
        }
    }

    @Test func `an agent has its tools beside the host's LM`() async throws {
        try await OfflineLM.running { lm in
            let tool = Tool("lookup", "Finds facts.", parameter: "query") { (query: String) in
                "Snakes smell with their tongues."
            }
            try await TestPools.running(TestPools.dspy(adapter(lm, "openai/agent"))) { krait in
                let arguments: ValueMap = [
                    "signature": "question -> answer",
                    "inputs": ["question": "What do snakes smell with?"],
                ]
                let value = try await krait.call("react", arguments, tools: [tool]).value
                #expect(value["outputs"]?["answer"]?.string?.contains("tongues") == true)
            }
        }
    }

    @Test func `what the endpoint refuses reaches the caller as DSPy's error`() async throws {
        try await OfflineLM.running("--fault", "429:1") { lm in
            try await TestPools.running(TestPools.dspy(adapter(lm, "openai/busy"))) { krait in
                do {
                    _ = try await krait.call("predict", DSPyTests.question)
                    Issue.record("the call was answered")
                } catch {
                    let fault = (error as? CallError)?.fault
                    #expect(fault?.type.hasSuffix("LMRateLimitError") == true)
                }
            }
        }
    }

    @Test func `many predictions at once share the host's connections`() async throws {
        try await OfflineLM.running("--latency-ms", "50") { lm in
            let pool = TestPools.dspy(adapter(lm, "openai/many")) { $0.slots = 32 }
            try await TestPools.running(pool) { krait in
                let answered = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<64 {
                        group.addTask {
                            (try? await krait.call("predict", DSPyTests.question)) != nil
                        }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(answered == 64)
            }
        }
    }
}
