import Krait

struct Answering: Signature {
    struct Input: Codable, Sendable { var question: String }
    struct Output: Codable, Sendable { var answer: String }
}

struct Question: Codable, Sendable {
    var question: String
    var answers: [String]
}

func evaluate(_ questions: [Question], with krait: Orchestrator) async throws -> String {
    let report = try await Evaluation(questions, concurrency: 8).run {
        try await krait.predict(Answering.self, .init(question: $0.question))
    } score: { question, prediction in
        try Metrics.f1(prediction.answer, against: question.answers)
    }
    return try report.table()
}
