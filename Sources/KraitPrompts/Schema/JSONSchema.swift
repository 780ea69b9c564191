import KraitSignatures
import KraitWire

/// JSON Schemas of types, as pydantic 2.14 writes them.
///
/// What rests on the text of a class's documentation, on a class that only Python knows or on
/// pydantic's choices between names is delegated by a rule.
package struct JSONSchema {
    private let declarations: [TypeDeclaration]
    /// Definitions by name; nil while one is being made.
    private var definitions: [String: PythonValue?] = [:]
    private var references: [String: Int] = [:]
    /// Names of DSPy's own among the definitions.
    private var ownNames: Set<String> = []
    private let isStructural: Bool

    /// How deep types and the models in them may be nested.
    private static let depthLimit = 100

    private init(_ declarations: [TypeDeclaration], isStructural: Bool) {
        self.declarations = declarations
        self.isStructural = isStructural
    }

    /// The schema of a type with its definitions, keys in pydantic's order.
    ///
    /// A structural one leaves out what classes of DSPy's say about themselves, of which Krait has
    /// no copy: enough to lay out values.
    package static func of(
        _ type: TypeExpression,
        types: [TypeDeclaration] = [],
        isStructural: Bool = false
    ) throws(PromptError) -> PythonValue {
        var writer = JSONSchema(types, isStructural: isStructural)
        var schema = try writer.schema(type, depth: 0)
        // A lone reference is replaced by what it refers to, unless that refers to itself.
        if schema.count == 1, let name = schema["$ref"].flatMap(writer.referenced),
            writer.references[name] == 1, case .dict(let definition)?? = writer.definitions[name]
        {
            schema = definition
            writer.definitions[name] = nil
        }
        guard !writer.definitions.isEmpty else { return ordered(.dict(schema)) }
        var named: [(PythonValue, PythonValue)] = []
        for name in writer.definitions.keys.sorted(by: Self.precedes) {
            if let definition = writer.definitions[name] ?? nil {
                named.append((.string(name), definition))
            }
        }
        let all = (PythonValue.string("$defs"), PythonValue.dict(PythonDict(uniqueEntries: named)))
        let rest = schema.entries.map { ($0.key, $0.value) }
        return ordered(.dict(PythonDict(uniqueEntries: [all] + rest)))
    }

    /// Python's order of texts: by their scalars.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// pydantic's order: keys sorted, except those of properties; defaults stay as they are.
    private static func ordered(_ schema: PythonValue, areProperties: Bool = false) -> PythonValue {
        switch schema {
        case .list(let items): return .list(items.map { ordered($0) })
        case .dict(let dict):
            var entries = dict.entries
            if !areProperties { entries.sort { precedes($0.key.text, $1.key.text) } }
            let values = entries.map { key, value -> (PythonValue, PythonValue) in
                let name = areProperties ? "" : key.text
                if name == "default" { return (key, value) }
                return (key, ordered(value, areProperties: name == "properties"))
            }
            return .dict(PythonDict(uniqueEntries: values))
        default: return schema
        }
    }

    /// The same with every mapping sorted by key, `type` first, as DSPy shows schemas to models.
    static func sorted(_ schema: PythonValue) -> PythonValue {
        switch schema {
        case .list(let items): return .list(items.map(sorted))
        case .dict(let dict):
            let entries = dict.entries.sorted { left, right in
                let (left, right) = (left.key.text, right.key.text)
                if left == "type" || right == "type" { return left == "type" && right != "type" }
                return precedes(left, right)
            }
            return .dict(PythonDict(uniqueEntries: entries.map { ($0.key, sorted($0.value)) }))
        default: return schema
        }
    }
}

extension JSONSchema {
    private mutating func schema(_ type: TypeExpression, depth: Int) throws(PromptError)
        -> PythonDict
    {
        guard depth < Self.depthLimit else { throw .delegated(.depth) }
        switch type {
        case .any: return PythonDict()
        case .none, .noneConstant: return Self.named("null")
        case .builtin(let builtin): return try Self.plain(builtin)
        case .generic(let container, let parts):
            return try schema(container, parts, depth: depth + 1)
        case .union(let members):
            var choices: [PythonValue] = []
            // Wherever `None` stands, pydantic puts it last.
            let isNone = { (member: TypeExpression) in member == .none || member == .noneConstant }
            for member in members.filter({ !isNone($0) }) + members.filter(isNone) {
                let choice = PythonValue.dict(try schema(member, depth: depth + 1))
                // pydantic leaves out a choice that says the same as one before.
                if !choices.contains(where: { $0.isIdentical(to: choice) }) {
                    choices.append(choice)
                }
            }
            if choices.count == 1, case .dict(let only) = choices[0] { return only }
            return PythonDict([("anyOf", .list(choices))])
        case .literal(let values): return try Self.literal(values)
        case .dspy(let type, nil): return try reference(to: type)
        case .declared(let name): return try reference(to: name, depth: depth + 1)
        case .delegated(let type): throw .delegated(type.rule)
        case .ellipsis, .dspy: throw .delegated(.typeArguments)
        }
    }

