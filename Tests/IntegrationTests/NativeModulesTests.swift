import Krait
import KraitModules
import Testing

/// The same predictions natively and by real DSPy in a worker: the same requests and fields.
@Suite(.serialized, .timeLimit(.minutes(3)), .needsPinnedDSPy) struct NativeModulesTests {
    static let mood: Value = [
        "text": "message: str, moods: list[Mood] -> mood: Mood, sure: bool",
        "instructions": "Tell the mood of a message.",
        "fields": ["sure": ["desc": "whether it is plain"]],
        "types": ["Mood": ["kind": "enum", "cases": [["glad", "glad"], ["sad", "sad"]]]],
    ]
    static let place: Value = [
        "text": "question -> place: Place, near: list[Place], counts: tuple[int, float]",
        "types": [
            "Place": [
                "kind": "model",
                "fields": [["name", "str", "its name"], ["height", "int | None"]],
            ]
        ],
    ]

    /// Questions of several shapes, each with numbers of its own so that none comes from a cache.
    static func questions(_ count: Int) -> [ValueMap] {
        (0..<count).map { number in
            let text = "What do snakes number \(number) smell with? \u{e9}\n[[ # ]] {\"a\": 1}"
            let passages: Value = ["Bees dance.", "Snakes smell with their tongues."]
            let inputs: ValueMap = ["question": .string(text), "context": passages]
            let open: ValueMap = ["question": .string(text), "n": .int(Int64(number))]
            let mood: ValueMap = ["message": .string(text), "moods": ["glad", "sad"]]
            let turns: Value = ["messages": [["question": "Why?", "answer": "So."]]]
            let history: ValueMap = ["question": .string(text), "history": turns]
            let half: Value = ["question": "Half?", "answer": "1"]
            let demos: Value = [["question": "Why?", "answer": "So.", "n": 3], half]
            switch number % 6 {
            case 0:
                return [
                    "signature": "question, context: list[str] -> answer: str, confidence: float",
                    "inputs": .map(inputs), "config": ["rollout_id": 3, "temperature": 0.9],
                ]
            case 1: return ["signature": Self.mood, "inputs": .map(mood)]
            case 2:
                return [
                    "signature": "question, n: int -> answer", "inputs": .map(open),
                    "demos": demos, "config": ["temperature": 0.5, "max_tokens": 200],
                ]
            case 3:
                return [
                    "signature": "question, history: dspy.History -> answer",
                    "inputs": .map(history), "config": ["n": 2],
                ]
            case 4: return ["signature": Self.place, "inputs": ["question": .string(text)]]
            default:
                return [
                    "signature": "question, n -> answers: list[str], score: int | None",
                    "inputs": .map(open),
                ]
            }
        }
    }

    /// Runs `body` beside native modules and a pool that ask the same offline LM.
    static func both<Result: Sendable>(
        _ lm: OfflineLM,
        model: String = "openai/offline",
        structure: StructuredOutput? = .prompt,
        _ body: @escaping @Sendable (Orchestrator) async throws -> Result
    ) async throws -> Result {
        let native = LM(model, apiBase: lm.url, cache: false, numRetries: 0)
        let adapter = Adapter.dspy(model: model, apiBase: lm.url, settings: OfflineLM.settings)
        let krait = Orchestrator(name: "native-modules") {
            NativeModules(native, structuredOutput: structure)
            TestPools.dspy(adapter)
        }
        return try await krait.running(body)
    }

    /// How many tokens a reply tells of; a worker's has details beside them, which may be null.
    static func tokens(_ reply: Value, _ model: String = "openai/offline") -> Int? {
        reply["usage"]?[model]?["total_tokens"]?.int
    }

    /// The requests for each question: so many natively, and as many from the worker.
    static func expectPairs(_ lm: OfflineLM, of size: Int, count: Int) throws {
        let asked = try lm.asked
        #expect(asked.count == 2 * size * count)
        for start in stride(from: 0, through: asked.count - 2 * size, by: 2 * size) {
            let middle = start + size
            #expect(asked[start..<middle] == asked[middle..<middle + size])
        }
    }

    @Test(arguments: ["predict", "chain_of_thought"])
    func `native and pooled predictions ask the same and give the same`(
        operation: String
    ) async throws {
        try await OfflineLM.running { lm in
            let questions = Self.questions(24).filter { $0["config"]?["n"] == nil }
            try await Self.both(lm) { krait in
                for question in questions {
                    let native = try await krait.call(operation, question, on: .native).value
                    let pooled = try await krait.call(operation, question, on: .pool("dspy")).value
                    #expect(native["outputs"] == pooled["outputs"])
                    #expect(Self.tokens(native) == Self.tokens(pooled))
                }
            }
            try Self.expectPairs(lm, of: 1, count: questions.count)
        }
    }

    @Test func `several completions are asked for alike`() async throws {
        try await OfflineLM.running { lm in
            let questions = Self.questions(12).filter { $0["config"]?["n"] != nil }
            try await Self.both(lm) { krait in
                for question in questions {
                    let native = try await krait.call("predict", question, on: .native).value
                    let pooled = try await krait.call("predict", question, on: .pool("dspy")).value
                    #expect(native["completions"] == pooled["completions"])
                }
            }
            try Self.expectPairs(lm, of: 2, count: questions.count)
        }
    }

    static let structures: [(String, StructuredOutput)] = [
        ("openai/offline", .prompt), ("openai/gpt-4o-mini", .jsonSchema),
    ]

    /// Every other answer is in no format, so that each question is asked as JSON too.
    @Test(arguments: structures)
    func `what ChatAdapter cannot read is asked for as JSON alike`(
        model: String,
        structure: StructuredOutput
    ) async throws {
        try await OfflineLM.running("--fault", "malformed:2", "--seed", "1") { lm in
            let questions = Self.questions(12).filter { $0["config"]?["n"] == nil }
            try await Self.both(lm, model: model, structure: structure) { krait in
                for question in questions {
                    let native = try await krait.call("predict", question, on: .native).value
                    let pooled = try await krait.call("predict", question, on: .pool("dspy")).value
                    #expect(native["outputs"] == pooled["outputs"])
                    #expect(Self.tokens(native, model) == Self.tokens(pooled, model))
                }
            }
            try Self.expectPairs(lm, of: 2, count: questions.count)
            let isStructured = try lm.asked.contains { $0["response_format"] != nil }
            #expect(isStructured == (structure != .prompt))
        }
    }

    static let tools = [
        Tool("look_up", "Finds what is known.\nOf a subject.", parameter: "query") {
            (query: String) in
            if query.contains("7") { throw CancelledLookUp() }
            return ["Of \(query.prefix(12)): «tongues»", "and more"]
        },
        Tool("count", "Counts.", parameter: "items") { (items: [String]) in items.count },
        Tool("nothing", "Has nothing to say.") { () -> String? in nil },
    ]

    struct CancelledLookUp: Error {}

    /// What an agent asks and answers, natively or from the pool.
    static func agent(
        _ number: Int,
        on route: RouteChoice,
        _ faults: [String]
    ) async throws -> [Value] {
        var told: [Value] = []
        try await OfflineLM.running(faults) { lm in
            let reply = try await both(lm) { krait in
                try await krait.call(
                    "react",
                    [
                        "signature": "question -> answer: str, sure: bool",
                        "inputs": ["question": "What do snakes smell with, number \(number)?"],
                    ],
                    on: route,
                    tools: tools
                )
            }
            let tokens = Self.tokens(reply.value).map { Value.int(Int64($0)) } ?? .null
            told = [reply.value["outputs"] ?? .null, reply.value["trajectory"] ?? .null, tokens]
            told += try lm.asked
        }
        return told
    }

    /// With faults the conversation is too long at some step, and the oldest one is left out.
    @Test(arguments: [[], ["--fault", "too_long:4"], ["--fault", "too_long:3", "--seed", "1"]])
    func `agents take the same steps`(faults: [String]) async throws {
        for number in 6...7 {
            let native = try await Self.agent(number, on: .native, faults)
            let pooled = try await Self.agent(number, on: .pool("dspy"), faults)
            #expect(native.count > 4 && native[2] != .null)
            #expect(native == pooled)
        }
    }

    @Test func `a program answers an operation of its own`() async throws {
        try await OfflineLM.running { lm in
            let model = LM("openai/offline", apiBase: lm.url, cache: false, numRetries: 0)
            let agent = try KraitModules.Program.react("question -> answer", tools: Self.tools)
            let krait = Orchestrator(name: "native-programs") {
                NativeModules(model, structuredOutput: .prompt, programs: ["agent": agent])
            }
            let reply = try await krait.running { krait in
                try await krait.call("agent", ["question": "What do snakes smell with?"])
            }
            #expect(reply.value["outputs"]?["trajectory"]?["tool_name_3"] == "finish")
            #expect(Self.tokens(reply.value) != nil)
        }
    }

    @Test func `what native code is not sure of is answered by the pool, and the rule is told`()
        async throws
    {
        try await OfflineLM.running { lm in
            try await Self.both(lm) { krait in
                let call: ValueMap = [
                    "signature": "question -> words: set[str]", "inputs": ["question": "Which?"],
                ]
                let reply = try await krait.call("predict", call)
                guard case .pool("dspy", _, _) = reply.source else {
                    Issue.record("answered by \(reply.source)")
                    return
                }
            }
        }
    }
}
