import Krait
import KraitTestSupport
import KraitWire
import Testing

/// Who is given whose answers, counted at the model's server; and that hits are told alike.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CacheTests {
    private static func adapter(_ lm: OfflineLM, isHosted: Bool) -> Adapter {
        var settings = OfflineLM.settings
        settings["cache"] = true
        if isHosted { settings["gateway"] = true }
        return .dspy(model: "openai/offline", apiBase: lm.url, settings: settings)
    }

    private static func running(
        _ pools: [PythonPool],
        _ body: @escaping @Sendable (Orchestrator) async throws -> Void
    ) async throws {
        let settings = OrchestratorSettings(gateway: LMGateway(), environment: Mark().environment)
        try await Orchestrator(name: "tests", settings: settings) { pools }.running(body)
    }

    private static func ask(_ krait: Orchestrator, _ pool: String) async throws -> Value {
        let options = CallOptions(route: .pool(pool))
        return try await krait.call(Call("predict", DSPyTests.question, options: options)).value
    }

    private func hitsAreTold(isHosted: Bool) async throws {
        try await OfflineLM.running { lm in
            let pool = TestPools.dspy(Self.adapter(lm, isHosted: isHosted))
            try await Self.running([pool]) { krait in
                let first = try await Self.ask(krait, pool.name)
                let second = try await Self.ask(krait, pool.name)
                #expect(first["outputs"] == second["outputs"])
                #expect(first["usage"]?["openai/offline"]?["cached"] == nil)
                #expect(second["usage"] == ["openai/offline": ["cached": 1]])
                #expect(try lm.asked.count == 1)
                let sums = await krait.status().value["models"]?["openai/offline"]
                #expect(sums?["calls"] == (isHosted ? 2 : nil))
                #expect(sums?["cached"] == (isHosted ? 1 : nil))
            }
        }
    }

    @Test func `an answer from DSPy's cache is told as cached`() async throws {
        try await hitsAreTold(isHosted: false)
    }

    @Test(.needsEngines) func `one from the gateway's cache is told in the same word`() async throws
    {
        try await hitsAreTold(isHosted: true)
    }

    @Test func `pools have DSPy's cache each for itself`() async throws {
        try await OfflineLM.running { lm in
            let pools = ["one", "other"].map { name in
                var pool = TestPools.dspy(Self.adapter(lm, isHosted: false))
                pool.name = name
                return pool
            }
            try await Self.running(pools) { krait in
                for pool in pools { _ = try await Self.ask(krait, pool.name) }
                #expect(try lm.asked.count == 2)
            }
        }
    }

    @Test(.needsEngines)
    func `pools share the gateway's cache, unless their model is somewhere else`() async throws {
        try await OfflineLM.running { lm in
            try await OfflineLM.running { elsewhere in
                let pools = [("one", lm), ("two", lm), ("three", elsewhere)].map { name, lm in
                    var pool = TestPools.dspy(Self.adapter(lm, isHosted: true))
                    pool.name = name
                    return pool
                }
                try await Self.running(pools) { krait in
                    for pool in pools { _ = try await Self.ask(krait, pool.name) }
                    #expect(try lm.asked.count == 1)
                    #expect(try elsewhere.asked.count == 1)
                }
            }
        }
    }
}
