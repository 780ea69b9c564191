/// The type of a field, as DSPy understands an annotation.
///
/// What Krait knows by itself is spelt out; what only Python can resolve is `delegated`, kept as
/// its text and never guessed.
public enum TypeExpression: Sendable, Hashable {
    case any
    /// The type of `None`.
    case none
    /// The constant `None` where a type is expected: DSPy names `list[None]` differently from
    /// `list[NoneType]` and means the same.
    case noneConstant
    /// `...`, in `tuple[int, ...]`.
    case ellipsis
    /// A Python class without arguments: `int`, also a bare `list`.
    case builtin(Builtin)
    /// A class with arguments. `List[int]` and `list[int]` are the same here; a bare `List` in
    /// another type has no arguments.
    case generic(Container, [TypeExpression])
    /// `Union[…]`, `Optional[…]` or `|`, flat and without repetitions.
    case union([TypeExpression])
    case literal([LiteralValue])
    /// A type of DSPy's own, such as `dspy.Image`; the arguments are those of `dspy.Code["java"]`.
    case dspy(DSPyType, [LiteralValue]? = nil)
    /// A type declared with the schema.
    case declared(String)
    case delegated(DelegatedType)
}

/// A type that only Python can resolve.
public struct DelegatedType: Sendable, Hashable {
    /// What the signature says there.
    public var text: String
    /// Why Krait does not resolve it.
    public var rule: DelegationRule
}

/// The classes that DSPy knows without an import.
public enum Builtin: String, Sendable, Hashable, CaseIterable {
    case str, int, float, bool, bytes, bytearray, complex
    case list, dict, tuple, set, frozenset
}

/// A class that takes type arguments, by the name that DSPy prints.
public struct Container: RawRepresentable, Sendable, Hashable {
    /// The name that DSPy prints.
    public let rawValue: String
    /// A class by the name that DSPy prints.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// `list[…]`.
    public static let list = Container(rawValue: "list")
    /// `dict[…]`.
    public static let dict = Container(rawValue: "dict")
    /// `tuple[…]`.
    public static let tuple = Container(rawValue: "tuple")
    /// `set[…]`.
    public static let set = Container(rawValue: "set")
    /// `frozenset[…]`.
    public static let frozenset = Container(rawValue: "frozenset")
    /// `type[…]`.
    public static let type = Container(rawValue: "type")
}

/// The types that DSPy brings and that may stand in a signature as `dspy.Name`.
public enum DSPyType: String, Sendable, Hashable, CaseIterable {
    case audio = "Audio"
    case code = "Code"
    case file = "File"
    case history = "History"
    case image = "Image"
    case reasoning = "Reasoning"
    case tool = "Tool"
    case toolCalls = "ToolCalls"
    case toolCallResults = "ToolCallResults"
    case type = "Type"
}

extension TypeExpression {
    /// `str`.
    public static let str = TypeExpression.builtin(.str)
    /// `int`.
    public static let int = TypeExpression.builtin(.int)
    /// `float`.
    public static let float = TypeExpression.builtin(.float)
    /// `bool`.
    public static let bool = TypeExpression.builtin(.bool)
    /// `bytes`.
    public static let bytes = TypeExpression.builtin(.bytes)

    /// `list[element]`.
    public static func list(of element: TypeExpression) -> TypeExpression {
        .generic(.list, [element])
    }

    /// `dict[str, value]`.
    public static func dict(of value: TypeExpression) -> TypeExpression {
        .generic(.dict, [.str, value])
    }

    /// `Optional[wrapped]`.
    public static func optional(_ wrapped: TypeExpression) -> TypeExpression {
        if case .union(let members) = wrapped {
            return members.contains(.none) ? wrapped : .union(members + [.none])
        }
        return wrapped == .none ? wrapped : .union([wrapped, .none])
    }
}

extension TypeExpression {
    /// The name that DSPy prints in prompts, such as `Union[int, NoneType]`.
    ///
    /// Of a delegated type it is the signature's text.
    public var name: String {
        switch self {
        case .any: "Any"
        case .none: "NoneType"
        case .noneConstant: "None"
        case .ellipsis: "Ellipsis"
        case .builtin(let builtin): builtin.rawValue
        case .generic(let container, let arguments):
            container.rawValue + Self.bracketed(arguments.map(\.name))
        case .union(let members): "Union" + Self.bracketed(members.map(\.name))
        case .literal(let values): "Literal" + Self.bracketed(values.map(\.name))
        case .dspy(.reasoning, nil): "str"
        case .dspy(let type, nil): type.rawValue
        case .dspy(let type, let arguments?): type.rawValue + "_" + Self.pythonTuple(arguments)
        case .declared(let name): name
        case .delegated(let type): type.text
        }
    }

    /// As text that DSPy reads as the same type.
    ///
    /// Nil where it cannot be written: DSPy reads no negative number in a `Literal`.
    package var source: String? {
        switch self {
        case .any: return "Any"
        case .none, .noneConstant: return "None"
        case .ellipsis: return "..."
        case .builtin(let builtin): return builtin.rawValue
        case .generic(let container, let arguments):
            let base = Self.spelling[container.rawValue] ?? container.rawValue
            if arguments.isEmpty {
                return Builtin(rawValue: base) == nil ? base : base + "[()]"
            }
            return Self.bracketed(base, arguments.map(\.source))
        case .union(let members): return Self.bracketed("Union", members.map(\.source))
        case .literal(let values): return Self.bracketed("Literal", values.map(\.source))
        case .dspy(let type, nil): return "dspy.\(type.rawValue)"
        case .dspy(let type, let arguments?):
            if arguments.isEmpty { return "dspy.\(type.rawValue)[()]" }
            return Self.bracketed("dspy.\(type.rawValue)", arguments.map(\.source))
        case .declared(let name): return name
        case .delegated(let type): return type.text
        }
    }

    /// Where DSPy prints another name than one may write.
    private static let spelling = [
        "type": "Type", "deque": "Deque", "defaultdict": "DefaultDict", "Set": "AbstractSet",
    ]

    private static func bracketed(_ parts: [String]) -> String {
        "[" + parts.joined(separator: ", ") + "]"
    }

    private static func bracketed(_ base: String, _ parts: [String?]) -> String? {
        let known = parts.compactMap { $0 }
        return known.count == parts.count ? base + bracketed(known) : nil
    }

    /// `repr` of a tuple of constants, for the class name that `dspy.Code["java"]` gets.
    private static func pythonTuple(_ values: [LiteralValue]) -> String {
        let parts = values.map { value in
            if case .string(let text) = value { PythonText.string(text) } else { value.name }
        }
        return "(" + parts.joined(separator: ", ") + (parts.count == 1 ? ",)" : ")")
    }
}

extension TypeExpression {
    /// The rules by which parts of it are left to Python, each once.
    public var delegationRules: [DelegationRule] {
        switch self {
        case .delegated(let type): return [type.rule]
        case .generic(_, let parts), .union(let parts):
            var rules: [DelegationRule] = []
            for rule in parts.flatMap(\.delegationRules) where !rules.contains(rule) {
                rules.append(rule)
            }
            return rules
        default: return []
        }
    }

    /// Whether `None` is one of its values.
    public var allowsNone: Bool {
        switch self {
        case .none, .noneConstant: true
        case .union(let members): members.contains { $0.allowsNone }
        default: false
        }
    }
}
