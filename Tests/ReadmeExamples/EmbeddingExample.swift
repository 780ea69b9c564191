import Krait

func near(_ question: String, among texts: [String]) async throws -> [Float] {
    let embedder = Embedder("openai/text-embedding-3-small", dimensions: 256)
    let asked = try await embedder.embed(question)
    let found = try await embedder.embed(texts)
    print(found.usage.promptTokens ?? 0, found.cost ?? .nan, found.cached)
    return found.vectors.map { vector in zip(asked, vector).reduce(0) { $0 + $1.0 * $1.1 } }
}
