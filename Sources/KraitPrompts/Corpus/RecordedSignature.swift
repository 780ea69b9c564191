import KraitSignatures
import KraitWire

/// Reads a signature as recorded answers describe it: its text, or its fields with their types.
struct RecordedSignature {
    private var declarations: [TypeDeclaration] = []
    /// Models that are being read: one inside itself is a reference.
    private var open: Set<String> = []

    private static let depthLimit = 60

    /// The schema; throws where a description does not say enough.
    static func schema(_ recorded: PythonValue) throws(PromptError) -> Schema {
        if case .string(let text) = recorded { return try parsed(text) }
        guard let description = recorded.dict, let rows = description["fields"]?.list,
            let instructions = description["instructions"]?.string
        else { throw .raise("ValueError", "a signature without fields") }
        let base = try description["string"]?.string.map(parsed)
        var reader = RecordedSignature()
        var (inputs, outputs) = ([Field](), [Field]())
        for case .dict(let row) in rows {
            guard let name = row["name"]?.string else { continue }
            let known = base?.field(name)?.type
            let type: TypeExpression
            if let known, known.delegationRules.isEmpty {
                type = known
            } else {
                type = try reader.type(row["type_ast"], row)
            }
            var field = Field(name, type: type, description: row["desc"]?.string)
            field.constraints = row["constraints"]?.string
            field.fallback = try Self.fallback(row)
            if row["kind"]?.string == "input" {
                inputs.append(field)
            } else {
                outputs.append(field)
            }
        }
        let schema = Schema(
            exactly: inputs,
            outputs,
            instructions: instructions,
            types: reader.declarations
        )
        try reader.check(schema, rows)
        return schema
    }

    /// A field's default, of those that are plain JSON.
    private static func fallback(_ row: PythonDict) throws(PromptError) -> Value? {
        let recorded = row["default"] ?? row["default_factory_value"]
        if recorded == nil, row["default_factory"] == nil { return nil }
        guard let recorded, recorded.dict?["$py"] == nil, let value = recorded.wireValue else {
            throw .delegated(.declaredType)
        }
        return value
    }

    private static func parsed(_ text: String) throws(PromptError) -> Schema {
        do {
            return try Schema(parsing: text)
        } catch {
            if let rule = error.rule { throw .delegated(rule) }
            throw .raise(error.exception?.rawValue ?? "ValueError", error.description)
        }
    }

    /// A class whose recorded schema is not the one of its description has something that the
    /// description leaves out, such as constraints: only Python knows it.
    private func check(_ schema: Schema, _ rows: [PythonValue]) throws(PromptError) {
        guard !declarations.isEmpty else { return }
        let texts = FieldTexts(types: declarations)
        for field in schema.outputs {
            let row = rows.lazy.compactMap(\.dict).first { $0["name"]?.string == field.name }
            guard let note = row?["note"]?.string, Self.isDeclared(field.type),
                let text = try? texts.placeholder(field, isOutput: true)
            else { continue }
            if !text.isSame(note) { throw .delegated(.declaredType) }
        }
    }

    private static func isDeclared(_ type: TypeExpression) -> Bool {
        switch type {
        case .declared: true
        case .generic(_, let parts), .union(let parts): parts.contains(where: isDeclared)
        default: false
        }
    }

    // MARK: - Types

    private mutating func type(_ ast: PythonValue?, _ row: PythonDict, depth: Int = 0)
        throws(PromptError) -> TypeExpression
    {
        guard depth < Self.depthLimit, let node = ast?.dict, let kind = node["k"]?.string else {
            throw .delegated(.declaredType)
        }
        let name = node["name"]?.string ?? ""
        switch kind {
        case "any": return .any
        case "ellipsis": return .ellipsis
        case "prim":
            if name == "None" { return .none }
            if let builtin = Builtin(rawValue: name) { return .builtin(builtin) }
            return declare(name.split(separator: ".").last.map(String.init) ?? name, .known, row)
        case "generic":
            guard let origin = node["origin"]?.string else { throw .delegated(.declaredType) }
            return .generic(
                Container(rawValue: origin),
                try types(node["args"], row, depth: depth + 1)
            )
        case "union": return .union(try types(node["args"], row, depth: depth + 1))
        case "literal":
            var values: [LiteralValue] = []
            for value in node["values"]?.list ?? [] { values.append(try Self.literal(value)) }
            return .literal(values)
        case "dspy":
            if let type = DSPyType(rawValue: name) { return .dspy(type) }
            return declare(name, .known, row, isCode: node["language"] != nil)
        case "enum": return try enumeration(name, node, row)
        case "model": return try model(name, node, row, depth: depth)
        default: return declare(name, .known, row)
        }
    }

