import Glibc
import Krait
import KraitTestSupport
import Testing

/// The `dspy` adapter with the offline LM: real DSPy, real HTTP.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DSPyTests {
    static let question: ValueMap = [
        "signature": "question, context: list[str] -> answer: str, confidence: float",
        "inputs": [
            "question": "What do snakes smell with?",
            "context": ["Bees dance.", "Snakes smell with their tongues. They have no ears."],
        ],
    ]

    @Test(arguments: ["predict", "chain_of_thought"])
    func `a prediction has the signature's outputs with their types`(
        operation: String
    ) async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let value = try await krait.call(operation, Self.question).value
                let outputs = try #require(value["outputs"])
                #expect(outputs["answer"]?.string?.contains("tongues") == true)
                #expect(outputs["confidence"]?.double.map { (0...1).contains($0) } == true)
                #expect((outputs["reasoning"]?.string != nil) == (operation != "predict"))
                let usage = value["usage"]?["openai/offline"]
                #expect(usage?["total_tokens"]?.int.map { $0 > 0 } == true)
            }
        }
    }

    @Test func `the typed and the text front ends give the same outputs`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let outputs = try await krait.predict(
                    "question, context: list[str] -> answer: str, confidence: float",
                    Self.question["inputs"]?.map ?? [:]
                )
                #expect(outputs["answer"]?.string?.contains("tongues") == true)
                let thought = try await krait.chainOfThought(
                    "question -> answer",
                    ["question": "Why?"]
                )
                #expect(Set(thought.keys) == ["reasoning", "answer"])
            }
        }
    }

    @Test func `each call may name its own LM, and calls at once do not mix them up`()
        async throws
    {
        try await OfflineLM.running { first in
            try await OfflineLM.running("--fault", "500:1") { second in
                // The pool itself has no LM at all.
                try await TestPools.running(TestPools.dspy()) { krait in
                    let outcomes = await withTaskGroup(of: (Bool, CallOutcome).self) { group in
                        for number in 0..<20 {
                            let isFirst = number % 2 == 0
                            group.addTask {
                                let lm = isFirst ? first : second
                                return (isFirst, await Self.call(krait, asking: lm))
                            }
                        }
                        return await group.reduce(into: [(Bool, CallOutcome)]()) { $0.append($1) }
                    }
                    for (isFirst, outcome) in outcomes {
                        #expect((outcome.error == nil) == isFirst)
                        #expect(isFirst || outcome.error?.fault?.details["status"]?.int == 500)
                    }
                    // And nothing of it stays behind: the pool still has no LM.
                    let error = await failure { () throws(CallError) in
                        try await krait.call("predict", Self.question)
                    }
                    #expect(error?.code == .invalidInput)
                }
            }
        }
    }

    private static func call(_ krait: Orchestrator, asking lm: OfflineLM) async -> CallOutcome {
        let settings: ValueMap = [
            "model": "openai/offline", "api_base": .string(lm.url), "num_retries": 0,
        ]
        let options = CallOptions(lm: settings)
        return await .of { () throws(CallError) in
            try await krait.call(Call("predict", Self.question, options: options))
        }
    }

    @Test func `without any LM the error says how to name one`() async throws {
        try await TestPools.running(TestPools.dspy()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("predict", Self.question)
            }
            #expect(error?.code == .invalidInput)
            #expect(error?.fault?.message.contains("no LM is configured") == true)
            #expect(error?.fault?.message.contains("options.lm.model") == true)
        }
    }

    @Test func `an LM that cannot be reached is a fault that names it`() async throws {
        // The discard port: nobody listens.
        let nowhere = Adapter.dspy(
            model: "openai/offline",
            apiBase: "http://127.0.0.1:9/v1",
            settings: OfflineLM.settings
        )
        try await TestPools.running(TestPools.dspy(nowhere)) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("predict", Self.question)
            }
            #expect(error?.code == .faulted)
            #expect(error?.fault?.details["model"]?.string?.contains("offline") == true)
            #expect(error?.fault?.details["provider"]?.string?.isEmpty == false)
            #expect(error?.fault?.type.hasPrefix("dspy.") == true)
            #expect(error?.fault?.traceback.isEmpty == false)
        }
    }

    @Test(.needsOwnClient, arguments: [("429:1", 429), ("500:1", 500)])
    func `a provider's refusal is a fault with its status`(fault: String, status: Int) async throws
    {
        try await OfflineLM.running("--fault", fault) { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let error = await failure { () throws(CallError) in
                    try await krait.call("predict", Self.question)
                }
                #expect(error?.code == .faulted)
                #expect(error?.fault?.details["status"]?.int == status)
                #expect((error?.fault?.details["retry_after"] != nil) == (status == 429))
                // What the provider said may hold parts of a prompt, so it is not for logs.
                #expect(error?.description.contains("injected") == false)
            }
        }
    }

    @Test(
        arguments: [
            (["signature": "question -> a -> b", "inputs": ["question": "?"]], "the signature"),
            (["signature": "question answer", "inputs": ["question": "?"]], "the signature"),
            (["signature": "a -> b: lisst[str]", "inputs": ["a": "?"]], "lisst"),
            (["signature": "question, context -> answer", "inputs": ["question": "?"]], "context"),
            (["signature": "n: int -> answer", "inputs": ["n": "many"]], "inputs.n"),
            (["signature": "question -> answer", "inputs": ["qestion": "?"]], "qestion"),
        ] as [(ValueMap, String)]
    )
    func `what does not fit is refused with its place`(
        arguments: ValueMap,
        word: String
    ) async throws {
        let nowhere = Adapter.dspy(model: "openai/offline", apiBase: "http://127.0.0.1:9/v1")
        try await TestPools.running(TestPools.dspy(nowhere)) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("predict", arguments)
            }
            #expect(error?.code == .invalidInput)
            let told = "\(error?.message ?? "") \(error?.fault?.message ?? "")"
            #expect(told.contains(word), "\(told)")
        }
    }

    @Test(.needsOwnClient)
    func `a forked worker is soon ready, small, and answers`() async throws {
        let log = MemoryLogHandler()
        let logger = Logger(label: "krait", handler: log, level: .debug)
        try await OfflineLM.running { lm in
            let pool = TestPools.dspy(lm.adapter, workers: 4)
            let began = ContinuousClock.now
            try await TestPools.running(pool, logger: logger) { krait in
                try await krait.ready()
                report("a pool of 4 DSPy workers, to all ready", began.duration(to: .now))
                for _ in 0..<40 { _ = try await krait.call("predict", Self.question) }
                let workers = await krait.status().pools[0].workers
                let victim = try #require(workers.first?.processID)
                kill(victim, SIGKILL)
                #expect(
                    await eventually {
                        await krait.status().pools[0].workers[0].hasReplaced(victim)
                    }
                )
                let sizes = await krait.status().pools[0].workers.compactMap(\.residentBytes)
                print("measured: a DSPy worker's own memory: \(sizes.sorted()) bytes")
                #expect(sizes.allSatisfy { $0 > 0 && $0 < 40 << 20 })
                _ = try await krait.call("predict", Self.question)
            }
        }
        let crashed = try #require(log.records.first { $0.message == "worker.crashed" })
        let ready = try #require(log.records.last { $0.message == "worker.ready" })
        let seconds = ready.time.seconds - crashed.time.seconds
        let nanoseconds = ready.time.nanoseconds - crashed.time.nanoseconds
        let took = Duration.seconds(seconds) + .nanoseconds(nanoseconds)
        report("a forked DSPy worker, from the crash of its predecessor to ready", took)
        #expect(took < .seconds(2))
    }
}
