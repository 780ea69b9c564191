import Krait

struct ShelfQuestion: Signature {
    struct Input: Codable, Sendable { var question: String }
    struct Output: Codable, Sendable { var answer: String }
}

func fromTheShelf(_ krait: Orchestrator, _ question: String) async throws -> String {
    try await krait.program("rag", ShelfQuestion.self, .init(question: question)).answer
}
