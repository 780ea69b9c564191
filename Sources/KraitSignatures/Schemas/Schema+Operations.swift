extension Schema {
    /// A schema of these fields.
    ///
    /// Refuses what DSPy would refuse: names that are none, or on both sides, and types that no
    /// signature can name (a negative number in a `Literal`).
    public init(
        inputs: [Field],
        outputs: [Field],
        instructions: String? = nil,
        types: [TypeDeclaration] = []
    ) throws(SchemaError) {
        let text = try Self.text(inputs) + " -> " + Self.text(outputs, leavingOutStr: true)
        try self.init(parsing: text, instructions: instructions, types: types)
        // The text says all but descriptions, prefixes and marks; of a name that comes twice the
        // last field counts, as everywhere.
        for index in self.inputs.indices {
            let name = self.inputs[index].name
            inputs.last { $0.name == name }.map { self.inputs[index] = $0 }
        }
        for index in self.outputs.indices {
            let name = self.outputs[index].name
            outputs.last { $0.name == name }.map { self.outputs[index] = $0 }
        }
    }

    private static func text(_ fields: [Field], leavingOutStr: Bool = false) throws(SchemaError)
        -> String
    {
        var parts: [String] = []
        for field in fields {
            if field.isTypeUndefined || leavingOutStr && field.type == .str {
                parts.append(field.name)
            } else if let source = field.type.source {
                parts.append("\(field.name): \(source)")
            } else {
                throw SchemaError(
                    .typeArguments,
                    "no signature can name the type `\(field.type.name)`",
                    remedy: "declare an enumeration for negative numbers",
                    path: field.name,
                    exception: .valueError
                )
            }
        }
        return parts.joined(separator: ", ")
    }

    /// The same with a field at an index of its side.
    ///
    /// A negative index counts from the end: −1 is behind the last. A field of that name on the
    /// same side keeps its place and gets the new definition; one on the other side follows DSPy,
    /// where an output wins over an input.
    public func inserting(_ field: Field, as kind: FieldKind, at index: Int) throws(SchemaError)
        -> Schema
    {
        var inputs = inputs.map { ($0, FieldKind.input) }
        var outputs = outputs.map { ($0, FieldKind.output) }
        let count = kind == .input ? inputs.count : outputs.count
        let place = index < 0 ? index + count + 1 : index
        guard (0...count).contains(place) else {
            throw SchemaError(
                .invalidIndex,
                "there is no place \(index) among \(count) \(kind.rawValue) fields",
                remedy: "use \(-count - 1) to \(count)",
                path: field.name,
                exception: .valueError
            )
        }
        if kind == .input {
            inputs.insert((field, kind), at: place)
        } else {
            outputs.insert((field, kind), at: place)
        }
        // Like Python's dict: the first place and the last value of each name.
        var merged: [(field: Field, kind: FieldKind)] = []
        for (field, kind) in inputs + outputs {
            if let place = merged.firstIndex(where: { $0.field.name == field.name }) {
                merged[place] = (field, kind)
            } else {
                merged.append((field, kind))
            }
        }
        return try with(
            inputs: merged.filter { $0.kind == .input }.map(\.field),
            outputs: merged.filter { $0.kind == .output }.map(\.field)
        )
    }

    /// The same with a field behind the others of its side.
    public func appending(_ field: Field, as kind: FieldKind) throws(SchemaError) -> Schema {
        try inserting(field, as: kind, at: -1)
    }

    /// The same with a field before the others of its side.
    public func prepending(_ field: Field, as kind: FieldKind) throws(SchemaError) -> Schema {
        try inserting(field, as: kind, at: 0)
    }

    /// The same without the field of that name, if there is one.
    public func deleting(_ name: String) throws(SchemaError) -> Schema {
        try with(
            inputs: inputs.filter { $0.name != name },
            outputs: outputs.filter { $0.name != name }
        )
    }

    /// The same with a field changed; a name that is not there is an error.
    public func updating(_ name: String, _ change: (inout Field) -> Void) throws(SchemaError)
        -> Schema
    {
        var inputs = inputs
        var outputs = outputs
        if let index = inputs.firstIndex(where: { $0.name == name }) {
            change(&inputs[index])
        } else if let index = outputs.firstIndex(where: { $0.name == name }) {
            change(&outputs[index])
        } else {
            let nearest = NearestName.find(name, among: fields.map(\.name))
            throw SchemaError(
                .unknownField,
                "there is no field `\(name)`",
                remedy: nearest.map { "did you mean `\($0)`?" },
                path: name,
                exception: .keyError
            )
        }
        return try with(inputs: inputs, outputs: outputs)
    }

    /// The same with other instructions; empty ones are DSPy's standard text.
    public func with(instructions: String) -> Schema {
        var schema = self
        schema.give(instructions)
        return schema
    }

    /// The same with instructions behind those it has, after an empty line.
    public func appending(instructions: String) -> Schema {
        with(instructions: self.instructions + "\n\n" + instructions)
    }

    mutating func give(_ instructions: String) {
        givenInstructions = instructions.isEmpty ? nil : instructions
        self.instructions =
            instructions.isEmpty
            ? Docstring.standard(inputs: inputs, outputs: outputs) : Docstring.clean(instructions)
    }

    /// Other fields, with the instructions it has.
    ///
    /// DSPy cleans those up again at every operation,
    /// which can move their margin, and so does this.
    private func with(inputs: [Field], outputs: [Field]) throws(SchemaError) -> Schema {
        try Schema(inputs: inputs, outputs: outputs, instructions: instructions, types: types)
    }
}

extension Schema {
    /// DSPy's own equality: instructions, and for each name the side, description, prefix and
    /// whether its type was left out; neither types nor order.
    public func equalsInDSPy(_ other: Schema) -> Bool {
        func rows(_ schema: Schema) -> [String: [String?]] {
            let inputs = schema.inputs.map { ($0, "input") }
            let outputs = schema.outputs.map { ($0, "output") }
            let pairs = (inputs + outputs).map { field, kind in
                (field.name, [kind, field.description, field.prefix, field.typeMark?.description])
            }
            return Dictionary(pairs) { $1 }
        }
        return instructions == other.instructions && rows(self) == rows(other)
    }
}
