import Krait
import KraitTestSupport
import Testing

@testable import ReadmeExamples

/// Streams of DSPy, and agents whose tools are here: real DSPy, the offline LM, real HTTP.
@Suite(.serialized, .timeLimit(.minutes(3))) struct AgentTests {
    struct Answering: Signature {
        struct Input: Codable, Sendable { var question: String, context: [String] }
        struct Output: Codable, Sendable, Equatable { var answer: String, count: Int }
    }

    static let input = Answering.Input(
        question: "What do snakes smell with?",
        context: ["Bees dance.", "Snakes smell with their 2 tongues. They have no ears."]
    )

    @Test func `the documented program drives an agent with its two tools, and streams`()
        async throws
    {
        let written = Lock("")
        try await OfflineLM.running { lm in
            let steps = try await askLibrarian(
                "Which book is about whales?",
                about: ["Moby Dick": "whales and a captain", "Emma": "matchmaking"],
                adapter: lm.adapter
            ) { text in
                written.withLock { $0 += text }
            }
            #expect(steps.map(\.tool) == ["search", "reserve", "finish"])
            #expect(steps[0].arguments == ["subject": "Which book is about whales?"])
            let found = steps[0].observation.list?.contains {
                $0.string == "Moby Dick is about whales and a captain."
            }
            #expect(found == true, "\(steps[0])")
            // The offline LM takes the question for a title, and the agent reads what came of it.
            let told = steps[1].observation.string ?? ""
            #expect(told.hasPrefix("Execution error in reserve"), "\(told)")
            #expect(told.contains("NotOnTheShelf"), "\(told)")
        }
        let text = written.withLock(\.self)
        #expect(text.hasPrefix("(Calling tool search...) "), "\(text)")
        #expect(text.contains("Moby Dick is about whales and a captain."), "\(text)")
    }

    @Test func `a typed prediction streams its text and ends with its outputs`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let stream = krait.streamPrediction(Answering.self, Self.input)
                var pieces: [String] = []
                for try await case .text(let piece, "answer") in stream { pieces.append(piece) }
                let output = try stream.output
                #expect(pieces.count > 3)
                #expect(pieces.joined() == output.answer)
                #expect(output == (try await krait.predict(Answering.self, Self.input)))
                let tokens = stream.reply?.value["usage"]?["openai/offline"]?["total_tokens"]?.int
                #expect(tokens.map { $0 > 0 } == true)
            }
        }
    }

    @Test func `reasoning streams too, and fields can be chosen`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let stream = krait.streamChainOfThought(
                    Answering.self,
                    Self.input,
                    fields: ["reasoning"]
                )
                var text = ""
                for try await chunk in stream {
                    guard case .text(let piece, let field) = chunk else { continue }
                    #expect(field == "reasoning")
                    text += piece
                }
                #expect(try stream.output.reasoning == text)
                #expect(!text.isEmpty)
                let none = krait.streamPrediction(
                    "question -> answer",
                    ["question": "Why?"],
                    fields: ["anser"]
                )
                let error = await #expect(throws: CallError.self) { _ = try await none.finished() }
                #expect(error?.code == .invalidInput)
                #expect(error?.fault?.message.contains("did you mean 'answer'?") == true)
            }
        }
    }

    @Test func `a signature that does not hold fails the stream, before anything is sent`()
        async throws
    {
        try await TestPools.running(TestPools.dspy()) { krait in
            let stream = krait.streamPrediction("question -> -> answer", [:])
            let error = await #expect(throws: CallError.self) { _ = try await stream.finished() }
            #expect(error?.code == .invalidInput)
            #expect(stream.reply == nil)
        }
    }

    @Test(.needsLocalInterpreter)
    func `tools of a call serve CodeAct and native function calling`() async throws {
        let search = Tool("search", "Looks something up.", parameter: "query") {
            (query: String) async throws -> String in "Found: \(query)"
        }
        try await OfflineLM.running { lm in
            var adapter = lm.adapter
            adapter.options["interpreter"] = "local"
            try await TestPools.running(TestPools.dspy(adapter)) { krait in
                let inputs: Value = ["question": "Where?"]
                let code = try await krait.call(
                    "code_act",
                    ["signature": "question -> answer", "inputs": inputs],
                    tools: [search]
                )
                let printed = code.value["trajectory"]?["code_output_0"]?.string
                #expect(printed?.contains("Found: Where?") == true, "\(code.value)")
                let native = try await krait.call(
                    "predict",
                    [
                        "signature": "question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls",
                        "inputs": inputs,
                    ],
                    tools: [search]
                )
                let result = native.value["tool_results"]?.list?.first
                #expect(result?["value"] == "Found: Where?", "\(native.value)")
            }
        }
    }
}
