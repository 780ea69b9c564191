import KraitWire

/// A model for embeddings behind an API, as `dspy.Embedder` has it.
///
/// ```swift
/// let embedder = Embedder("openai/text-embedding-3-small", dimensions: 256)
/// let vectors = try await embedder.embed(["What is a krait?", "A snake."]).vectors
/// ```
///
/// Speaks OpenAI's API, at the model's own address or at `apiBase`. Many texts are asked for in
/// batches, a few of them at once; equal texts are asked for once, and each text is cached by
/// itself.
public struct Embedder: EmbeddingModel, CustomStringConvertible {
    /// The model, as DSPy names it.
    public let model: String
    /// How many numbers a vector is to have; nil leaves it to the model.
    public var dimensions: Int?
    /// How many texts one request has.
    public var batchSize: Int
    /// Whether vectors come from the cache and go into it.
    public var cache: Bool
    /// How often a request is sent once more after a transient error.
    public var numRetries: Int
    /// How long `embed` may take in all.
    public var timeout: Duration
    let endpoint: LMEndpoint
    let gateway: LMGateway

    /// A model, each setting with DSPy's default.
    ///
    /// - Parameters:
    ///   - model: such as `openai/text-embedding-3-small`.
    ///   - apiBase: where it is not the provider's own address.
    ///   - apiKey: nil takes it from the environment, when a request is made.
    ///   - keyEnv: the environment variable with the key, where it is not the provider's own.
    ///   - price: US dollars for a million tokens, where Krait does not know them.
    public init(
        _ model: String,
        apiBase: String? = nil,
        apiKey: LMKey? = nil,
        keyEnv: String? = nil,
        dimensions: Int? = nil,
        batchSize: Int = 200,
        cache: Bool = true,
        numRetries: Int = 3,
        timeout: Duration = .seconds(600),
        price: LMPrice? = nil,
        gateway: LMGateway = .shared
    ) {
        self.model = model
        self.dimensions = dimensions
        self.batchSize = batchSize
        self.cache = cache
        self.numRetries = numRetries
        self.timeout = timeout
        self.gateway = gateway
        endpoint = LMEndpoint(model, apiBase: apiBase, key: apiKey, keyEnv: keyEnv, price: price)
    }

    /// A model for embeddings at an LM's own place, with its settings.
    init(_ model: String, of lm: LM, dimensions: Int?) {
        self.model = model
        self.dimensions = dimensions
        batchSize = 200
        (cache, numRetries, timeout) = (lm.cache, lm.numRetries, lm.timeout)
        gateway = lm.gateway
        endpoint = lm.endpoint.other(model)
    }

    /// The texts' vectors; the first request to fail for good ends the others.
    ///
    /// - Throws: `malformed_answer` where the endpoint gives another number of vectors than there
    ///   were texts, or vectors of different dimensions, or of others than were asked for.
    public func embed(_ texts: [String]) async throws(LMError) -> Embeddings {
        guard (1...LMLimits.embeddingBatch).contains(batchSize), dimensions.map({ $0 > 0 }) ?? true
        else {
            throw LMError(
                .invalidRequest,
                "a batch has from 1 to \(LMLimits.embeddingBatch) texts, and a vector at least one "
                    + "dimension",
                model: model
            )
        }
        if texts.isEmpty { return Embeddings(model: endpoint.wireModel, vectors: [], cost: 0) }
        return try await gateway.embed(texts, self)
    }

    /// The model, and nothing of a key.
    public var description: String { "Embedder(\(model))" }
}
