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

    /// Answers a worker: with an endpoint's body, or with why there is none.
    package func answer(worker arguments: ValueMap) async -> Value {
        do throws(LMError) {
            guard let body = arguments["body"]?.map, let model = arguments["model"]?.string else {
                throw LMError(.invalidRequest, "a worker's request has a model and a body")
            }
            var request = try OpenAIDialect.request(from: body)
            request.cache = arguments["cache"]?.bool
            request.rolloutID = arguments["rollout"]?.int
            let response = try await (model == self.model ? self : other(model)).complete(request)
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
