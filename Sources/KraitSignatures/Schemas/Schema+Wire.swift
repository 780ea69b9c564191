import KraitWire

extension Schema {
    /// The `signature` argument of the worker's `predict` and `chain_of_thought`.
    ///
    /// The text alone where it says everything; else a map with instructions, descriptions and the
    /// declarations of types, as *Worker protocol* has it.
    public var wireValue: Value {
        let described = fields.filter(\.isDescribed)
        let declarations = types.compactMap { type in type.wireValue.map { (type.name, $0) } }
        if givenInstructions == nil, described.isEmpty, declarations.isEmpty {
            return .string(text)
        }
        var map: ValueMap = ["text": .string(text)]
        // As it was given: the worker's DSPy cleans it up once, and twice is not the same.
        if let givenInstructions { map["instructions"] = .string(givenInstructions) }
        if !described.isEmpty {
            map["fields"] = .map(
                ValueMap(described.map { ($0.name, ["desc": .string($0.description)]) })
            )
        }
        if !declarations.isEmpty { map["types"] = .map(ValueMap(declarations)) }
        return .map(map)
    }

    /// Reads a `signature` argument, as the worker does.
    ///
    /// - Throws: `wrong_type` with the place where it is no such argument; whatever the text's
    ///   parser throws.
    public init(wireValue: Value) throws(SchemaError) {
        switch wireValue {
        case .string(let text): self = try SchemaCache.shared.schema(parsing: text)
        case .map(let map): try self.init(wireMap: map)
        default: throw .misplaced("signature", "a text or a map", wireValue)
        }
    }

    private init(wireMap map: ValueMap) throws(SchemaError) {
        let known = ["text", "instructions", "fields", "types"]
        for key in map.keys where !known.contains(key) {
            throw SchemaError(
                .unknownField,
                "a signature has no key `\(key.prefix(60))`",
                remedy: "leave it out, or use one of \(known.joined(separator: ", "))",
                path: "signature"
            )
        }
        guard let text = map["text"]?.string else {
            throw .misplaced("signature.text", "a text", map["text"] ?? .null)
        }
        var types: [TypeDeclaration] = []
        for (name, declaration) in try Self.entries(map, "types") {
            types.append(try TypeDeclaration(name, wireValue: declaration))
        }
        var schema = try SchemaCache.shared.schema(
            parsing: text,
            instructions: try Self.text(map["instructions"], "instructions"),
            types: types
        )
        for (name, notes) in try Self.entries(map, "fields") {
            guard let notes = notes.map, notes.keys.allSatisfy({ $0 == "desc" }) else {
                throw .misplaced("signature.fields.\(name)", "a map with `desc`", notes)
            }
            guard let text = try Self.text(notes["desc"], "fields.\(name).desc"), !text.isEmpty
            else { continue }
            schema = try schema.updating(name) { $0.description = text }
        }
        self = schema
    }

    private static func entries(_ map: ValueMap, _ key: String) throws(SchemaError)
        -> [ValueMap.Entry]
    {
        switch map[key] {
        case nil, .null?: return []
        case .map(let entries)?: return entries.entries
        case let other?: throw .misplaced("signature.\(key)", "a map", other)
        }
    }

    private static func text(_ value: Value?, _ key: String) throws(SchemaError) -> String? {
        switch value {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw .misplaced("signature.\(key)", "a text", other)
        }
    }
}

extension TypeDeclaration {
    /// As the worker's `dspy` adapter takes it; nil for a class it knows by itself.
    var wireValue: Value? {
        switch kind {
        case .model(let fields):
            let rows = fields.map { field in
                Value.list([
                    .string(field.name), .string(field.type),
                    field.description.map(Value.string) ?? .null,
                ])
            }
            return ["kind": "model", "fields": .list(rows)]
        case .enumeration(let cases):
            return [
                "kind": "enum",
                "cases": .list(cases.map { .list([.string($0.name), $0.value]) }),
            ]
        case .known: return nil
        }
    }

    /// Reads what `wireValue` writes.
    init(_ name: String, wireValue: Value) throws(SchemaError) {
        let place = "signature.types.\(name)"
        switch wireValue["kind"]?.string {
        case "model":
            var fields: [ModelField] = []
            for row in wireValue["fields"]?.list ?? [] {
                guard let row = row.list, (2...3).contains(row.count), let name = row[0].string,
                    let type = row[1].string,
                    row.count == 2 || row[2].string != nil || row[2] == .null
                else { throw .misplaced(place, "[name, type, description] for a field", row) }
                let description = row.count == 3 ? row[2].string : nil
                fields.append(ModelField(name, type: type, description: description))
            }
            self.init(name, .model(fields))
        case "enum":
            var cases: [Case] = []
            for row in wireValue["cases"]?.list ?? [] {
                guard let row = row.list, row.count == 2, let name = row[0].string else {
                    throw .misplaced(place, "[name, value] for a case", row)
                }
                cases.append(Case(name, value: row[1]))
            }
            self.init(name, .enumeration(cases))
        default: throw .misplaced("\(place).kind", "`model` or `enum`", wireValue["kind"] ?? .null)
        }
    }
}

extension SchemaError {
    fileprivate static func misplaced(_ path: String, _ wanted: String, _ found: Value)
        -> SchemaError
    {
        SchemaError(
            .wrongType,
            "expected \(wanted), found \(found.kindName)",
            remedy: "see *Worker protocol* for how a call names its signature",
            path: path
        )
    }
}
