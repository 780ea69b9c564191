import Krait
import KraitTestSupport
import KraitWire
import Testing

/// The user's own DSPy programs, by name and typed.
@Suite(.serialized, .timeLimit(.minutes(3))) struct UserProgramTests {
    struct Rag: Signature {
        struct Input: Codable, Sendable { var question: String }
        struct Output: Codable, Sendable, Equatable { var answer: String }
    }
    struct Scored: Signature {
        struct Input: Codable, Sendable { var question: String }
        struct Output: Codable, Sendable { var answer: String, score: Double }
    }

    static let answer = "A conffile is a file that dpkg manages."
    static let programs = ["rag": "shop_programs:Rag", "remembering": "shop_programs:Remembering"]

    private static func pool(_ lm: OfflineLM, _ programs: [String: String]) -> PythonPool {
        let adapter = Adapter.dspy(
            model: "openai/offline",
            apiBase: lm.url,
            settings: OfflineLM.settings,
            programs: programs
        )
        var pool = TestPools.dspy(adapter)
        pool.path = [TestPools.adapters]
        return pool
    }

    private static func refusal<Answer>(
        _ body: () async throws(CallError) -> Answer
    ) async -> CallError? {
        do throws(CallError) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a program is called by its name, typed and as text, and streams`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(Self.pool(lm, Self.programs)) { krait in
                let question = Rag.Input(question: "What is a conffile?")
                let typed = try await krait.program("rag", Rag.self, question)
                #expect(typed == Rag.Output(answer: Self.answer))
                let inputs: ValueMap = ["question": "What is a conffile?"]
                let text = try await krait.program("rag", "question -> answer: str", inputs)
                #expect(text["answer"] == .string(Self.answer))
                let stream = krait.streamProgram("rag", Rag.self, question)
                var pieces = ""
                for try await case .text(let piece, field: "answer") in stream { pieces += piece }
                #expect(pieces == Self.answer)
                #expect(try stream.output == typed)
            }
        }
    }

    @Test func `what does not fit a program's signature is refused on either side`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(Self.pool(lm, Self.programs)) { krait in
                let scored = await Self.refusal { () throws(CallError) in
                    try await krait.program("rag", Scored.self, .init(question: "Why?"))
                }
                #expect(scored?.code == .invalidOutput)
                let inputs: ValueMap = ["question": "Why?"]
                let untyped = await Self.refusal { () throws(CallError) in
                    try await krait.program("rag", "question -> answer, score: float", inputs)
                }
                #expect(untyped?.code == .invalidOutput)
                #expect(untyped?.message.contains("score") == true)
                let extra: ValueMap = ["question": "Why?", "mots": 1]
                let refused = await Self.refusal { () throws(CallError) in
                    try await krait.program("rag", "question, mots: int -> answer", extra)
                }
                #expect(refused?.code == .invalidInput)
                #expect(refused?.fault?.message.contains("did you mean 'most'?") == true)
                let unknown = await Self.refusal { () throws(CallError) in
                    try await krait.program("rga", "question -> answer", inputs)
                }
                #expect(unknown?.code == .unknownOperation)
            }
        }
    }

    @Test func `calls without a session find nothing of each other`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(Self.pool(lm, Self.programs)) { krait in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<12 {
                        group.addTask {
                            let question = Value.string("Question \(number)?")
                            let outputs = try await krait.program(
                                "remembering",
                                "question -> answer, asked: list[str]",
                                ["question": question]
                            )
                            #expect(outputs["asked"] == .list([question]))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test(arguments: [
        ("shop_programs:Rga", "did you mean 'Rag'?"),
        ("shop_programms:Rag", "cannot be imported"),
        ("shop_programs:NoProgram", "no subclass of dspy.Module"),
        ("shop_programs:Needy", "programs.rag.arguments.endpoint is missing"),
    ])
    func `a pool whose program is wrong does not start, and says where`(
        path: String,
        part: String
    ) async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(Self.pool(lm, ["rag": path])) { krait in
                let error = await Self.refusal { () throws(CallError) in
                    try await krait.program("rag", "question -> answer", ["question": "Why?"])
                }
                #expect(error?.code == .poolFailed)
                #expect(error?.message.contains("programs.rag") == true, "\(error?.message ?? "")")
                #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
        }
    }
}
