import KraitSignatures
import KraitWire

extension PromptAdapter {
    /// The messages for a prediction as OpenAI's chat API takes them: `role`, `content` and what
    /// belongs to tools.
    ///
    /// They are DSPy's, byte for byte; see `format` for what is left out. Throws where DSPy raises,
    /// and `.delegated` where only Python can tell. Cost: linear in the values; what depends on the
    /// signature alone is kept for the next call.
    public func messages(
        for schema: Schema,
        demos: [ValueMap] = [],
        inputs: ValueMap
    ) throws(PromptError) -> [Value] {
        let messages = try format(schema, demos: demos, inputs: inputs)
        var values: [Value] = []
        for message in messages {
            guard let value = message.value.wireValue else { throw .delegated(.customType) }
            values.append(value)
        }
        return values
    }

    /// The output fields that a completion holds, as a worker's reply would hold them.
    ///
    /// Tuples and sets are lists, enums and models what they are in JSON. Throws `.unparsable` for
    /// what DSPy answers with `AdapterParseError`, and `.delegated` where only Python can tell.
    /// Cost: linear in the text.
    public func fields(
        of schema: Schema,
        in completion: String
    ) throws(PromptError) -> ValueMap {
        var fields = ValueMap()
        for entry in try parse(schema, completion).entries {
            guard let value = entry.value.wireValue else {
                throw .uncarried(field: entry.key.text)
            }
            fields[entry.key.text] = value
        }
        return fields
    }

    /// The messages of values as the wire has them.
    package func format(
        _ schema: Schema,
        demos: [ValueMap] = [],
        inputs: ValueMap
    ) throws(PromptError) -> [Message] {
        try format(schema, demos: demos.map(PythonDict.init), inputs: PythonDict(inputs))
    }
}
