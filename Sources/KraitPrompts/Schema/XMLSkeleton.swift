import KraitSignatures

/// The nested elements that XMLAdapter shows for structured outputs.
enum XMLSkeleton {
    /// Whether XMLAdapter writes values of this type as elements: lists and mappings of anything
    /// but DSPy's own classes, and models.
    static func isNested(_ type: TypeExpression, types: [TypeDeclaration]) -> Bool {
        var type = type
        if case .union(let members) = type {
            let some = members.filter { $0 != .none && $0 != .noneConstant }
            if some.count == 1 { type = some[0] }
        }
        switch type {
        case .generic(.list, let parts):
            if case .dspy? = parts.first { return false }
            return true
        case .generic(.dict, _): return true
        case .declared(let name):
            guard let declaration = types.last(where: { $0.name == name }) else { return false }
            if case .model = declaration.kind { return true }
            return false
        default: return false
        }
    }

    /// The skeleton of a field's value, in one line.
    static func text(_ field: Field, types: [TypeDeclaration]) throws(PromptError) -> String {
        let schema = try JSONSchema.of(field.type, types: types, isStructural: true)
        guard case .dict(let root) = schema else { throw .delegated(.jsonSchema) }
        var definitions = PythonDict()
        if case .dict(let all)? = root["$defs"] { definitions = all }
        let writer = Writer(definitions: definitions)
        return try writer.text(field.name, root, seen: [])
    }

    private struct Writer {
        let definitions: PythonDict

        private static let depthLimit = 100

        func text(_ tag: String, _ schema: PythonDict, seen: [String], depth: Int = 0)
            throws(PromptError) -> String
        {
            guard depth < Self.depthLimit else { throw .delegated(.depth) }
            if let reference = schema["$ref"]?.string {
                let name = reference.split(separator: "/").last.map(String.init) ?? ""
                if seen.contains(name) { return "<\(tag)>...</\(tag)>" }
                let definition = definitions[name]?.dict ?? PythonDict()
                return try text(tag, definition, seen: seen + [name], depth: depth + 1)
            }
            if let choices = schema["anyOf"]?.list?.compactMap(\.dict), !choices.isEmpty {
                let choice = choices.first { $0["type"]?.string != "null" } ?? choices[0]
                return try text(tag, choice, seen: seen, depth: depth + 1)
            }
            if schema["type"]?.string == "array" {
                let items = schema["items"]?.dict ?? PythonDict()
                let item = try text("item", items, seen: seen, depth: depth + 1)
                return "<\(tag)>\(item)</\(tag)>"
            }
            var children = ""
            for (name, child) in schema["properties"]?.dict?.entries ?? [] {
                let child = child.dict ?? PythonDict()
                children += try text(name.text, child, seen: seen, depth: depth + 1)
            }
            return "<\(tag)>\(children.isEmpty ? "..." : children)</\(tag)>"
        }
    }
}
