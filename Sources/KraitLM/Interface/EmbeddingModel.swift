/// Something that turns texts into vectors: a model behind an API, a gateway, a script in a test.
///
/// Cancelling the task ends the requests, and the method throws `LMError` with `.cancelled`.
public protocol EmbeddingModel: Sendable {
    /// The texts' vectors, in the order of the texts and all of one dimension.
    func embed(_ texts: [String]) async throws(LMError) -> Embeddings
}

extension EmbeddingModel {
    /// One text's vector.
    public func embed(_ text: String) async throws(LMError) -> [Float] {
        let vectors = try await embed([text]).vectors
        guard let vector = vectors.first else { throw .malformed("it has no embedding") }
        return vector
    }
}

/// Texts as vectors.
public struct Embeddings: Sendable, Hashable {
    /// The model, as the API names it.
    public var model: String
    /// As many as there were texts, in their order.
    public var vectors: [[Float]]
    /// What those took that were asked for; of cached ones nothing.
    public var usage: LMUsage
    /// US dollars, where they are known: nil is unknown, never free.
    public var cost: Double?
    /// How many came from the cache.
    public var cached: Int

    /// Vectors.
    public init(
        model: String,
        vectors: [[Float]],
        usage: LMUsage = LMUsage(),
        cost: Double? = nil,
        cached: Int = 0
    ) {
        self.model = model
        self.vectors = vectors
        self.usage = usage
        self.cost = cost
        self.cached = cached
    }

    /// How many numbers each vector has; 0 where there is none.
    public var dimensions: Int { vectors.first?.count ?? 0 }
}
