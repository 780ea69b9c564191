import Krait
import KraitModules
import Testing

/// Programs natively and as real DSPy runs them: the same requests and fields.
@Suite(.serialized, .timeLimit(.minutes(3)), .needsPinnedDSPy) struct NativeProgramsTests {
    /// Tests have a `Program` of their own: a process.
    typealias Program = KraitModules.Program

    static let signature = "question -> answer"
    static let question: ValueMap = ["question": "What do snakes smell with? \u{e9}"]
    static let trainset: Value = [
        ["question": "Do bees dance?", "answer": "They do."],
        ["question": "Do snakes hear?", "answer": "Hardly."],
        ["question": "Are kraits snakes?", "answer": "They are."],
    ]

    /// The program that the reference calls `two_hops`.
    static func twoHops() throws -> Program {
        let hop = try Program.chainOfThought("question -> passage")
        let settings: ValueMap = ["temperature": 0.3]
        let answer = try Program.predict("question, passage -> answer", config: settings)
        return Program(["hops[0]": hop, "answer": answer]) { parts, inputs in
            let found = try await parts("hops[0]", inputs)
            var given = inputs
            given["passage"] = found["passage"]
            return try await parts("answer", given)
        }
    }

    /// As the reference's reward.
    @Sendable static func reward(_: ValueMap, _ outputs: ValueMap) -> Double {
        (outputs["answer"]?.string?.unicodeScalars.count ?? 0).isMultiple(of: 2) ? 0.5 : 0.25
    }

    /// What a run made, and the requests it made.
    struct Made {
        var reply: Value
        var asked: [Value]

        var outputs: Value? { reply["outputs"] }
        var state: String? { reply["state"]?.string }
    }

    /// Real DSPy in a worker, and native code, before one offline LM.
    struct Bench {
        let krait: Orchestrator
        let lm: OfflineLM

        /// What real DSPy makes of a specification.
        func python(_ given: ValueMap) async throws -> Made {
            let before = try lm.asked.count
            let arguments: ValueMap = ["given": .map(given), "url": .string(lm.url)]
            let reply = try await krait.call("program", arguments)
            return Made(reply: reply.value, asked: Array(try lm.asked.dropFirst(before)))
        }

        /// What a program makes natively.
        func native(_ program: Program, _ inputs: ValueMap) async throws -> Made {
            let before = try lm.asked.count
            let model = LM("openai/offline", apiBase: lm.url, cache: false, numRetries: 0)
            let output = try await program(inputs, with: model, structuredOutput: .prompt)
            let reply: Value = ["outputs": .map(output.fields)]
            return Made(reply: reply, asked: Array(try lm.asked.dropFirst(before)))
        }
    }

    static func running(
        _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        try await OfflineLM.running { lm in
            let krait = Orchestrator(name: "native-programs") {
                TestPools.dspy(.custom("krait_worker.reference:Reference"))
            }
            try await krait.running { krait in try await body(Bench(krait: krait, lm: lm)) }
        }
    }

    /// The native program of a kind, as the reference makes it.
    static func program(_ kind: String, code: RefinedCode? = nil) throws -> Program {
        switch kind {
        case "predict": return try .predict(signature)
        case "chain_of_thought": return try .chainOfThought(signature)
        case "multi_chain_comparison":
            return try .multiChainComparison(Schema(parsing: signature))
        case "best_of_n":
            let asked = try Program.chainOfThought(signature)
            return asked.bestOf(3, threshold: 1, reward: reward)
        case "refine":
            let code = code ?? RefinedCode(program: "", reward: "")
            return try twoHops().refined(3, threshold: 1, code: code, reward: reward)
        default: return try twoHops()
        }
    }

    /// What the reference is to make and run.
    static func specification(_ kind: String) -> ValueMap {
        ["kind": .string(kind), "signature": .string(signature), "inputs": .map(question)]
    }

    static let compared: Value = [
        ["reasoning": " They have noses.\nPerhaps.", "answer": "Noses\nor tongues"],
        ["rationale": "They have tongues.", "answer": "Tongues "],
        ["reasoning": "Hm.", "answer": 3],
    ]

    @Test(arguments: ["multi_chain_comparison", "best_of_n", "refine", "two_hops"])
    func `a module asks the same and gives the same`(kind: String) async throws {
        try await Self.running { bench in
            var inputs = Self.question
            if kind == "multi_chain_comparison" { inputs["completions"] = Self.compared }
            var given = Self.specification(kind)
            given["inputs"] = .map(inputs)
            let python = try await bench.python(given)
            let code = RefinedCode(
                program: python.reply["program_code"]?.string ?? "",
                reward: python.reply["reward_code"]?.string ?? ""
            )
            let native = try await bench.native(Self.program(kind, code: code), inputs)
            #expect(!python.asked.isEmpty)
            #expect(native.asked == python.asked)
            #expect(native.outputs == python.outputs)
        }
    }

    static let optimized: [(String, String)] = [
        ("predict", "labeled"), ("chain_of_thought", "labeled"), ("predict", "bootstrap"),
        ("chain_of_thought", "bootstrap"), ("two_hops", "bootstrap"),
    ]

    @Test(arguments: optimized)
    func `a program that DSPy optimized and saved runs natively, and goes back`(
        kind: String,
        optimizer: String
    ) async throws {
        try await Self.running { bench in
            var given = Self.specification(kind)
            given["optimize"] = .string(optimizer)
            given["trainset"] = Self.trainset
            let python = try await bench.python(given)
            let saved = try SavedProgram(json: try #require(python.state))
            #expect(saved.warnings.isEmpty)
            let loaded = try Self.program(kind).loading(saved) { Issue.record("\($0)") }
            #expect(loaded.predictors.allSatisfy { !$0.predictor.demos.isEmpty })
            let native = try await bench.native(loaded, Self.question)
            #expect(!native.asked.isEmpty)
            #expect(native.asked == python.asked.suffix(native.asked.count))
            #expect(native.outputs == python.outputs)

            // What native code saves, DSPy loads and saves again.
            var back = Self.specification(kind)
            back["state"] = .string(try loaded.saved.json)
            let again = try await bench.python(back)
            #expect(again.asked == native.asked)
            #expect(again.outputs == python.outputs)
            #expect(again.state == python.state)
        }
    }

    @Test func `a program changed natively is one that DSPy loads, with its model`() async throws {
        try await Self.running { bench in
            var given = Self.specification("predict")
            given["lm"] = ["temperature": 0.25, "max_tokens": 77]
            let python = try await bench.python(given)
            let saved = try SavedProgram(json: try #require(python.state))
            let demo: ValueMap = ["question": "Why?", "answer": "\u{201c}So\u{201d}\n"]
            let program = try Self.program("predict")
                .loading(saved, allowsUnsafeModel: true)
                .with(demos: [demo])
            let native = try await bench.native(program, Self.question)
            #expect(native.asked.first?["temperature"] == 0.25)
            #expect(native.asked.first?["max_completion_tokens"] == 77)
            var back = Self.specification("predict")
            back["state"] = .string(try program.saved.json)
            let again = try await bench.python(back)
            #expect(again.asked == native.asked)
            #expect(again.outputs == native.outputs)
        }
    }
}
