import KraitWire

extension Schema {
    /// What DSPy's `dump_state` saves: instructions, and each field's prefix and description.
    ///
    /// Names and types are not in it.
    public var state: Value {
        let rows = fields.map { field in
            Value.map(["prefix": .string(field.prefix), "description": .string(field.description)])
        }
        return ["instructions": .string(instructions), "fields": .list(rows)]
    }

    /// The same with a saved state laid over it, field by field in order, as DSPy's `load_state`
    /// does.
    ///
    /// Of a state with more or fewer fields the common ones count. What is not a state is an error
    /// that names the part.
    public func loading(state: Value) throws(SchemaError) -> Schema {
        guard let instructions = state["instructions"]?.string else {
            throw Self.notAState("instructions", "text")
        }
        guard let rows = state["fields"]?.list else { throw Self.notAState("fields", "a list") }
        var schema = self
        for (index, row) in rows.prefix(fields.count).enumerated() {
            guard let prefix = row["prefix"]?.string else {
                throw Self.notAState("fields[\(index)].prefix", "text")
            }
            guard let description = row["description"]?.string else {
                throw Self.notAState("fields[\(index)].description", "text")
            }
            if index < inputs.count {
                schema.inputs[index].prefix = prefix
                schema.inputs[index].description = description
            } else {
                schema.outputs[index - inputs.count].prefix = prefix
                schema.outputs[index - inputs.count].description = description
            }
        }
        schema.instructions = Docstring.clean(instructions)
        schema.givenInstructions = instructions
        return schema
    }

    private static func notAState(_ path: String, _ kind: String) -> SchemaError {
        SchemaError(
            .wrongType,
            "a saved signature has \(kind) here",
            remedy: "save it with DSPy's `dump_state`",
            path: path,
            exception: .keyError
        )
    }
}
