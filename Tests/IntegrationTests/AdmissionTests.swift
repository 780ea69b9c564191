import Glibc
import Krait
import KraitTestSupport
import Testing

/// Calls that are made again, refused at once, or taken elsewhere, with real workers.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AdmissionTests {
    @Test func `calls that may be made twice survive their worker`() async throws {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 8)) { krait in
            try await krait.ready()
            let outcomes = await withTaskGroup(of: CallOutcome.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        await .of { () throws(CallError) in
                            try await krait.call(
                                Call(
                                    "asleep",
                                    ["seconds": 0.3],
                                    options: CallOptions(isIdempotent: true)
                                )
                            )
                        }
                    }
                }
                #expect(
                    await eventually {
                        await krait.status().pools[0].workers.reduce(0) { $0 + $1.busy } == 16
                    }
                )
                let victim = await krait.status().pools[0].workers[0].processID
                if let victim { kill(victim, SIGKILL) }
                return await group.reduce(into: [CallOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.count == 16)
            // Ten retries are what a pool begins with, and each call adds a tenth.
            #expect(outcomes.compactMap(\.error).isEmpty)
        }
    }

    @Test func `a call that ends every worker it gets is refused, and the pool lives on`()
        async throws
    {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 4)) { krait in
            try await krait.ready()
            let poison = Call(
                "crash",
                ["signal": 11],
                options: CallOptions(isIdempotent: true)
            )
            let first = await failure { () throws(CallError) in try await krait.call(poison) }
            #expect(first?.code == .workerCrashed)
            let second = await failure { () throws(CallError) in try await krait.call(poison) }
            #expect(second?.code == .callQuarantined && second?.delivery == .notSent)
            #expect(second?.message.contains("3 workers ended") == true)
            #expect(second?.message.contains("signal 11") == true)
            #expect(try await krait.call("echo", ["n": 1]).value["n"] == 1)
        }
    }

    /// An endpoint where nobody listens: the port was just given back.
    private static let deadLM = Adapter.dspy(
        model: "openai/offline",
        apiBase: "http://127.0.0.1:9/v1",
        settings: OfflineLM.settings
    )

    @Test func `an operation whose LM is gone is refused at once, and taken elsewhere`()
        async throws
    {
        try await OfflineLM.running { lm in
            let pools = [
                TestPools.dspy(Self.deadLM) { $0.name = "dead" },
                TestPools.dspy(lm.adapter) { $0.name = "alive" },
            ]
            let orchestrator = Orchestrator(
                name: "tests",
                settings: OrchestratorSettings(environment: Mark().environment)
            ) {
                pools
                Fallback("chain_of_thought", to: .pool("alive"))
            }
            try await orchestrator.running { krait in
                try await krait.ready()
                var seen: [CallError.Code] = []
                while seen.count < 40, seen.last != .circuitOpen {
                    let error = await failure { () throws(CallError) in
                        try await krait.call("predict", DSPyTests.question, on: .pool("dead"))
                    }
                    seen.append(try #require(error?.code))
                }
                #expect(seen.dropLast().allSatisfy { $0 == .faulted })
                #expect(seen.last == .circuitOpen && seen.count == 11)
                let start = ContinuousClock.now
                let error = await failure { () throws(CallError) in
                    try await krait.call("predict", DSPyTests.question, on: .pool("dead"))
                }
                report("a call that an open breaker refuses", start.duration(to: .now))
                #expect(error?.code == .circuitOpen && error?.operation == "predict")
                #expect(error?.retryAfter.map { $0 > .zero && $0 <= .seconds(5) } == true)
                let status = await krait.status().value["pools"]?.list ?? []
                #expect(status[0]["breaker"] == "open" && status[1]["breaker"] == "closed")
                #expect(status[0]["breakers"]?["predict"] == "open")
                try await self.checkFallback(krait)
            }
        }
    }

    /// The same for an operation that has a place to go.
    private func checkFallback(_ krait: Orchestrator) async throws {
        var first: RoutedReply?
        for _ in 0..<40 where first == nil {
            first = try? await krait.callRouted(Call("chain_of_thought", DSPyTests.question))
        }
        let decision = try #require(first?.decision)
        #expect(decision.chosen == .pool("alive") && decision.reason == .fallback)
        #expect(decision.failed.map(\.code) == [.circuitOpen])
        #expect(try krait.explain("chain_of_thought").fallbacks == [.pool("alive")])
    }
}