    private static func named(_ type: String) -> PythonDict {
        PythonDict([("type", .string(type))])
    }

    private static func plain(_ builtin: Builtin) throws(PromptError) -> PythonDict {
        switch builtin {
        case .str, .complex: return named("string")
        case .int: return named("integer")
        case .float: return named("number")
        case .bool: return named("boolean")
        case .bytes:
            return PythonDict([("format", .string("binary")), ("type", .string("string"))])
        case .list, .tuple: return array(PythonDict())
        case .set, .frozenset: return array(PythonDict(), isUnique: true)
        case .dict: return object(.bool(true))
        case .bytearray: throw .delegated(.typeArguments)
        }
    }

    private static func array(_ items: PythonDict, isUnique: Bool = false) -> PythonDict {
        var array = PythonDict([("items", .dict(items)), ("type", .string("array"))])
        if isUnique { array["uniqueItems"] = .bool(true) }
        return array
    }

    private static func object(_ values: PythonValue) -> PythonDict {
        PythonDict([("additionalProperties", values), ("type", .string("object"))])
    }

    private mutating func schema(
        _ container: Container,
        _ parts: [TypeExpression],
        depth: Int
    ) throws(PromptError) -> PythonDict {
        func part(_ index: Int) throws(PromptError) -> TypeExpression {
            guard index < parts.count else { throw .delegated(.typeArguments) }
            return parts[index]
        }
        switch container.rawValue {
        case "tuple": return try tuple(parts, depth: depth)
        case "list", "Sequence", "MutableSequence", "Iterable", "deque", "Generator":
            if parts.isEmpty { return Self.array(PythonDict()) }
            return Self.array(try schema(part(0), depth: depth))
        case "set", "frozenset", "Set", "MutableSet":
            if parts.isEmpty { return Self.array(PythonDict(), isUnique: true) }
            return Self.array(try schema(part(0), depth: depth), isUnique: true)
        case "Counter": return Self.object(.dict(Self.named("integer")))
        case "dict", "Mapping", "MutableMapping", "OrderedDict":
            if parts.isEmpty { return Self.object(.bool(true)) }
            return try mapping(keys: part(0), values: part(1), depth: depth)
        case "type":
            // Of a class in brackets nothing is said; `type[Any]` has no schema.
            switch try part(0) {
            case .builtin, .dspy, .declared: return PythonDict()
            default: throw .delegated(.jsonSchema)
            }
        default: throw .delegated(.jsonSchema)
        }
    }

    private mutating func tuple(_ parts: [TypeExpression], depth: Int) throws(PromptError)
        -> PythonDict
    {
        if parts.count == 2, parts[1] == .ellipsis {
            return Self.array(try schema(parts[0], depth: depth))
        }
        let count = PythonValue.int(Int64(parts.count))
        var tuple = PythonDict([("maxItems", count), ("minItems", count)])
        if !parts.isEmpty {
            var items: [PythonValue] = []
            for part in parts { items.append(.dict(try schema(part, depth: depth))) }
            tuple["prefixItems"] = .list(items)
        }
        tuple["type"] = .string("array")
        return tuple
    }

    private mutating func mapping(keys: TypeExpression, values: TypeExpression, depth: Int)
        throws(PromptError) -> PythonDict
    {
        var names = try schema(keys, depth: depth)
        let item = try schema(values, depth: depth)
        // pydantic writes a schema that says nothing so, whatever type it is of.
        let isOpen = item.isEmpty
        var mapping = Self.object(isOpen ? .bool(true) : .dict(item))
        guard Self.constrainsNames(keys) else { return mapping }
        if names["type"]?.string == "string" { names["type"] = nil }
        guard !names.isEmpty, names["type"] == nil else { return mapping }
        mapping["type"] = nil
        mapping["propertyNames"] = .dict(names)
        mapping["type"] = .string("object")
        return mapping
    }

    /// Whether pydantic says anything about keys of this type: of text with a form, and of classes.
    private static func constrainsNames(_ keys: TypeExpression) -> Bool {
        switch keys {
        case .literal(let values):
            values.allSatisfy { if case .string = $0 { true } else { false } }
        case .builtin(.bytes), .declared: true
        default: false
        }
    }

    private static func literal(_ values: [LiteralValue]) throws(PromptError) -> PythonDict {
        var types: Set<String> = []
        var members: [PythonValue] = []
        for value in values {
            switch value {
            case .none: types.insert("null")
            case .bool: types.insert("boolean")
            case .int, .largeInteger: types.insert("integer")
            case .float(let number):
                // Not a number JSON knows.
                guard number.isFinite else { throw .delegated(.jsonSchema) }
                types.insert("number")
            case .string, .imaginary: types.insert("string")
            case .bytes(let bytes):
                guard bytes.allSatisfy({ $0 < 0x80 }) else { throw .delegated(.jsonSchema) }
                types.insert("string")
                members.append(.string(String(decoding: bytes, as: UTF8.self)))
                continue
            case .ellipsis: throw .delegated(.jsonSchema)
            }
            if case .imaginary = value {
                members.append(.string(value.name))
            } else {
                members.append(PythonValue(value))
            }
        }
        var literal =
            members.count == 1
            ? PythonDict([("const", members[0])]) : PythonDict([("enum", .list(members))])
        if let type = types.first, types.count == 1 { literal["type"] = .string(type) }
        return literal
    }
}

