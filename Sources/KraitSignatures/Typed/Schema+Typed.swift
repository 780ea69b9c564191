import KraitWire

extension Schema {
    /// Derives the schema from the signature's types; see `Signature.schema`.
    init<S: Signature>(derivedFrom signature: S.Type) throws(SchemaError) {
        let recording = TypeRecording()
        let inputs = try recording.fields(of: S.Input.self)
        let outputs = try recording.fields(of: S.Output.self)
        try self.init(
            inputs: inputs.map { Field($0.name, type: $0.type, typeMark: false) },
            outputs: outputs.map { Field($0.name, type: $0.type) },
            instructions: S.instructions,
            types: recording.declarations
        )
        for note in signature.notes.notes { try apply(note, of: signature) }
    }

    private mutating func apply<S: Signature>(_ note: FieldNotes.Note, of signature: S.Type)
        throws(SchemaError)
    {
        let isInput = note.root == ObjectIdentifier(S.Input.self)
        guard isInput || note.root == ObjectIdentifier(S.Output.self) else {
            throw Self.unknown(note, "it is about `\(note.rootName)`, neither Input nor Output")
        }
        let names = note.path.split(separator: ".").map(String.init)
        guard let first = names.first, names.allSatisfy(Self.isName) else {
            throw Self.unknown(note, "it is no stored property")
        }
        let fields = isInput ? inputs : outputs
        guard let index = fields.firstIndex(where: { $0.name == first }) else {
            let all = fields.map { "`\($0.name)`" }.prefix(8).joined(separator: ", ")
            throw Self.unknown(note, "no field has this name; the fields are \(all)")
        }
        if names.count > 1 {
            return try describe(names.dropFirst(), in: fields[index].type, note)
        }
        if isInput {
            inputs[index].description = note.text
        } else {
            outputs[index].description = note.text
        }
    }

    /// Describes a property of a nested struct.
    private mutating func describe(
        _ names: ArraySlice<String>,
        in type: TypeExpression,
        _ note: FieldNotes.Note
    ) throws(SchemaError) {
        guard let name = names.first, case .declared(let model) = type,
            let place = types.firstIndex(where: { $0.name == model }),
            case .model(var fields) = types[place].kind,
            let index = fields.firstIndex(where: { $0.name == name })
        else {
            throw Self.unknown(note, "no nested struct has a property of this name")
        }
        guard names.count == 1 else {
            let inner = try? Schema(parsing: "x: \(fields[index].type) ->", types: types)
            let type = inner?.inputs.first?.type ?? .any
            return try describe(names.dropFirst(), in: type, note)
        }
        fields[index].description = note.text
        types[place].kind = .model(fields)
    }

    private static func isName(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0 == "_" || $0.properties.isXIDContinue }
    }

    private static func unknown(_ note: FieldNotes.Note, _ reason: String) -> SchemaError {
        SchemaError(
            .unknownNote,
            "the note for `\(note.path)` describes nothing: \(reason)",
            remedy: "use a key path to a stored property whose coding key is its own name",
            path: note.path
        )
    }
}

extension Schema {
    /// The fields of one side as a map, from the Swift value that holds them.
    package func encode(_ value: some Encodable, as kind: FieldKind) throws(SchemaError) -> ValueMap
    {
        do {
            if case .map(let map) = try ValueEncoder().encode(value) { return map }
        } catch {
            throw Self.misfit(error, kind)
        }
        throw SchemaError(
            .wrongType,
            "the \(kind.rawValue) fields are no struct",
            path: kind.rawValue
        )
    }

    /// The Swift value that the fields of one side make.
    package func decode<T: Decodable>(_ type: T.Type, from map: ValueMap, as kind: FieldKind)
        throws(SchemaError) -> T
    {
        do {
            return try ValueDecoder().decode(type, from: .map(map))
        } catch {
            throw Self.misfit(error, kind)
        }
    }

    /// Says place and kinds; what a type's own coding throws may quote a value and is not passed
    /// on.
    private static func misfit(_ error: any Error, _ kind: FieldKind) -> SchemaError {
        guard let error = error as? ValueError else {
            return SchemaError(
                .wrongType,
                "the type's own coding refuses the value",
                path: kind.rawValue
            )
        }
        return SchemaError(
            .wrongType,
            error.reason,
            path: error.path.isEmpty ? kind.rawValue : error.path
        )
    }
}
