import KraitWire

extension LMGateway {
    /// The vectors of texts, from the cache and from the endpoint.
    func embed(_ texts: [String], _ embedder: Embedder) async throws(LMError) -> Embeddings {
        let began = ContinuousClock.now
        do throws(LMError) {
            let found = try await answer(texts, embedder, by: began + embedder.timeout)
            note(embedder.model, began, .success(LMRecord.Cost(found)))
            return found
        } catch {
            var error = error
            error.model = error.model ?? embedder.model
            note(embedder.model, began, .failure(error))
            throw error
        }
    }

    private func answer(
        _ texts: [String],
        _ embedder: Embedder,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> Embeddings {
        var desk = EmbeddingDesk(texts, embedder)
        if embedder.cache, cache.isOn {
            let keyed = desk.keyed
            let found = await cache.find(keyed.map(\.key))
            for (entry, answer) in zip(keyed, found) {
                if case .vector(let vector)? = answer { desk.found(vector, of: entry.text) }
            }
        }
        for answer in try await ask(desk.batches, embedder, by: deadline) { desk.took(answer) }
        let whole = try desk.finished()
        if embedder.cache, cache.isOn {
            let new = desk.new
            for entry in new { cache.remember(entry.answer, under: entry.key) }
            await cache.save(new)
        }
        return whole
    }

    /// Sends the batches, a few at once; the first to fail ends the others.
    private func ask(
        _ batches: [[String]],
        _ embedder: Embedder,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> [EmbeddingBatch] {
        typealias One = Result<EmbeddingBatch, LMError>
        let answers = await withTaskGroup(of: One.self) { group in
            var answers: [One] = []
            for (index, batch) in batches.enumerated() {
                if index >= LMLimits.embeddingRequests, let one = await group.next() {
                    answers.append(one)
                    if case .failure = one { break }
                }
                group.addTask {
                    do throws(LMError) {
                        return .success(try await self.ask(batch, embedder, by: deadline))
                    } catch { return .failure(error) }
                }
            }
            if case .failure? = answers.last { group.cancelAll() }
            for await one in group {
                if case .failure = one { group.cancelAll() }
                answers.append(one)
            }
            return answers
        }
        // The first to fail is the reason; the others were cancelled for it.
        var batches: [EmbeddingBatch] = []
        for answer in answers { batches.append(try answer.get()) }
        return batches
    }

    private func ask(
        _ texts: [String],
        _ embedder: Embedder,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> EmbeddingBatch {
        let endpoint = embedder.endpoint
        guard let path = endpoint.dialect.embeddingsPath else {
            throw LMError(.unsupportedFeature, "this provider has no embeddings")
        }
        var body: ValueMap = [
            "model": .string(endpoint.wireModel), "input": .list(texts.map(Value.string)),
        ]
        body["dimensions"] = embedder.dimensions.map { .int(Int64($0)) }
        return try await trying(embedder.numRetries, by: deadline) { () throws(LMError) in
            let exchange = try send(.map(body), to: path, of: endpoint, by: deadline)
            return try EmbeddingBatch(try await exchange.answer(), of: texts, endpoint)
        }
    }
}

/// An endpoint's answer to one request for embeddings, checked.
struct EmbeddingBatch: Sendable {
    var texts: [String]
    var vectors: [[Float]]
    var model: String
    var usage: LMUsage
    var cost: Double?

    init(_ body: Value, of texts: [String], _ endpoint: LMEndpoint) throws(LMError) {
        guard let data = body["data"]?.list, data.count == texts.count else {
            let count = body["data"]?.list?.count ?? 0
            throw .malformed("it has \(count) embeddings of \(texts.count) texts")
        }
        var vectors = [[Float]](repeating: [], count: texts.count)
        for (place, entry) in data.enumerated() {
            // Some servers number them and give them in another order.
            let index = entry["index"]?.int ?? place
            guard vectors.indices.contains(index), vectors[index].isEmpty else {
                throw .malformed("embedding \(place) has the number of another, or of none")
            }
            vectors[index] = try Self.vector(entry["embedding"], place)
        }
        (self.texts, self.vectors) = (texts, vectors)
        model = body["model"]?.string ?? endpoint.wireModel
        usage = OpenAIDialect.usage(body["usage"])
        // There is nothing that is said.
        usage.completionTokens = 0
        cost = OpenAIDialect.cost(body["usage"]) ?? endpoint.price?.cost(of: usage)
    }

    private static func vector(_ given: Value?, _ place: Int) throws(LMError) -> [Float] {
        guard let list = given?.list, !list.isEmpty else {
            throw .malformed("embedding \(place) is no list of numbers")
        }
        var vector: [Float] = []
        vector.reserveCapacity(list.count)
        for number in list {
            guard let number = number.double.map(Float.init), number.isFinite else {
                throw .malformed("embedding \(place) has what is no number")
            }
            vector.append(number)
        }
        return vector
    }
}

/// Which texts are to be asked for, and what has come of them; pure.
struct EmbeddingDesk {
    private let texts: [String]
    private let embedder: Embedder
    /// By the texts' bytes: Swift holds texts of different bytes for equal.
    private var vectors: [[UInt8]: [Float]] = [:]
    private var isCached: Set<[UInt8]> = []
    private var model: String
    private var usage: LMUsage?
    private var cost: Double? = 0

    init(_ texts: [String], _ embedder: Embedder) {
        self.texts = texts
        self.embedder = embedder
        model = embedder.endpoint.wireModel
    }

    /// Each text once, with what it is cached under.
    var keyed: [(text: String, key: LMCacheKey)] {
        distinct.compactMap { text in key(of: text).map { (text, $0) } }
    }

    private var distinct: [String] {
        var seen: Set<[UInt8]> = []
        return texts.filter { seen.insert(Array($0.utf8)).inserted }
    }

    private func key(of text: String) -> LMCacheKey? {
        LMCacheKey(
            embedding: text,
            by: embedder.model,
            dimensions: embedder.dimensions,
            at: embedder.endpoint.foreignBase
        )
    }

    mutating func found(_ vector: [Float], of text: String) {
        vectors[Array(text.utf8)] = vector
        isCached.insert(Array(text.utf8))
    }

    /// What is still to be asked for, by requests.
    var batches: [[String]] {
        let missing = distinct.filter { vectors[Array($0.utf8)] == nil }
        return stride(from: 0, to: missing.count, by: embedder.batchSize).map { start in
            Array(missing[start..<min(start + embedder.batchSize, missing.count)])
        }
    }

    mutating func took(_ batch: EmbeddingBatch) {
        for (text, vector) in zip(batch.texts, batch.vectors) {
            vectors[Array(text.utf8)] = vector
        }
        model = batch.model
        usage = usage.map { $0 + batch.usage } ?? batch.usage
        cost = if let cost, let more = batch.cost { cost + more } else { nil }
    }

    /// What was asked for, for the cache.
    var new: [(key: LMCacheKey, answer: CachedAnswer)] {
        keyed.compactMap { text, key in
            guard !isCached.contains(Array(text.utf8)), let vector = vectors[Array(text.utf8)]
            else { return nil }
            return (key, .vector(vector))
        }
    }

    /// All vectors in their texts' order; throws where they are not of one dimension.
    func finished() throws(LMError) -> Embeddings {
        var ordered: [[Float]] = []
        var cached = 0
        for (place, text) in texts.enumerated() {
            let bytes = Array(text.utf8)
            guard let vector = vectors[bytes] else { throw .malformed("text \(place) has none") }
            let wanted = embedder.dimensions ?? ordered.first?.count ?? vector.count
            guard vector.count == wanted else {
                throw .malformed(
                    "embedding \(place) has \(vector.count) dimensions in the place of \(wanted)"
                )
            }
            ordered.append(vector)
            if isCached.contains(bytes) { cached += 1 }
        }
        return Embeddings(
            model: model,
            vectors: ordered,
            usage: usage ?? LMUsage(),
            cost: cost,
            cached: cached
        )
    }
}
