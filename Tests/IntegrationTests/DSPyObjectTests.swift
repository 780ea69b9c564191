import Foundation
import Krait
import KraitTestSupport
import Testing

/// Each public object of DSPy from Swift, made and called by real DSPy against the offline LM.
@Suite(.serialized, .timeLimit(.minutes(5))) struct DSPyObjectTests {
    static let question: ValueMap = ["question": "What is 2 + 2?"]
    static let signature: DSPySignature = "question -> answer"
    static let texts = ["Bees dance.", "A conffile is a file that dpkg manages."]
    static let examples: [ValueMap] = [
        ["question": "What is 2 + 2?", "answer": "4"], ["question": "Why?", "answer": "So."],
    ]
    static let search = Tool("search", "Finds pages.", parameter: "query") { (query: String) in
        ["Bees dance."]
    }
    static let embedder = DSPyEmbedder.model("openai/offline-embedding")
    static let reward = DSPyScore.metric("EM", expected: ["answer": "4"])

    /// An object and what it is called with.
    struct Row: Sendable {
        var object: DSPyObject
        var arguments: [String: DSPyArgument]

        init(_ object: DSPyObject, _ arguments: [String: DSPyArgument] = [:]) {
            self.object = object
            self.arguments = arguments.isEmpty ? ["question": "What is 2 + 2?"] : arguments
        }
    }

    static let example = DSPyArgument.example(["question": "q", "response": "a b"], inputs: [])
    static let prediction = DSPyArgument.example(["response": "a b", "context": "a b"], inputs: [])
    static let answered = DSPyArgument.example(["answer": "a", "context": ["a b"]], inputs: [])
    static let pairs: DSPyArgument = [
        [.object(.predict("question -> answer")), .value(.map(question))],
        [.object(.chainOfThought("question -> answer")), .value(.map(question))],
    ]
    static let completions: DSPyArgument = .value([
        ["reasoning": "r", "answer": "4"], ["reasoning": "s", "answer": "4"],
    ])

    static let rows: [Row] = [
        Row(.predict(signature)),
        Row(.chainOfThought(signature)),
        Row(.react(signature, tools: [search])),
        Row(DSPyObject("ReActV2", signature: signature, ["tools": [.tool(search)]])),
        Row(.codeAct(signature, tools: [search])),
        Row(.programOfThought(signature)),
        Row(DSPyObject("RLM", signature: signature, ["max_iters": 2])),
        Row(DSPyObject("Flex", signature: signature)),
        Row(.bestOf(2, of: .predict(signature), threshold: 1, reward: reward)),
        Row(.refine(2, of: .chainOfThought(signature), threshold: 1, reward: reward)),
        Row(
            .multiChainComparison(signature, of: 2),
            ["question": "What is 2 + 2?", "completions": completions]
        ),
        Row(.parallel(threads: 2), ["exec_pairs": pairs]),
        Row(.knn(1, of: examples, inputs: ["question"], by: embedder)),
        Row(.embeddings(1, of: texts, by: embedder), ["query": "bees"]),
        Row(.embeddings(1, of: texts, by: embedder, scores: true), ["query": "bees"]),
        Row(DSPyObject("Retrieve", ["k": 1]), ["query": "bees"]),
        Row(
            .evaluate(on: examples, inputs: ["question"], by: reward, threads: 2),
            ["program": .object(.predict(signature))]
        ),
        Row(DSPyObject("evaluate.SemanticF1"), ["example": example, "pred": prediction]),
        Row(DSPyObject("evaluate.CompleteAndGrounded"), ["example": example, "pred": prediction]),
        Row(DSPyObject("majority"), ["prediction_or_completions": completions]),
        Row(DSPyObject("infer_prefix"), ["attribute_name": "someName"]),
        Row(DSPyObject("evaluate.normalize_text"), ["s": "A  b"]),
        Row(DSPyObject("evaluate.EM"), ["prediction": "a", "answers_list": ["A"]]),
        Row(DSPyObject("evaluate.answer_exact_match"), ["example": answered, "pred": answered]),
        Row(DSPyObject("evaluate.answer_passage_match"), ["example": answered, "pred": answered]),
    ]

    /// Those that run code, for which they need an interpreter.
    static let running: Set<String> = ["CodeAct", "Flex", "ProgramOfThought", "RLM"]

    /// What the catalogue has beside: a retriever that is a client of a server elsewhere.
    static let elsewhere: Set<String> = ["ColBERTv2"]

    @Test func `each object of the catalogue that can be called is called here`() {
        let called = DSPyName.all.filter { $0.isMade && !$0.call.text.isEmpty }.map(\.name)
        #expect(Set(called) == Set(Self.rows.map(\.object.name)).union(Self.elsewhere))
        #expect(DSPyName.all.filter { $0.kind == .module }.count >= 12)
    }

    @Test func `each is made and called in one round trip`() async throws {
        try await OfflineLM.running { lm in
            var (adapter, rows) = (lm.adapter, Self.rows)
            if try await InstalledDSPy.has("supported.LOCAL_INTERPRETER") {
                adapter.options["interpreter"] = "local"
            } else {
                rows.removeAll { Self.running.contains($0.object.name) }
            }
            try await TestPools.running(TestPools.dspy(adapter)) { [rows] krait in
                for row in rows {
                    do throws(CallError) {
                        let answer = try await Self.call(row, krait)
                        #expect(answer.value != .null, "\(row.object.name): \(answer)")
                    } catch {
                        let told = error.fault?.message ?? error.message
                        Issue.record("\(row.object.name): \(told)")
                    }
                }
            }
        }
    }

    private static func call(
        _ row: Row,
        _ krait: Orchestrator
    ) async throws(CallError) -> DSPyAnswer {
        if row.object.name == "Retrieve" {
            // What it asks is DSPy's setting `rm`: here a function of this program.
            let arguments: ValueMap = [
                "spec": try row.object.spec(), "inputs": ["query": "bees"],
                "rm": ["tool": "search"],
            ]
            let call = Call(DSPyObject.operation, arguments)
            return DSPyAnswer(try await krait.call(call, tools: [search]).value)
        }
        if row.arguments.keys.elementsEqual(["question"]) {
            return try await krait.use(row.object, question)
        }
        return try await krait.use(row.object, arguments: row.arguments)
    }

    @Test func `Swift code rewards, embeds and is a tool, and rows of a batch fail alone`()
        async throws
    {
        let rewarded = Lock(0)
        let reward = DSPyScore.function("reward") { inputs, prediction in
            rewarded.withLock { $0 += 1 }
            return inputs["question"] == nil || prediction["answer"] == nil ? 0 : 1
        }
        let embedder = DSPyEmbedder.function { texts in
            texts.map { [Float($0.utf8.count), 1] }
        }
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let best = DSPyObject.bestOf(
                    3,
                    of: .predict(Self.signature),
                    threshold: 1,
                    reward: reward
                )
                #expect(try await krait.use(best, Self.question).outputs["answer"] != nil)
                let near = DSPyObject.embeddings(1, of: Self.texts, by: embedder)
                let found = try await krait.use(near, ["query": .string(Self.texts[1])])
                #expect(found.outputs["passages"] == [.string(Self.texts[1])])
                let batch = try await krait.use(
                    .chainOfThought("question, count: int -> answer"),
                    batch: [
                        ["question": "Why?", "count": 1], ["question": "Why?", "count": "no"],
                    ],
                    adapter: DSPyObject("JSONAdapter")
                )
                #expect(try batch[0].get().outputs["answer"] != nil)
                #expect(throws: CallError.self) { try batch[1].get() }
                let stream = krait.stream(.predict(Self.signature), Self.question)
                var text = ""
                for try await case .text(let piece, "answer") in stream { text += piece }
                #expect(try stream.output.outputs["answer"] == .string(text))
            }
        }
        #expect(rewarded.withLock(\.self) == 1)
    }

    @Test func `what Python alone can tell is refused there, typed and with its remedy`()
        async throws
    {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                // Made without a look at the catalogue, as another client would send it.
                let specs: [(Value, String)] = [
                    (["module": "ChainOfThougt"], "did you mean 'ChainOfThought'?"),
                    (["module": "BestOfN"], "spec.arguments.module is missing"),
                    (["module": "load"], "unpickles"),
                    (["module": "Embeddings", "arguments": Self.large], "pip install faiss-cpu"),
                ]
                for (spec, part) in specs {
                    let arguments: ValueMap = ["spec": spec, "inputs": ["query": "a"]]
                    let error = await failure { () async throws(CallError) in
                        try await krait.call(DSPyObject.operation, arguments)
                    }
                    #expect(error?.code == .invalidInput)
                    let message = error?.fault?.message ?? ""
                    #expect(message.contains(part), "\(message)")
                }
            }
        }
    }

    /// More texts than DSPy searches without an index, which needs an extra.
    private static let large: Value = [
        "corpus": ["a", "b"], "brute_force_threshold": 1,
        "embedder": ["embedder": ["model": "openai/offline"]],
    ]
}
