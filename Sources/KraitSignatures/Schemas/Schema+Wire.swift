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
}