extension JSONSchema {
    /// The name that a `$ref` refers to.
    private func referenced(_ value: PythonValue) -> String? {
        value.string.map { String($0.dropFirst("#/$defs/".count)) }
    }

    private mutating func refer(to name: String) -> PythonDict {
        references[name, default: 0] += 1
        return PythonDict([("$ref", .string("#/$defs/" + name))])
    }

    private mutating func reference(to type: DSPyType) throws(PromptError) -> PythonDict {
        let known = DSPySchemas.definitions(of: type, isStructural: isStructural)
        guard !known.isEmpty else { throw .delegated(.classDocumentation) }
        for (name, definition) in known {
            // A declared class may have the same name.
            if definitions[name] != nil, !ownNames.contains(name) { throw .delegated(.jsonSchema) }
            ownNames.insert(name)
            definitions[name] = .some(definition)
        }
        return refer(to: type.rawValue)
    }

    private mutating func reference(to name: String, depth: Int) throws(PromptError) -> PythonDict {
        guard let declaration = declarations.last(where: { $0.name == name }) else {
            throw .delegated(.declaredType)
        }
        if ownNames.contains(name) { throw .delegated(.jsonSchema) }
        if definitions[name] == nil {
            definitions[name] = .some(nil)
            switch declaration.kind {
            case .known: throw .delegated(.declaredType)
            case .enumeration(let cases):
                definitions[name] = .some(.dict(enumeration(declaration, cases)))
            case .model(let fields):
                definitions[name] = .some(.dict(try model(declaration, fields, depth: depth)))
            }
        }
        return refer(to: name)
    }

    private func enumeration(_ declaration: TypeDeclaration, _ cases: [TypeDeclaration.Case])
        -> PythonDict
    {
        let values = cases.map { PythonValue($0.value) }
        var result = PythonDict()
        if let text = declaration.documentation, text != "An enumeration." {
            result["description"] = .string(text)
        }
        result["enum"] = .list(values)
        result["title"] = .string(declaration.name)
        let types = Set(values.map(\.typeName))
        let names = [
            "str": "string", "int": "integer", "float": "number", "bool": "boolean",
            "list": "array",
        ]
        if types.count == 1, let type = types.first.flatMap({ names[$0] }) {
            result["type"] = .string(type)
        }
        return result
    }

    private mutating func model(
        _ declaration: TypeDeclaration,
        _ fields: [TypeDeclaration.ModelField],
        depth: Int
    ) throws(PromptError) -> PythonDict {
        var properties: [(String, PythonValue)] = []
        var required: [PythonValue] = []
        for field in fields {
            let type = try DeclaredTypes.type(field.type, types: declarations)
            var property = try schema(type, depth: depth)
            if let description = field.description {
                property["description"] = .string(description)
            }
            switch field.presence ?? (Self.isOptional(type) ? .constant(.null) : .required) {
            case .required: required.append(.string(field.name))
            case .constant(let value): property["default"] = PythonValue(value)
            case .made: break
            }
            if hasTitle(type) { property["title"] = .string(Self.title(of: field.name)) }
            properties.append((field.name, .dict(property)))
        }
        var model = PythonDict()
        if let text = declaration.documentation { model["description"] = .string(text) }
        model["properties"] = .dict(PythonDict(properties))
        if !required.isEmpty { model["required"] = .list(required) }
        model["title"] = .string(declaration.name)
        model["type"] = .string("object")
        return model
    }

    private static func isOptional(_ type: TypeExpression) -> Bool {
        if case .union(let members) = type { members.contains(.none) } else { false }
    }

    /// Whether pydantic titles a property of this type: not one that is a class, perhaps or `None`.
    private func hasTitle(_ type: TypeExpression) -> Bool {
        switch type {
        case .declared, .dspy: return false
        case .union(let members):
            let some = members.filter { $0 != .none && $0 != .noneConstant }
            return some.count == 1 && some.count < members.count ? hasTitle(some[0]) : true
        default: return true
        }
    }

    /// Python's `name.title().replace("_", " ").strip()`.
    static func title(of name: String) -> String {
        var result = ""
        var followsCased = false
        for scalar in name.unicodeScalars {
            let properties = scalar.properties
            if scalar == "_" {
                result += " "
            } else {
                result += followsCased ? properties.lowercaseMapping : properties.titlecaseMapping
            }
            followsCased = properties.isCased
        }
        return result.stripped
    }
}
