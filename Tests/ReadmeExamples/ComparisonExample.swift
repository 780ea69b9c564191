import Krait

struct Fact: Codable, Sendable {
    var question: String
    var answer: String
}

/// Whether reasoning before the answer helps, on these facts.
func reasoningHelps(_ facts: [Fact], with krait: Orchestrator) async throws -> Bool {
    let evaluation = Evaluation(facts, concurrency: 16, maxErrors: 10, failureScore: 0)
    let metric = try NamedMetric("answer_exact_match")
    let score: @Sendable (Fact, ValueMap) async throws -> Double = { fact, prediction in
        let example: ValueMap = ["answer": .string(fact.answer)]
        return try await krait.score(metric, example: example, prediction: prediction)
    }
    let plain = try await evaluation.run(
        predict: { fact in
            try await krait.predict("question -> answer", ["question": .string(fact.question)])
        },
        score: score
    )
    let reasoned = try await evaluation.run(
        progress: { print("\($0.done) of \($0.count): \($0.score) %") },
        predict: { fact in
            let inputs: ValueMap = ["question": .string(fact.question)]
            return try await krait.chainOfThought("question -> answer", inputs)
        },
        score: score
    )
    let comparison = try reasoned.compared(with: plain)
    print(comparison.before, "→", comparison.after, comparison.interval)
    return comparison.verdict == .better
}
