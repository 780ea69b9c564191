import KraitWire

extension OpenAIDialect {
    func response(_ body: Value, model: String) throws(LMError) -> LMResponse {
        guard let choices = body["choices"]?.list, !choices.isEmpty else {
            throw .malformed("it has no choices")
        }
        guard choices.count <= LMLimits.completions else {
            throw .malformed("it has \(choices.count) choices")
        }
        var completions: [LMCompletion] = []
        for (index, choice) in choices.enumerated() {
            guard let message = choice["message"]?.map else {
                throw .malformed("choice \(index) has no message")
            }
            completions.append(try Self.completion(message, of: choice, at: index))
        }
        return LMResponse(
            id: body["id"]?.string,
            model: body["model"]?.string ?? model,
            completions: completions,
            usage: Self.usage(body["usage"]),
            cost: Self.cost(body["usage"])
        )
    }

    private static func completion(
        _ message: ValueMap,
        of choice: Value,
        at index: Int
    ) throws(LMError) -> LMCompletion {
        var completion = LMCompletion()
        switch message["content"] {
        case .string(let text)?: completion.text = text
        case .null?, nil: break
        case .list(let parts)?: completion.text = parts.compactMap { $0["text"]?.string }.joined()
        default: throw .malformed("the content of choice \(index) is no text")
        }
        completion.reasoning =
            message["reasoning_content"]?.string ?? message["reasoning"]?.string
        for call in message["tool_calls"]?.list ?? [] {
            guard let function = call["function"], let name = function["name"]?.string else {
                throw .malformed("a tool call of choice \(index) names no function")
            }
            guard completion.toolCalls.count < LMLimits.toolCalls else {
                throw .malformed("choice \(index) has too many tool calls")
            }
            completion.toolCalls.append(
                LMToolCall(
                    id: call["id"]?.string ?? "call_\(completion.toolCalls.count)",
                    name: name,
                    arguments: try arguments(function["arguments"])
                )
            )
        }
        let hasCalls = !completion.toolCalls.isEmpty
        completion.finishReason = finishReason(choice["finish_reason"]?.string, hasCalls: hasCalls)
        if completion.text == nil, let refusal = message["refusal"]?.string {
            completion.text = refusal
            completion.finishReason = .contentFilter
        }
        completion.logprobs = choice["logprobs"].flatMap { $0 == .null ? nil : $0 }
        return completion
    }

    /// Some servers give the arguments as they are, not as a text.
    private static func arguments(_ given: Value?) throws(LMError) -> String {
        switch given {
        case .string(let text)?: return text
        case .map?:
            guard let given, let bytes = try? PlainJSON.encode(given) else { return "{}" }
            return String(decoding: bytes, as: UTF8.self)
        case nil, .null?: return "{}"
        default: throw .malformed("the arguments of a tool call are no text")
        }
    }

    static func finishReason(
        _ reason: String?,
        hasCalls: Bool
    ) -> LMCompletion.FinishReason {
        switch reason {
        case "length": .length
        case "content_filter": .contentFilter
        case "tool_calls", "function_call": .toolCalls
        default: hasCalls ? .toolCalls : .stop
        }
    }

    static func usage(_ given: Value?) -> LMUsage {
        LMUsage(
            promptTokens: APIText.count(given?["prompt_tokens"]),
            completionTokens: APIText.count(given?["completion_tokens"]),
            totalTokens: APIText.count(given?["total_tokens"]),
            cachedTokens: APIText.count(given?["prompt_tokens_details"]?["cached_tokens"]),
            reasoningTokens: APIText.count(
                given?["completion_tokens_details"]?["reasoning_tokens"]
            )
        )
    }

    /// What some APIs say it cost, in US dollars.
    static func cost(_ usage: Value?) -> Double? {
        usage?["cost"]?.double.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }

    func accumulator(model: String) -> any StreamAccumulator { Accumulator(model: model) }

    /// Puts chunks together.
    struct Accumulator: StreamAccumulator {
        private var response: LMResponse
        private var completion = LMCompletion()
        private var hasReason = false
        private(set) var isOver = false

        init(model: String) { response = LMResponse(model: model, completions: []) }

        mutating func took(_ data: [UInt8]) throws(LMError) -> [LMEvent] {
            if data.elementsEqual("[DONE]".utf8) {
                isOver = true
                return []
            }
            let chunk = try APIText.value(data)
            if let error = APIError(chunk) { throw error.midStream }
            response.id = response.id ?? chunk["id"]?.string
            if let model = chunk["model"]?.string, !model.isEmpty { response.model = model }
            if let usage = chunk["usage"], usage != .null {
                response.usage = OpenAIDialect.usage(usage)
                response.cost = OpenAIDialect.cost(usage)
            }
            guard let choices = chunk["choices"]?.list else {
                throw .malformed("a chunk has no choices")
            }
            guard let choice = choices.first else { return [] }
            let events = try took(choice["delta"] ?? .null)
            if let reason = choice["finish_reason"]?.string {
                hasReason = true
                completion.finishReason = OpenAIDialect.finishReason(
                    reason,
                    hasCalls: !completion.toolCalls.isEmpty
                )
            }
            return events
        }

        private mutating func took(_ delta: Value) throws(LMError) -> [LMEvent] {
            var events: [LMEvent] = []
            if let text = (delta["reasoning_content"] ?? delta["reasoning"])?.string, !text.isEmpty
            {
                completion.reasoning.append(text)
                events.append(.reasoning(text))
            }
            if let text = delta["content"]?.string, !text.isEmpty {
                completion.text.append(text)
                events.append(.text(text))
            }
            for call in delta["tool_calls"]?.list ?? [] { events.append(try took(call: call)) }
            return events
        }

        private mutating func took(call: Value) throws(LMError) -> LMEvent {
            let count = completion.toolCalls.count
            let index = call["index"]?.int ?? max(0, count - 1)
            guard index >= 0, index <= count, index < LMLimits.toolCalls else {
                throw .malformed("a chunk is of a tool call that has not begun")
            }
            let (id, name) = (call["id"]?.string, call["function"]?["name"]?.string)
            if index == count {
                guard let name else { throw .malformed("a tool call begins without a name") }
                completion.toolCalls.append(
                    LMToolCall(id: id ?? "call_\(index)", name: name, arguments: "")
                )
            }
            let more = call["function"]?["arguments"]?.string ?? ""
            completion.toolCalls[index].arguments += more
            return .toolCall(index: index, id: id, name: name, arguments: more)
        }

        func finished() throws(LMError) -> LMResponse {
            guard hasReason || isOver else { throw .malformed("the stream ends in the middle") }
            var response = response
            response.completions = [completion]
            return response
        }
    }
}
