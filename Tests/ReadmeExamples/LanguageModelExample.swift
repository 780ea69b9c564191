import Krait

func ask() async throws {
    let lm = LM("openai/gpt-4o-mini", temperature: 0, maxTokens: 500)
    let response = try await lm.complete(LMRequest("What is a krait?"))
    print(response.text ?? "", response.usage.totalTokens ?? 0, response.cost ?? .nan)

    for try await event in lm.stream(LMRequest("Tell me more.")) {
        if case .text(let piece) = event { print(piece, terminator: "") }
    }
}
