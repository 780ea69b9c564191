/// What names and attributes are.
extension TypeResolver {
    mutating func resolve(name: String, at range: Range<Int>) throws(ParseFailure)
        -> PythonObject
    {
        if !declared.isEmpty, declared.contains(name) { return .declared(name) }
        if let builtin = Builtin(rawValue: name) { return .builtin(builtin) }
        if let known = TypingNames.look(up: name) { return object(known, name, at: range) }
        // DSPy leaves this name out as soon as types are declared.
        if name == "NoneType", declared.isEmpty {
            noneType = range
            return .noneType
        }
        if name.utf8.first == Ascii.underscore { return delegated(.privateName, at: range) }
        if ModuleNames.known.contains(name) { return .opaque(name, .module) }
        if ModuleNames.callerFrame.contains(name) { return delegated(.callerFrame, at: range) }
        throw unknown(name, at: range)
    }

    private mutating func object(_ known: TypingName, _ name: String, at range: Range<Int>)
        -> PythonObject
    {
        switch known {
        case .any: .any
        case .text: .builtin(.str)
        case .form(let form): .form(form)
        case .alias(let alias): .alias(alias)
        case .refused: .refused(name)
        case .opaque: .opaque(name, .typingName)
        case .delegated: delegated(.typingName, at: range)
        }
    }

    private func unknown(_ name: String, at range: Range<Int>) -> ParseFailure {
        let nearest = NearestName.find(name, among: Self.suggestions + declared)
        let remedy: String =
            if let type = DSPyType(rawValue: name) {
                "did you mean `dspy.\(type.rawValue)`?"
            } else if let other = Self.translations[name] ?? nearest {
                "did you mean `\(other)`?"
            } else {
                "declare it with the schema, or use one of DSPy's types"
            }
        return ParseFailure(
            .unknownType,
            "unknown type `\(name)`",
            remedy: remedy,
            exception: .valueError,
            at: range
        )
    }

    private static let suggestions =
        Builtin.allCases.map(\.rawValue)
        + ["Any", "Optional", "Union", "Literal", "List", "Dict", "Tuple", "Set"]

    /// What people write who think in another language.
    static let translations = [
        "string": "str", "String": "str", "text": "str", "Int": "int", "integer": "int",
        "Integer": "int", "number": "float", "Double": "float", "double": "float", "Float": "float",
        "Bool": "bool", "boolean": "bool", "Boolean": "bool", "array": "list", "Array": "list",
        "map": "dict", "object": "dict", "null": "None", "nil": "None", "enum": "Literal",
        "datetime": "datetime.datetime", "Data": "bytes", "Date": "datetime.datetime",
    ]

    mutating func resolve(_ name: String, of base: Expression, in node: Expression)
        throws(ParseFailure) -> PythonObject
    {
        if case .name(let module) = base.kind, !declared.contains(module),
            Builtin(rawValue: module) == nil, TypingNames.look(up: module) == nil
        {
            namesModule = namesModule || module != "NoneType"
            switch module {
            case "typing": return try typing(name, at: node.range)
            case "dspy":
                if let type = DSPyType(rawValue: name) { return .dspy(type, nil) }
                return delegated(.dspyName, at: node.range)
            case "NoneType" where declared.isEmpty: break
            default: return delegated(.module, at: node.range)
            }
        }
        let object = try resolve(base)
        switch object {
        case .delegated, .opaque: return delegated(.module, at: node.range)
        case .refused("io"), .refused("re"): return delegated(.module, at: node.range)
        default:
            if name.utf8.first == Ascii.underscore {
                return delegated(.privateName, at: node.range)
            }
            if firstAttribute == nil { firstAttribute = .typeArguments }
            return .opaque(text(node.range), .typeArguments)
        }
    }

    private mutating func typing(_ name: String, at range: Range<Int>) throws(ParseFailure)
        -> PythonObject
    {
        if let known = TypingNames.look(up: name) { return object(known, name, at: range) }
        if name.utf8.first == Ascii.underscore { return delegated(.privateName, at: range) }
        throw ParseFailure(
            .unknownType,
            "`typing` has no `\(name)`",
            remedy: "use one of `typing`'s types, such as `typing.Optional`",
            exception: .valueError,
            at: range
        )
    }
}
