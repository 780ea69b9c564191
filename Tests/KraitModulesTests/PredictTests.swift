import KraitLM
import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire
import Testing

@testable import KraitModules

@Suite(.timeLimit(.minutes(1))) struct PredictTests {
    static let question: ValueMap = [
        "signature": "question -> answer", "inputs": ["question": "Why?"],
    ]

    static func backend(
        _ model: ScriptedModel,
        structure: StructuredOutput? = .prompt,
        reasoning: Bool = false
    ) -> PredictBackend {
        PredictBackend(
            ModuleModel(model, named: "openai/scripted", structure: structure),
            reasoning: reasoning
        )
    }

    static func ask(_ model: ScriptedModel, _ arguments: ValueMap) async throws(CallError) -> Value
    {
        try await backend(model).call(Call("predict", arguments)).value
    }

    @Test func `the model gets the adapter's messages, and the call its fields`() async throws {
        let model = ScriptedModel("[[ ## answer ## ]]\nBecause.\n\n[[ ## completed ## ]]")
        let reply = try await Self.ask(model, Self.question)
        #expect(reply["outputs"] == ["answer": "Because."])
        #expect(
            reply["usage"] == [
                "openai/scripted": [
                    "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7,
                ]
            ]
        )
        let schema = try Schema(parsing: "question -> answer")
        let messages = try PromptAdapter.chat.messages(for: schema, inputs: ["question": "Why?"])
        let asked = try #require(model.asked.first)
        #expect(asked.messages.map(\.text) == messages.map { $0["content"]?.string })
        #expect(asked.messages.map(\.role) == [.system, .user])
        #expect(asked.responseFormat == nil && asked.n == 1)
    }

    @Test func `an answer from the cache is told as one, and has no tokens`() async throws {
        let text = "[[ ## answer ## ]]\nBecause.\n\n[[ ## completed ## ]]"
        let reply = try await Self.ask(ScriptedModel([[text]], isCached: true), Self.question)
        #expect(reply["outputs"] == ["answer": "Because."])
        #expect(reply["usage"] == ["openai/scripted": ["cached": 1]])
        let asked = LMUsage(promptTokens: 5, completionTokens: 2, totalTokens: 7)
        let both = [asked + .cachedAnswer, .cachedAnswer + asked]
        #expect(both.allSatisfy { $0.totalTokens == 7 && $0.cachedAnswers == 1 })
        #expect((both[0] + both[1]).cachedAnswers == 2)
    }

    @Test func `a chain of thought asks for the reasoning first`() async throws {
        let text = "[[ ## reasoning ## ]]\nHm.\n\n[[ ## answer ## ]]\nSo.\n\n[[ ## completed ## ]]"
        let model = ScriptedModel(text)
        let call = Call("chain_of_thought", Self.question)
        let reply = try await Self.backend(model, reasoning: true).call(call)
        #expect(reply.value["outputs"] == ["reasoning": "Hm.", "answer": "So."])
        let system = try #require(model.asked.first?.messages.first?.text)
        #expect(system.contains("1. `reasoning` (str)"))
    }

    @Test func `a chain of thought may take the place of an input`() async throws {
        let model = ScriptedModel("[[ ## reasoning ## ]]\nHm.\n\n[[ ## answer ## ]]\nSo.")
        let arguments: ValueMap = [
            "signature": "question, reasoning -> answer",
            "inputs": ["question": "Why?", "reasoning": "given"],
        ]
        let reply = try await Self.backend(model, reasoning: true)
            .call(Call("chain_of_thought", arguments))
        #expect(reply.value["outputs"] == ["reasoning": "Hm.", "answer": "So."])
        #expect(model.asked.first?.messages.last?.text.contains("given") == false)
    }

    @Test func `what ChatAdapter cannot read is asked for once more as JSON`() async throws {
        let model = ScriptedModel("no fields here", "{\"answer\": \"Because.\"}")
        let reply = try await Self.ask(model, Self.question)
        #expect(reply["outputs"] == ["answer": "Because."])
        #expect(model.asked.count == 2)
        let last = try #require(model.asked.last?.messages.last?.text)
        #expect(last.contains("Respond with a JSON object in the following order of fields"))
    }

    @Test func `an empty answer is asked for once more, and is then the fault that DSPy raises`()
        async throws
    {
        let model = ScriptedModel([[nil], [""]])
        let error = try await #require(throws: CallError.self) {
            try await Self.ask(model, Self.question)
        }
        #expect(error.code == .faulted && model.asked.count == 2)
        #expect(error.fault?.type == "dspy.utils.exceptions.AdapterParseError")
    }

    @Test func `without a word on the model's formats Python has the second turn`() async throws {
        let model = ScriptedModel("no fields here")
        let backend = Self.backend(model, structure: nil)
        let error = try await #require(throws: CallError.self) {
            try await backend.call(Call("predict", Self.question))
        }
        #expect(error.code == .delegated && error.message.contains("model_catalogue"))
    }

    @Test func `several completions are asked for with some variety`() async throws {
        let texts = ["a", "b"].map { "[[ ## answer ## ]]\n\($0)" as String? }
        let model = ScriptedModel([texts])
        var arguments = Self.question
        arguments["config"] = ["n": 2]
        let reply = try await Self.ask(model, arguments)
        #expect(reply["outputs"] == ["answer": "a"])
        #expect(reply["completions"] == [["answer": "a"], ["answer": "b"]])
        let asked = try #require(model.asked.first)
        #expect(asked.n == 2 && asked.parameters.temperature == 0.7)
    }

    @Test func `demos stand before the question`() async throws {
        let model = ScriptedModel("[[ ## answer ## ]]\nyes")
        var arguments = Self.question
        arguments["demos"] = [["question": "Is it?", "answer": "It is."]]
        _ = try await Self.ask(model, arguments)
        let asked = try #require(model.asked.first)
        #expect(asked.messages.map(\.role) == [.system, .user, .assistant, .user])
        #expect(asked.messages[2].text.contains("It is."))
    }

    @Test func `a declared type is an object to the adapter and plain in the reply`() async throws {
        let signature: Value = [
            "text": "mood: Mood -> next: Mood",
            "types": ["Mood": ["kind": "enum", "cases": [["sad", "sad"], ["glad", "glad"]]]],
        ]
        let model = ScriptedModel("[[ ## next ## ]]\nglad")
        let reply = try await Self.ask(
            model,
            ["signature": signature, "inputs": ["mood": "sad"]]
        )
        #expect(reply["outputs"] == ["next": "glad"])
        #expect(model.asked.first?.messages.last?.text.contains("[[ ## mood ## ]]\nsad") == true)
    }

    @Test func `a conversation so far stands before the question`() async throws {
        let model = ScriptedModel("[[ ## answer ## ]]\nyes")
        let turn: Value = ["question": "Is it?", "answer": "It is."]
        let inputs: ValueMap = ["question": "Sure?", "history": ["messages": [turn]]]
        let signature: Value = "question, history: dspy.History -> answer"
        _ = try await Self.ask(model, ["signature": signature, "inputs": .map(inputs)])
        let asked = try #require(model.asked.first)
        #expect(asked.messages.map(\.role) == [.system, .user, .assistant, .user])
        #expect(asked.messages[2].text.contains("It is."))
    }

    @Test func `two questions to the model cost what both took`() async throws {
        let model = ScriptedModel("no fields here", "{\"answer\": \"Because.\"}")
        let reply = try await Self.ask(model, Self.question)
        #expect(reply["usage"]?["openai/scripted"]?["total_tokens"] == 14)
    }

    static let formats: [(String, StructuredOutput, LMResponseFormat?)] = [
        ("q -> a", .prompt, nil),
        ("q -> a", .jsonObject, .jsonObject),
        ("q -> a: dict[str, int]", .jsonSchema, .jsonObject),
        (
            "q -> a: int | None, b: list[str]", .jsonSchema,
            .jsonSchema(
                name: "DSPyProgramOutputs",
                schema: [
                    "type": "object", "title": "DSPyProgramOutputs", "additionalProperties": false,
                    "required": ["a", "b"],
                    "properties": [
                        "a": ["anyOf": [["type": "integer"], ["type": "null"]], "title": "A"],
                        "b": ["items": ["type": "string"], "title": "B", "type": "array"],
                    ],
                ],
                isStrict: true
            )
        ),
    ]

    @Test(arguments: formats)
    func `JSON is asked for as the model can be asked`(
        signature: String,
        structure: StructuredOutput,
        format: LMResponseFormat?
    ) throws {
        #expect(try structure.format(of: Schema(parsing: signature)) == format)
    }

    static let delegated: [(ValueMap, DelegationRule)] = [
        (["signature": "q: str | None -> a", "inputs": [:]], .missingInput),
        (["signature": "q -> a: list[NoneType]", "inputs": ["q": "x"]], .typingName),
        (["signature": "q ->", "inputs": ["q": "x"]], .noOutputs),
        (["signature": "q -> a: set[str]", "inputs": ["q": "x"]], .setOrder),
        (["signature": "i: dspy.Image -> a", "inputs": ["i": "x"]], .customType),
        (
            ["signature": "q -> a", "inputs": ["q": "x"], "config": ["logit_bias": [:]]],
            .modelSetting
        ),
        (["signature": "q -> a", "inputs": ["q": "x"], "stream_fields": ["a"]], .argument),
    ]

    @Test(arguments: delegated)
    func `what only Python can be sure of is left to it by a rule, and nothing is asked`(
        arguments: ValueMap,
        rule: DelegationRule
    ) async throws {
        let model = ScriptedModel()
        let error = try await #require(throws: CallError.self) {
            try await Self.ask(model, arguments)
        }
        #expect(error.code == .delegated, "\(error)")
        #expect(error.message.contains("the rule \(rule)."), "\(error)")
        #expect(model.asked.isEmpty)
    }

    static let refused: [ValueMap] = [
        ["inputs": ["q": "x"]],
        ["signature": "q -> a"],
        ["signature": "no arrow", "inputs": ["q": "x"]],
        ["signature": ["text": 1], "inputs": ["q": "x"]],
        ["signature": ["text": "q -> a", "txt": ""], "inputs": ["q": "x"]],
        ["signature": "q -> a", "inputs": ["q": "x", "p": "y"]],
        ["signature": "q -> a", "inputs": [:]],
        ["signature": "demos -> a", "inputs": ["demos": "x"]],
        ["signature": "q, h: dspy.History -> a", "inputs": ["q": "x", "h": ["turns": []]]],
        ["signature": "q: int -> a", "inputs": ["q": "x"]],
        ["signature": "q -> a", "inputs": ["q": "x"], "demos": ["x"]],
        ["signature": "q -> a", "inputs": ["q": "x"], "config": 1],
    ]

    @Test(arguments: refused)
    func `what does not fit is refused before anything is asked`(arguments: ValueMap) async throws {
        let model = ScriptedModel()
        let error = try await #require(throws: CallError.self) {
            try await Self.ask(model, arguments)
        }
        #expect(error.code == .invalidInput && error.delivery == .notSent, "\(error)")
        #expect(model.asked.isEmpty)
    }

    @Test func `an output that cannot be carried is named`() async throws {
        let model = ScriptedModel("[[ ## n ## ]]\n" + String(repeating: "9", count: 40))
        let arguments: ValueMap = ["signature": "q -> n: int", "inputs": ["q": "How many?"]]
        let error = try await #require(throws: CallError.self) {
            try await Self.ask(model, arguments)
        }
        #expect(error.code == .invalidOutput && error.message.contains("`n`"), "\(error)")
    }

    @Test func `a model that does not answer is a fault with what it said beside the message`()
        async throws
    {
        let failure = LMError(
            .rateLimited,
            "Too many requests.",
            status: 429,
            retryAfter: .seconds(3),
            detail: "the whole question"
        )
        let model = ScriptedModel([], failure: failure)
        let error = try await #require(throws: CallError.self) {
            try await Self.ask(model, Self.question)
        }
        #expect(error.code == .faulted && error.delivery == .sent)
        #expect(error.retryAfter == .seconds(3))
        #expect(error.fault?.details["code"] == "rate_limit")
        #expect(!error.description.contains("whole question"))
    }
}
