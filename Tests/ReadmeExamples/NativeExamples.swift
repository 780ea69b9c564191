import Krait

struct Grounded: Signature {
    static let instructions = "Answer from the passages alone."
    struct Input: Codable, Sendable { var question: String, passages: [String] }
    struct Output: Codable, Sendable { var answer: String, confidence: Double? }
    static let notes: FieldNotes = [\Output.answer: "One short sentence."]
}

func describe() throws {
    // The same schema from a Swift type and from DSPy's text, at run time.
    let typed = try Schema(of: Grounded.self)
    let text = try Schema(
        parsing: "question, passages: list[str] -> answer, confidence: float | None"
    )
    print(typed.outputs.map(\.name), text.outputs.map(\.name))
}

func prompt(_ question: String, _ passages: [String]) throws -> String {
    let template = try TextTemplate(
        parsing: """
            {% for passage in passages -%}
            [{{ loop.index }}] {{ passage | trim }}
            {% endfor -%}
            Question: {{ question }}
            """
    )
    try template.validate(against: Schema(of: Grounded.self))
    let values = passages.map { Value.string($0) }
    return try template.render(["question": .string(question), "passages": .list(values)])
}

func ask(_ question: String, _ send: ([Value]) async throws -> String) async throws -> ValueMap {
    // DSPy's own messages, and its reading of what the model answers.
    let schema = try Schema(parsing: "question -> answer, confidence: float")
    let messages = try PromptAdapter.chat.messages(
        for: schema,
        inputs: ["question": .string(question)]
    )
    return try PromptAdapter.chat.fields(of: schema, in: try await send(messages))
}

func evaluate(_ krait: Orchestrator, _ examples: [(Grounded.Input, [String])]) async throws {
    let report = try await Evaluation(examples, concurrency: 8).run { input, _ in
        try await krait.predict(Grounded.self, input)
    } score: { example, prediction in
        try Metrics.f1(prediction.answer, against: example.1)
    }
    print(report.score)
}
