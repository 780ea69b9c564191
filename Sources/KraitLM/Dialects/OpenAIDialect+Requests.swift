import KraitWire

/// The other way round: for those who ask in OpenAI's words, such as workers.
extension OpenAIDialect {
    /// The request that a body asks for; throws `.invalidRequest` with the place.
    ///
    /// Fields without a name of their own are `extra`: the request has this body again.
    static func request(from body: ValueMap) throws(LMError) -> LMRequest {
        var request = LMRequest(messages: [])
        for (index, message) in (body["messages"]?.list ?? []).enumerated() {
            request.messages.append(try Self.message(message, "messages[\(index)]"))
        }
        var rest = body
        for name in ["model", "messages", "stream", "stream_options", "n"] { rest[name] = nil }
        func take<Found>(_ name: String, _ read: (Value) -> Found?) throws(LMError) -> Found? {
            guard let value = rest[name], value != .null else { return nil }
            guard let found = read(value) else { throw invalid(name) }
            rest[name] = nil
            return found
        }
        var parameters = LMParameters()
        let maxTokens = try take("max_tokens", \.int)
        parameters.maxTokens = maxTokens
        if let most = try take("max_completion_tokens", \.int) { parameters.maxTokens = most }
        parameters.temperature = try take("temperature", \.double)
        parameters.topP = try take("top_p", \.double)
        parameters.seed = try take("seed", \.int)
        parameters.frequencyPenalty = try take("frequency_penalty", \.double)
        parameters.presencePenalty = try take("presence_penalty", \.double)
        if let stop = try take("stop", texts) { parameters.stop = stop }
        if try take("logprobs", \.bool) == true {
            let most = try take("top_logprobs", \.int)
            parameters.logprobs = most ?? 0
        }
        parameters.reasoningEffort = try take("reasoning_effort", \.string)
        if let tools = try take("tools", tools) { request.tools = tools }
        request.toolChoice = try take("tool_choice", toolChoice)
        request.responseFormat = try take("response_format", responseFormat)
        parameters.extra = rest
        request.parameters = parameters
        return request
    }

    private static func invalid(_ place: String) -> LMError {
        LMError(.invalidRequest, "\(place) is not what OpenAI's API has there")
    }

    private static func message(_ value: Value, _ place: String) throws(LMError) -> LMMessage {
        guard let map = value.map, let role = map["role"]?.string.flatMap(LMMessage.Role.init)
        else { throw invalid("\(place).role") }
        var message = LMMessage(role, parts: [])
        switch map["content"] {
        case .string(let text)?: message.content = [.text(text)]
        case .null?, nil: break
        case .list(let parts)?:
            for part in parts {
                guard let part = part.map else { throw invalid("\(place).content") }
                message.content.append(Self.part(part))
            }
        default: throw invalid("\(place).content")
        }
        message.toolCallID = map["tool_call_id"]?.string
        message.name = map["name"]?.string
        for call in map["tool_calls"]?.list ?? [] {
            guard let id = call["id"]?.string, let function = call["function"],
                let name = function["name"]?.string,
                let arguments = function["arguments"]?.string
            else { throw invalid("\(place).tool_calls") }
            message.toolCalls.append(LMToolCall(id: id, name: name, arguments: arguments))
        }
        return message
    }

    private static func texts(_ value: Value) -> [String]? {
        value.string.map { [$0] } ?? value.list?.compactMap(\.string)
    }

    private static func part(_ map: ValueMap) -> LMPart {
        switch (map["type"]?.string, map.count) {
        case ("text", 2):
            if let text = map["text"]?.string { return .text(text) }
        case ("image_url", 2):
            if let image = map["image_url"]?.map, let url = image["url"]?.string,
                image.count == (image["detail"]?.string == nil ? 1 : 2)
            {
                return .image(url: url, detail: image["detail"]?.string)
            }
        default: break
        }
        return .other(map)
    }

    private static func tools(_ value: Value) -> [LMTool]? {
        guard let list = value.list else { return nil }
        var tools: [LMTool] = []
        for tool in list {
            guard tool["type"] == "function", let function = tool["function"]?.map,
                let name = function["name"]?.string
            else { return nil }
            tools.append(
                LMTool(
                    name,
                    function["description"]?.string,
                    parameters: function["parameters"] ?? [:],
                    isStrict: function["strict"]?.bool
                )
            )
        }
        return tools
    }

    private static func toolChoice(_ value: Value) -> LMToolChoice? {
        switch value.string {
        case "auto": .auto
        case "none": LMToolChoice.none
        case "required": .required
        default: value["function"]?["name"]?.string.map(LMToolChoice.tool)
        }
    }

    private static func responseFormat(_ value: Value) -> LMResponseFormat? {
        switch value["type"]?.string {
        case "json_object": return .jsonObject
        case "json_schema":
            guard let inner = value["json_schema"], let schema = inner["schema"] else { return nil }
            return .jsonSchema(
                name: inner["name"]?.string ?? "response",
                schema: schema,
                isStrict: inner["strict"]?.bool
            )
        default: return nil
        }
    }

    /// An answer as OpenAI's API would give it, whichever dialect it came in.
    static func body(of response: LMResponse) -> Value {
        var usage: ValueMap = [:]
        func tell(_ name: String, _ count: Int?) {
            if let count { usage[name] = .int(Int64(count)) }
        }
        tell("prompt_tokens", response.usage.promptTokens)
        tell("completion_tokens", response.usage.completionTokens)
        tell("total_tokens", response.usage.totalTokens)
        if let cached = response.usage.cachedTokens {
            usage["prompt_tokens_details"] = ["cached_tokens": .int(Int64(cached))]
        }
        if let thought = response.usage.reasoningTokens {
            usage["completion_tokens_details"] = ["reasoning_tokens": .int(Int64(thought))]
        }
        let choices = response.completions.enumerated().map { index, completion in
            choice(completion, at: index)
        }
        var body: ValueMap = ["object": "chat.completion", "model": .string(response.model)]
        body["id"] = response.id.map(Value.string)
        body["choices"] = .list(choices)
        body["usage"] = .map(usage)
        return .map(body)
    }

    private static func choice(_ completion: LMCompletion, at index: Int) -> Value {
        var message: ValueMap = ["role": "assistant"]
        message["content"] = completion.text.map(Value.string) ?? .null
        message["reasoning_content"] = completion.reasoning.map(Value.string)
        if !completion.toolCalls.isEmpty {
            message["tool_calls"] = .list(completion.toolCalls.map(value))
        }
        var choice: ValueMap = ["index": .int(Int64(index)), "message": .map(message)]
        choice["finish_reason"] = .string(completion.finishReason.rawValue)
        choice["logprobs"] = completion.logprobs
        return .map(choice)
    }
}
