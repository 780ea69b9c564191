import Krait

/// Asks until an answer is short enough, and scores the program that does on known answers.
func shortAnswers(
    _ krait: Orchestrator,
    _ question: String,
    known: [ValueMap]
) async throws -> (answer: String, score: Double) {
    let short = DSPyScore.function("is_short") { _, prediction in
        prediction["answer"]?.string.map { $0.count < 60 ? 1 : 0 } ?? 0
    }
    let program = DSPyObject.bestOf(
        3,
        of: .chainOfThought("question -> answer"),
        threshold: 1,
        reward: short
    )
    let found = try await krait.use(program, ["question": .string(question)])
    let metric = DSPyScore.metric("answer_exact_match")
    let scored = try await krait.use(
        .evaluate(on: known, inputs: ["question"], by: metric),
        arguments: ["program": .object(program)]
    )
    return (found.outputs["answer"]?.string ?? "", scored.value["score"]?.double ?? 0)
}
