import Krait

struct Triage: Signature {
    static let instructions = "Sort a support message and draft a reply."
    enum Urgency: String, Codable, CaseIterable, Sendable { case low, high }
    struct Input: Codable, Sendable { var message: String }
    struct Output: Codable, Sendable { var urgency: Urgency, reply: String }
}

func triage(_ message: String) async throws -> Triage.Output {
    let desk = Orchestrator(name: "support-desk") {
        PythonPool("general", adapter: .dspy(model: "openai/gpt-4o-mini"), workers: 2)
    }
    return try await desk.running { try await $0.predict(Triage.self, .init(message: message)) }
}
