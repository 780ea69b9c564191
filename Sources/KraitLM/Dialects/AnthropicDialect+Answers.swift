import KraitWire

extension AnthropicDialect {
    func response(_ body: Value, model: String) throws(LMError) -> LMResponse {
        guard let content = body["content"]?.list else { throw .malformed("it has no content") }
        var completion = LMCompletion()
        for block in content {
            switch block["type"]?.string {
            case "text": completion.text = (completion.text ?? "") + (block["text"]?.string ?? "")
            case "thinking":
                completion.reasoning =
                    (completion.reasoning ?? "") + (block["thinking"]?.string ?? "")
            case "tool_use":
                guard let name = block["name"]?.string, let id = block["id"]?.string,
                    let input = block["input"]?.map, let bytes = try? PlainJSON.encode(.map(input))
                else { throw .malformed("a tool_use has no name, id or input") }
                guard completion.toolCalls.count < LMLimits.toolCalls else {
                    throw .malformed("it has too many tool calls")
                }
                let arguments = String(decoding: bytes, as: UTF8.self)
                completion.toolCalls.append(LMToolCall(id: id, name: name, arguments: arguments))
            default: break
            }
        }
        completion.finishReason = Self.finishReason(body["stop_reason"]?.string)
        return LMResponse(
            id: body["id"]?.string,
            model: body["model"]?.string ?? model,
            completions: [completion],
            usage: Self.usage(body["usage"])
        )
    }

    static func finishReason(_ reason: String?) -> LMCompletion.FinishReason {
        switch reason {
        case "max_tokens", "model_context_window_exceeded": .length
        case "tool_use": .toolCalls
        case "refusal": .contentFilter
        default: .stop
        }
    }

    /// Anthropic's request tokens do not count the cached ones; here they do.
    static func usage(_ given: Value?) -> LMUsage {
        let read = APIText.count(given?["cache_read_input_tokens"])
        let written = APIText.count(given?["cache_creation_input_tokens"])
        let prompt = APIText.count(given?["input_tokens"]).map { $0 + (read ?? 0) + (written ?? 0) }
        let completion = APIText.count(given?["output_tokens"])
        let total: Int? =
            if let prompt, let completion { prompt + completion } else { nil }
        return LMUsage(
            promptTokens: prompt,
            completionTokens: completion,
            totalTokens: total,
            cachedTokens: read
        )
    }

    func accumulator(model: String) -> any StreamAccumulator { Accumulator(model: model) }

    /// Puts events together.
    struct Accumulator: StreamAccumulator {
        private var response: LMResponse
        private var completion = LMCompletion()
        private var usage: ValueMap = [:]
        /// The place among the tool calls of each block that is one.
        private var calls: [Int: Int] = [:]
        private(set) var isOver = false

        init(model: String) { response = LMResponse(model: model, completions: []) }

        mutating func took(_ data: [UInt8]) throws(LMError) -> [LMEvent] {
            let event = try APIText.value(data)
            switch event["type"]?.string {
            case "error":
                throw (APIError(event) ?? APIError()).midStream
            case "message_start":
                response.id = event["message"]?["id"]?.string
                response.model = event["message"]?["model"]?.string ?? response.model
                take(event["message"]?["usage"])
            case "content_block_start":
                return try began(event["content_block"] ?? .null, at: event["index"]?.int ?? 0)
            case "content_block_delta":
                return try took(event["delta"] ?? .null, at: event["index"]?.int ?? 0)
            case "message_delta":
                completion.finishReason = AnthropicDialect.finishReason(
                    event["delta"]?["stop_reason"]?.string
                )
                take(event["usage"])
            case "message_stop": isOver = true
            default: break
            }
            return []
        }

        private mutating func take(_ given: Value?) {
            for (name, value) in given?.map?.entries ?? [] { usage[name] = value }
        }

        private mutating func began(_ block: Value, at index: Int) throws(LMError) -> [LMEvent] {
            switch block["type"]?.string {
            case "text": return text(block["text"]?.string)
            case "tool_use":
                guard let id = block["id"]?.string, let name = block["name"]?.string,
                    completion.toolCalls.count < LMLimits.toolCalls
                else { throw .malformed("a tool_use begins without an id or a name") }
                let place = completion.toolCalls.count
                calls[index] = place
                completion.toolCalls.append(LMToolCall(id: id, name: name, arguments: ""))
                return [.toolCall(index: place, id: id, name: name, arguments: "")]
            default: return []
            }
        }

        private mutating func text(_ text: String?) -> [LMEvent] {
            guard let text, !text.isEmpty else { return [] }
            completion.text.append(text)
            return [.text(text)]
        }

        private mutating func took(_ delta: Value, at index: Int) throws(LMError) -> [LMEvent] {
            switch delta["type"]?.string {
            case "text_delta": return text(delta["text"]?.string)
            case "thinking_delta":
                guard let text = delta["thinking"]?.string, !text.isEmpty else { return [] }
                completion.reasoning.append(text)
                return [.reasoning(text)]
            case "input_json_delta":
                guard let place = calls[index] else {
                    throw .malformed("an event is of a tool_use that has not begun")
                }
                let more = delta["partial_json"]?.string ?? ""
                completion.toolCalls[place].arguments += more
                return [.toolCall(index: place, id: nil, name: nil, arguments: more)]
            default: return []
            }
        }

        func finished() throws(LMError) -> LMResponse {
            guard isOver else { throw .malformed("the stream ends in the middle") }
            var response = response
            response.completions = [completion]
            response.usage = AnthropicDialect.usage(.map(usage))
            return response
        }
    }
}
