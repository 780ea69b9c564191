import KraitWire

/// OpenAI's chat completions, as all the world speaks them.
///
/// Bodies have the fields that DSPy 3.4.1's own client sends (`_vendor/lm15/providers/
/// openai_chat.py`), in its order.
struct OpenAIDialect: Dialect {
    let path = "/chat/completions"
    let embeddingsPath: String? = "/embeddings"

    func headers(key: String?) -> [(name: String, value: String)] {
        key.map { [("Authorization", "Bearer \($0)")] } ?? []
    }

    func body(_ request: LMRequest, model: String, isStream: Bool) throws(LMError) -> Value {
        var messages: [Value] = []
        for message in request.messages { messages.append(Self.value(of: message)) }
        var body: ValueMap = ["model": .string(model), "messages": .list(messages)]
        if isStream {
            body["stream"] = true
            body["stream_options"] = ["include_usage": true]
        }
        let parameters = request.parameters
        body["max_completion_tokens"] = parameters.maxTokens.map { .int(Int64($0)) }
        body["temperature"] = parameters.temperature.map(Value.double)
        body["top_p"] = parameters.topP.map(Value.double)
        body["seed"] = parameters.seed.map { .int(Int64($0)) }
        body["frequency_penalty"] = parameters.frequencyPenalty.map(Value.double)
        body["presence_penalty"] = parameters.presencePenalty.map(Value.double)
        if !parameters.stop.isEmpty { body["stop"] = .list(parameters.stop.map(Value.string)) }
        if let logprobs = parameters.logprobs {
            body["logprobs"] = true
            if logprobs > 0 { body["top_logprobs"] = .int(Int64(logprobs)) }
        }
        if !request.tools.isEmpty { body["tools"] = .list(request.tools.map(Self.value)) }
        body["tool_choice"] = request.toolChoice.map(Self.value)
        body["response_format"] = request.responseFormat.map(Self.value)
        body["reasoning_effort"] = parameters.reasoningEffort.map(Value.string)
        for (name, value) in parameters.extra.entries { body[name] = value }
        return .map(body)
    }

    static func value(of message: LMMessage) -> Value {
        var value: ValueMap = ["role": .string(message.role.rawValue)]
        value["tool_call_id"] = message.toolCallID.map(Value.string)
        value["content"] = content(of: message)
        value["name"] = message.name.map(Value.string)
        if !message.toolCalls.isEmpty {
            value["tool_calls"] = .list(message.toolCalls.map(Self.value))
        }
        return .map(value)
    }

    private static func content(of message: LMMessage) -> Value {
        if message.content.isEmpty { return .null }
        if message.content.count == 1, case .text(let text) = message.content[0] {
            return .string(text)
        }
        return .list(
            message.content.map { part in
                switch part {
                case .text(let text): return ["type": "text", "text": .string(text)]
                case .image(let url, let detail):
                    var image: ValueMap = ["url": .string(url)]
                    image["detail"] = detail.map(Value.string)
                    return ["type": "image_url", "image_url": .map(image)]
                case .other(let map): return .map(map)
                }
            }
        )
    }

    static func value(_ call: LMToolCall) -> Value {
        [
            "id": .string(call.id), "type": "function",
            "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
        ]
    }

    private static func value(_ tool: LMTool) -> Value {
        var function: ValueMap = ["name": .string(tool.name)]
        function["description"] = tool.description.map(Value.string)
        function["parameters"] = tool.parameters
        function["strict"] = tool.isStrict.map(Value.bool)
        return ["type": "function", "function": .map(function)]
    }

    private static func value(_ choice: LMToolChoice) -> Value {
        switch choice {
        case .auto: "auto"
        case .none: "none"
        case .required: "required"
        case .tool(let name): ["type": "function", "function": ["name": .string(name)]]
        }
    }

    private static func value(_ format: LMResponseFormat) -> Value {
        switch format {
        case .jsonObject: return ["type": "json_object"]
        case .jsonSchema(let name, let schema, let isStrict):
            var inner: ValueMap = ["name": .string(name), "schema": schema]
            inner["strict"] = isStrict.map(Value.bool)
            return ["type": "json_schema", "json_schema": .map(inner)]
        }
    }
}
