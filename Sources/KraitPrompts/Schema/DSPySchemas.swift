import KraitSignatures

/// The schemas of DSPy's types: whole where no documentation is in them, else their structure.
enum DSPySchemas {
    /// The definitions that a type needs; empty where Krait does not know them.
    static func definitions(of type: DSPyType, isStructural: Bool) -> [(String, PythonValue)] {
        switch type {
        case .image: return [("Image", image)]
        case .toolCalls: return [("ToolCall", toolCall), ("ToolCalls", toolCalls)]
        case .toolCallResults:
            return [("ToolCallResult", toolCallResult), ("ToolCallResults", toolCallResults)]
        case .audio, .code, .file, .history, .reasoning, .type:
            guard isStructural else { return [] }
            return [(type.rawValue, structure(of: type))]
        // What a tool calls has no schema.
        case .tool: return []
        }
    }

    private static func structure(of type: DSPyType) -> PythonValue {
        let text = PythonValue.dict(PythonDict([("type", .string("string"))]))
        let perhaps = PythonDict([
            ("anyOf", .list([text, .dict(PythonDict([("type", .string("null"))]))]))
        ])
        let properties: [(String, PythonValue)] =
            switch type {
            case .audio: [("data", text), ("audio_format", text)]
            case .code: [("code", text)]
            case .file:
                ["file_data", "file_id", "filename"].map { ($0, .dict(perhaps)) }
            case .reasoning: [("content", text)]
            case .history:
                [
                    (
                        "messages",
                        .dict(
                            PythonDict([
                                (
                                    "items",
                                    .dict(
                                        PythonDict([
                                            ("additionalProperties", .bool(true)),
                                            ("type", .string("object")),
                                        ])
                                    )
                                ), ("type", .string("array")),
                            ])
                        )
                    )
                ]
            default: []
            }
        return model(type.rawValue, properties, required: [])
    }

    private static func titled(_ title: String, _ type: String? = nil) -> PythonValue {
        var entries: [(String, PythonValue)] = [("title", .string(title))]
        if let type { entries.append(("type", .string(type))) }
        return .dict(PythonDict(entries))
    }

    private static func model(
        _ name: String,
        _ properties: [(String, PythonValue)],
        required: [String],
        isClosed: Bool = false
    ) -> PythonValue {
        var entries: [(String, PythonValue)] =
            isClosed ? [("additionalProperties", .bool(false))] : []
        entries += [
            ("properties", .dict(PythonDict(properties))),
            ("required", .list(required.map(PythonValue.string))),
            ("title", .string(name)), ("type", .string("object")),
        ]
        return .dict(PythonDict(entries))
    }

    private static func list(of name: String, title: String) -> PythonValue {
        .dict(
            PythonDict([
                ("items", .dict(PythonDict([("$ref", .string("#/$defs/" + name))]))),
                ("title", .string(title)), ("type", .string("array")),
            ])
        )
    }

    private static let image = model(
        "Image",
        [("url", titled("Url", "string"))],
        required: ["url"],
        isClosed: true
    )

    private static let toolCall = model(
        "ToolCall",
        [
            ("name", titled("Name", "string")),
            (
                "args",
                .dict(
                    PythonDict([
                        ("additionalProperties", .bool(true)), ("title", .string("Args")),
                        ("type", .string("object")),
                    ])
                )
            ),
        ],
        required: ["name", "args"]
    )

    private static let toolCalls = model(
        "ToolCalls",
        [("tool_calls", list(of: "ToolCall", title: "Tool Calls"))],
        required: ["tool_calls"]
    )

    private static let toolCallResult: PythonValue = {
        let text = PythonDict([("type", .string("string"))])
        let null = PythonDict([("type", .string("null"))])
        let identifier = PythonDict([
            ("anyOf", .list([.dict(text), .dict(null)])), ("default", .none),
            ("title", .string("Call Id")),
        ])
        let flag = PythonDict([
            ("default", .bool(false)), ("title", .string("Is Error")), ("type", .string("boolean")),
        ])
        return model(
            "ToolCallResult",
            [
                ("call_id", .dict(identifier)), ("name", titled("Name", "string")),
                ("value", titled("Value")), ("is_error", .dict(flag)),
            ],
            required: ["name", "value"]
        )
    }()

    private static let toolCallResults = model(
        "ToolCallResults",
        [("tool_call_results", list(of: "ToolCallResult", title: "Tool Call Results"))],
        required: ["tool_call_results"]
    )
}
