import KraitSignatures

/// The system message and the reminder, which the signature alone decides.
struct SystemText {
    private let schema: Schema
    private let kind: AdapterKind
    private let fields: FieldTexts

    init(_ schema: Schema, _ kind: AdapterKind) {
        self.schema = schema
        self.kind = kind
        fields = FieldTexts(types: schema.types)
    }

    /// The system message: the fields, how they are laid out, and the task.
    func system() throws(PromptError) -> String {
        let parts = [
            "Your input fields are:", try fields.list(schema.inputs),
            "Your output fields are:", try fields.list(schema.outputs),
            try structure(), task(),
        ]
        return parts.joined(separator: "\n")
    }

    private func task() -> String {
        var text = "In adhering to this structure, your objective is: "
        for line in Dedent.dedent(schema.instructions).lines {
            text += "\n        "
            text += line
        }
        return text
    }

    private func structure() throws(PromptError) -> String {
        let opening =
            "All interactions will be structured in the following way, "
            + "with the appropriate values filled in."
        switch kind {
        case .chat:
            let inputs = try sections(schema.inputs, isOutput: false)
            let outputs = try sections(schema.outputs, isOutput: true)
            return [opening, inputs, outputs, "[[ ## completed ## ]]\n"]
                .joined(separator: "\n\n").stripped
        case .json:
            let inputs = try sections(schema.inputs, isOutput: false)
            return [
                opening, "Inputs will have the following structure:", inputs,
                "Outputs will be a JSON object with the following fields.", try object(),
            ].joined(separator: "\n\n").stripped
        case .xml:
            let inputs = try elements(schema.inputs, isOutput: false)
            let outputs = try elements(schema.outputs, isOutput: true)
            return [opening, inputs, outputs].joined(separator: "\n\n")
        }
    }

    private func sections(_ side: [Field], isOutput: Bool) throws(PromptError) -> String {
        var parts: [String] = []
        for field in side {
            let text = try fields.placeholder(field, isOutput: isOutput)
            parts.append("[[ ## \(field.name) ## ]]\n" + text)
        }
        return parts.joined(separator: "\n\n").stripped
    }

    private func object() throws(PromptError) -> String {
        var entries: [(String, PythonValue)] = []
        for field in schema.outputs {
            entries.append((field.name, .string(try fields.placeholder(field, isOutput: true))))
        }
        do {
            return try JSONText.write(.dict(PythonDict(entries)), indent: 2)
        } catch {
            throw PromptError(error)
        }
    }

    private func elements(_ side: [Field], isOutput: Bool) throws(PromptError) -> String {
        var parts: [String] = []
        for field in side {
            if isOutput, XMLSkeleton.isNested(field.type, types: schema.types) {
                parts.append(try XMLSkeleton.text(field, types: schema.types))
                continue
            }
            var text = try fields.placeholder(field, isOutput: isOutput)
            if isOutput, field.type == .str { text = XMLEscape.text(text) }
            parts.append("<\(field.name)>\n\(text)\n</\(field.name)>".stripped)
        }
        return parts.joined(separator: "\n\n")
    }

    // MARK: - The reminder

    /// What the last user message ends with.
    func reminder() throws(PromptError) -> String {
        switch kind {
        case .chat:
            var text = "Respond with the corresponding output fields, starting with the field "
            text += try names { "`[[ ## \($0) ## ]]`" }
            return text + ", and then ending with the marker for `[[ ## completed ## ]]`."
        case .json:
            let order = try names { "`\($0)`" }
            return "Respond with a JSON object in the following order of fields: \(order)."
        case .xml:
            let tags = schema.outputs.map { "`<\($0.name)>`" }.joined(separator: ", then ")
            var skeletons: [String] = []
            for field in schema.outputs where XMLSkeleton.isNested(field.type, types: schema.types)
            {
                skeletons.append(try XMLSkeleton.text(field, types: schema.types))
            }
            let text = "Respond with the corresponding output fields wrapped in XML tags \(tags)."
            if skeletons.isEmpty { return text }
            return text + " Use this nested XML structure: "
                + skeletons.joined(separator: " ")
        }
    }

    private func names(_ quoted: (String) -> String) throws(PromptError) -> String {
        var parts: [String] = []
        for field in schema.outputs {
            if let rule = field.type.delegationRules.first { throw .delegated(rule) }
            parts.append(quoted(field.name) + Self.hint(field.type))
        }
        return parts.joined(separator: ", then ")
    }

    private static func hint(_ type: TypeExpression) -> String {
        switch type {
        case .builtin(.str): ""
        case .dspy(.toolCalls, nil):
            #" (must be a JSON object like {"tool_calls": [{"name": "...", "args": {...}}]})"#
        default: " (must be formatted as a valid Python \(type.name))"
        }
    }
}