    private mutating func types(_ list: PythonValue?, _ row: PythonDict, depth: Int)
        throws(PromptError) -> [TypeExpression]
    {
        var types: [TypeExpression] = []
        for item in list?.list ?? [] { types.append(try type(item, row, depth: depth)) }
        return types
    }

    private static func literal(_ value: PythonValue) throws(PromptError) -> LiteralValue {
        switch value {
        case .none: .none
        case .bool(let flag): .bool(flag)
        case .int(let integer): .int(integer)
        case .largeInteger(let digits): .largeInteger(digits)
        case .float(let number): .float(number)
        case .string(let text): .string(text)
        default: throw .delegated(.declaredType)
        }
    }

    private mutating func declare(
        _ name: String,
        _ kind: TypeDeclaration.Kind,
        _ row: PythonDict,
        isCode: Bool = false
    ) -> TypeExpression {
        var declaration = TypeDeclaration(name, kind)
        // What DSPy's `Type`s say about themselves stands beside the field.
        let own = (row["custom_types"]?.list ?? []).lazy.compactMap(\.list).first {
            $0.first?.string == name
        }
        declaration.facts = TypeDeclaration.TypeFacts(
            isDSPyType: own != nil,
            description: own?.last?.string ?? "",
            isCode: isCode
        )
        if !declarations.contains(where: { $0.name == name }) { declarations.append(declaration) }
        return .declared(name)
    }

    private mutating func enumeration(_ name: String, _ node: PythonDict, _ row: PythonDict)
        throws(PromptError) -> TypeExpression
    {
        var cases: [TypeDeclaration.Case] = []
        for member in node["members"]?.list?.compactMap(\.list) ?? [] {
            guard member.count == 2, let name = member[0].string, let value = member[1].wireValue
            else { throw .delegated(.declaredType) }
            cases.append(TypeDeclaration.Case(name, value: value))
        }
        return declare(name, .enumeration(cases), row)
    }

    private mutating func model(
        _ name: String,
        _ node: PythonDict,
        _ row: PythonDict,
        depth: Int
    ) throws(PromptError) -> TypeExpression {
        if open.contains(name) { return .declared(name) }
        open.insert(name)
        defer { open.remove(name) }
        var fields: [TypeDeclaration.ModelField] = []
        for field in node["fields"]?.list?.compactMap(\.dict) ?? [] {
            fields.append(try self.field(field, row, depth: depth))
        }
        var declaration = TypeDeclaration(name, .model(fields))
        declaration.documentation = node["doc"]?.string
        if let other = declarations.first(where: { $0.name == name }) {
            // Two classes of one name cannot be told apart by it.
            guard other == declaration else { throw .delegated(.declaredType) }
        } else {
            declarations.append(declaration)
        }
        return .declared(name)
    }

    private mutating func field(_ field: PythonDict, _ row: PythonDict, depth: Int)
        throws(PromptError) -> TypeDeclaration.ModelField
    {
        let type = try type(field["type"], row, depth: depth + 1)
        guard let name = field["name"]?.string, let source = type.source,
            field["alias"]?.string == nil
        else { throw .delegated(.declaredType) }
        var result = TypeDeclaration.ModelField(
            name,
            type: source,
            description: field["description"]?.string
        )
        let value = field["default"]?.wireValue ?? .null
        if case .bool(false)? = field["required"] {
            // Where nothing is recorded a function may make the value.
            result.presence = value != .null || type.allowsNone ? .constant(value) : .made
        } else {
            result.presence = .required
        }
        return result
    }
}
