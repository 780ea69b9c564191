import KraitWire

/// Anthropic's Messages.
struct AnthropicDialect: Dialect {
    let path = "/messages"
    let embeddingsPath: String? = nil

    /// What an answer may have where nobody says: the API insists on a number.
    static let maxTokens = 4_096

    func headers(key: String?) -> [(name: String, value: String)] {
        var headers = [(name: "anthropic-version", value: "2023-06-01")]
        if let key { headers.append(("x-api-key", key)) }
        return headers
    }

    func body(_ request: LMRequest, model: String, isStream: Bool) throws(LMError) -> Value {
        let parameters = request.parameters
        try refuse(parameters.logprobs != nil, "logprobs", model)
        try refuse(request.responseFormat != nil, "a response format", model)
        var body: ValueMap = ["model": .string(model)]
        body["max_tokens"] = .int(Int64(parameters.maxTokens ?? Self.maxTokens))
        let frames = request.messages.filter { $0.role == .system || $0.role == .developer }
        if !frames.isEmpty {
            body["system"] = .string(frames.map(\.text).joined(separator: "\n\n"))
        }
        body["messages"] = .list(try messages(request, model))
        if isStream { body["stream"] = true }
        // Its scale ends at 1.
        body["temperature"] = parameters.temperature.map { .double(min($0, 1)) }
        body["top_p"] = parameters.topP.map(Value.double)
        if !parameters.stop.isEmpty {
            body["stop_sequences"] = .list(parameters.stop.map(Value.string))
        }
        if !request.tools.isEmpty {
            body["tools"] = .list(
                request.tools.map { tool in
                    var value: ValueMap = ["name": .string(tool.name)]
                    value["description"] = tool.description.map(Value.string)
                    value["input_schema"] = tool.parameters
                    return .map(value)
                }
            )
        }
        switch request.toolChoice {
        case nil: break
        case .auto?: body["tool_choice"] = ["type": "auto"]
        case LMToolChoice.none?: body["tool_choice"] = ["type": "none"]
        case .required?: body["tool_choice"] = ["type": "any"]
        case .tool(let name)?: body["tool_choice"] = ["type": "tool", "name": .string(name)]
        }
        for (name, value) in parameters.extra.entries { body[name] = value }
        return .map(body)
    }

    private func refuse(_ isAsked: Bool, _ what: String, _ model: String) throws(LMError) {
        guard isAsked else { return }
        throw LMError(
            .unsupportedFeature,
            "Anthropic's API has no way to ask for \(what)",
            model: model
        )
    }

    /// Turns of user and assistant; what tools gave is the user's.
    private func messages(_ request: LMRequest, _ model: String) throws(LMError) -> [Value] {
        var turns: [(role: String, content: [Value])] = []
        for message in request.messages {
            let role: String
            var content: [Value] = []
            switch message.role {
            case .system, .developer: continue
            case .tool:
                role = "user"
                content = [
                    [
                        "type": "tool_result",
                        "tool_use_id": .string(message.toolCallID ?? ""),
                        "content": .string(message.text),
                    ]
                ]
            case .user, .assistant:
                role = message.role.rawValue
                for part in message.content { content.append(try Self.value(of: part, model)) }
                for call in message.toolCalls {
                    content.append([
                        "type": "tool_use", "id": .string(call.id), "name": .string(call.name),
                        "input": .map(call.argumentValues ?? [:]),
                    ])
                }
            }
            if turns.last?.role == role {
                turns[turns.count - 1].content += content
            } else {
                turns.append((role, content))
            }
        }
        return turns.map { turn in
            if turn.content.count == 1, turn.content[0]["type"] == "text",
                let text = turn.content[0]["text"]
            {
                return ["role": .string(turn.role), "content": text]
            }
            return ["role": .string(turn.role), "content": .list(turn.content)]
        }
    }

    private static func value(of part: LMPart, _ model: String) throws(LMError) -> Value {
        switch part {
        case .text(let text): return ["type": "text", "text": .string(text)]
        case .image(let url, _):
            guard url.hasPrefix("data:") else {
                return ["type": "image", "source": ["type": "url", "url": .string(url)]]
            }
            let parts = url.dropFirst(5).split(separator: ",", maxSplits: 1)
            guard parts.count == 2, parts[0].hasSuffix(";base64") else {
                throw LMError(
                    .unsupportedFeature,
                    "an image's data: URL is not base64",
                    model: model
                )
            }
            return [
                "type": "image",
                "source": [
                    "type": "base64", "media_type": .string(String(parts[0].dropLast(7))),
                    "data": .string(String(parts[1])),
                ],
            ]
        case .other(let map):
            throw LMError(
                .unsupportedFeature,
                "Anthropic's API has no part of the type \(map["type"]?.string ?? "?")",
                model: model
            )
        }
    }
}
