import KraitSignatures

/// What DSPy's prompts say about fields and their types.
package struct FieldTexts {
    let types: [TypeDeclaration]

    /// Texts about fields whose signature declares these types.
    package init(types: [TypeDeclaration]) { self.types = types }

    // MARK: - The list of fields

    /// DSPy's numbered list of one side's fields: name, type, description, constraints.
    package func list(_ fields: [Field]) throws(PromptError) -> String {
        var lines: [String] = []
        for (index, field) in fields.enumerated() {
            if let rule = field.type.delegationRules.first { throw .delegated(rule) }
            var text = "\(index + 1). `\(field.name)` (\(field.type.name)): "
            if !field.description.isSame("${\(field.name)}") { text += field.description }
            try describe(field.type, in: &text)
            if let constraints = field.constraints { text += "\nConstraints: " + constraints }
            lines.append(text)
        }
        return lines.joined(separator: "\n").stripped
    }

    /// What DSPy's own types say about themselves, wherever they stand in a field's type.
    private func describe(_ type: TypeExpression, in text: inout String) throws(PromptError) {
        switch type {
        case .generic(_, let parts), .union(let parts):
            for part in parts { try describe(part, in: &text) }
        case .dspy(let type, let arguments):
            // DSPy asks the language for its lower case, and as text made it, it is a tuple.
            if arguments != nil { throw .delegated(.typeArguments) }
            switch type {
            case .code: add("Code", Self.code(language: "python"), to: &text)
            case .toolCalls: add("ToolCalls", Self.toolCalls, to: &text)
            default: break
            }
        case .declared(let name):
            guard let declaration = types.last(where: { $0.name == name }) else {
                throw .delegated(.declaredType)
            }
            guard case .known = declaration.kind else { return }
            guard let facts = declaration.facts else { throw .delegated(.declaredType) }
            if facts.isDSPyType, !facts.description.isEmpty {
                add(name, facts.description, to: &text)
            }
        default: break
        }
    }

    private func add(_ name: String, _ description: String, to text: inout String) {
        text += "\n    Type description of \(name): \(description)"
    }

    private static func code(language: String) -> String {
        """
        Code represented in a string, specified in the `code` field. If this is an output field, \
        the code field should follow the markdown code block format, e.g. \n\
        ```\(language)\n{code}\n```\nProgramming language: \(language)
        """
    }

    private static let toolCalls = """
        Tool calls must be a JSON object with `tool_calls`, a list of calls. Each call must \
        include `name` and `args`. Example: \
        {"tool_calls": [{"name": "search", "args": {"query": "cats"}}]}
        """

    // MARK: - Placeholders

    /// The field's name in braces, and for an output what its value must be.
    package func placeholder(_ field: Field, isOutput: Bool) throws(PromptError) -> String {
        let name = "{\(field.name)}"
        guard isOutput, let demand = try demand(field.type) else { return name }
        return name + "        # note: the value you produce " + demand
    }

    /// What a value of a type must be; nil where DSPy says nothing.
    private func demand(_ type: TypeExpression) throws(PromptError) -> String? {
        switch type {
        case .builtin(.str), .dspy(.reasoning, nil), .dspy(.code, nil): return nil
        case .builtin(.bool): return "must be True or False"
        case .builtin(.int): return "must be a single int value"
        case .builtin(.float): return "must be a single float value"
        case .literal(let values):
            let members = values.map { PythonValue($0).text }.joined(separator: "; ")
            return "must exactly match (no extra characters) one of: " + members
        case .declared(let name):
            let declaration = types.last { $0.name == name }
            if case .enumeration(let cases)? = declaration?.kind {
                let members = cases.map { PythonValue($0.value).text }.joined(separator: "; ")
                return "must be one of: " + members
            }
            if let facts = declaration?.facts, facts.isCode { return nil }
        default: break
        }
        let schema = JSONSchema.sorted(try JSONSchema.of(type, types: types))
        do {
            return "must adhere to the JSON schema: " + (try JSONText.write(schema))
        } catch {
            throw PromptError(error)
        }
    }
}
