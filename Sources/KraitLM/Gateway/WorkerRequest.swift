import KraitWire

/// What a worker asks of its host's LM, and what it is told; *Worker protocol* has the shape.
extension LM {
    /// The name by which workers ask.
    package static let toolName = "krait.lm"

    /// The LM of a pool's settings, where they say that the host makes the requests.
    package init?(ofPool settings: ValueMap?, gateway: LMGateway = .shared) {
        guard let settings, settings["gateway"] == true, let model = settings["model"]?.string
        else { return nil }
        self.init(
            model,
            apiBase: settings["api_base"]?.string,
            keyEnv: settings["key_env"]?.string,
            cache: settings["cache"]?.bool ?? false,
            numRetries: settings["num_retries"]?.int ?? 3,
            timeout: settings["timeout"]?.double.map(Duration.seconds) ?? .seconds(600),
            gateway: gateway
        )
    }

    /// Answers a worker: with an endpoint's body, with a piece of a stream, or with why there is
    /// none.
    ///
    /// - Parameter streams: those of the worker's call.
    package func answer(worker arguments: ValueMap, _ streams: WorkerStreams) async -> Value {
        do throws(LMError) {
            if let next = arguments["next"] {
                return try await streams.next(next.int ?? -1)
            }
            if let asked = arguments["embed"]?.map { return try await embedded(asked) }
            guard let body = arguments["body"]?.map, let model = arguments["model"]?.string else {
                throw LMError(.invalidRequest, "a worker's request has a model and a body")
            }
            var request = try OpenAIDialect.request(from: body)
            request.cache = arguments["cache"]?.bool
            request.rolloutID = arguments["rollout"]?.int
            let lm = model == self.model ? self : other(model)
            if arguments["stream"] == true { return try await streams.begin(lm.stream(request)) }
            let response = try await lm.complete(request)
            return ["body": OpenAIDialect.body(of: response), "cached": .bool(response.isCached)]
        } catch {
            var told: ValueMap = ["code": .string(error.kind.rawValue)]
            told["message"] = .string(error.message)
            told["detail"] = error.detail.map(Value.string)
            told["status"] = error.status.map { .int(Int64($0)) }
            told["retry_after"] = error.retryAfter.map { .double($0 / .seconds(1)) }
            return ["error": .map(told)]
        }
    }
}

extension LM {
    /// The vectors of a worker's texts, from where the pool's requests go.
    private func embedded(_ asked: ValueMap) async throws(LMError) -> Value {
        guard let model = asked["model"]?.string, let texts = asked["texts"]?.list else {
            throw LMError(.invalidRequest, "a worker's embedding has a model and texts")
        }
        let embedder = Embedder(model, of: self, dimensions: asked["dimensions"]?.int)
        let found = try await embedder.embed(texts.map { $0.string ?? "" })
        let vectors = found.vectors.map { vector in
            Value.list(vector.map { .double(Double($0)) })
        }
        return ["vectors": .list(vectors)]
    }
}

/// The streams that one call's worker reads, piece by piece as it asks for them.
///
/// Their end of life ends their requests.
package actor WorkerStreams {
    private var streams: [Int: LMStream.AsyncIterator] = [:]
    private var begun = 0

    package init() {}

    /// Begins a stream; gives its number and its first piece.
    func begin(_ stream: LMStream) async throws(LMError) -> Value {
        guard streams.count < LMLimits.workerStreams else {
            throw LMError(
                .invalidRequest,
                "a call reads at most \(LMLimits.workerStreams) streams at once"
            )
        }
        begun += 1
        return try await piece(of: stream.makeAsyncIterator(), begun)
    }

    /// All that has come of a stream since the last piece, or the next that comes.
    func next(_ number: Int) async throws(LMError) -> Value {
        guard let stream = streams.removeValue(forKey: number) else {
            throw LMError(.invalidRequest, "there is no such stream, or it is being read already")
        }
        return try await piece(of: stream, number)
    }

    private func piece(
        of stream: LMStream.AsyncIterator,
        _ number: Int
    ) async throws(LMError) -> Value {
        var stream = stream
        var events: [Value] = []
        for event in try await stream.nextBatch() {
            switch event {
            case .text(let text): events.append(["text": .string(text)])
            case .reasoning(let text): events.append(["reasoning": .string(text)])
            case .toolCall(let index, let id, let name, let arguments):
                var call: ValueMap = ["index": .int(Int64(index))]
                call["id"] = id.map(Value.string)
                call["name"] = name.map(Value.string)
                call["arguments"] = .string(arguments)
                events.append(["tool_call": .map(call)])
            case .end(let response):
                return [
                    "events": .list(events), "body": OpenAIDialect.body(of: response),
                    "cached": .bool(response.isCached),
                ]
            }
        }
        streams[number] = stream
        return ["events": .list(events), "stream": .int(Int64(number))]
    }
}
