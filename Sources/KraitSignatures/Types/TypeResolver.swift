/// Evaluates annotations as DSPy does, for one signature.
///
/// Names are looked up in the declared types, `typing`, and twelve builtins. Where DSPy would go on
/// and import a module of that name, the answer is a delegated type or an error, never an import.
struct TypeResolver {
    let bytes: [UInt8]
    let declared: Set<String>
    /// What `typing` has built so far, where order shows: it keeps each form by *equality* of its
    /// arguments, so a second spelling of an equal type comes out like the first.
    private var built: [(form: String, arguments: [PythonObject], result: PythonObject)] = []

    /// The rule of the first part that was left to Python.
    ///
    /// Python may refuse that part before it comes to a later mistake.
    private(set) var firstDelegation: DelegationRule?
    /// The same of an attribute of something known: where it is missing, that is a ValueError.
    var firstAttribute: DelegationRule?
    /// Where `NoneType` is named, and whether a module is.
    var noneType: Range<Int>?
    var namesModule = false

    /// `NoneType` beside a module: called from Python, DSPy may find the module in its caller's
    /// frames, and then no longer knows `NoneType`.
    var ambiguousNoneType: Range<Int>? { namesModule ? noneType : nil }

    init(_ bytes: [UInt8], declared: Set<String>) {
        self.bytes = bytes
        self.declared = declared
    }

    mutating func resolve(_ node: Expression) throws(ParseFailure) -> PythonObject {
        switch node.kind {
        case .name(let name): return try resolve(name: name, at: node.range)
        case .constant(let value): return .constant(value)
        case .attribute(let base, let name): return try resolve(name, of: base, in: node)
        case .subscripted(let base, let arguments):
            let base = try resolve(base)
            return try apply(base, resolve(all: arguments), at: node.range)
        case .union(let left, let right):
            let left = try resolve(left)
            let right = try resolve(right)
            if right.isNoneType { return try optional(left, at: node.range) }
            if left.isNoneType { return try optional(right, at: node.range) }
            return try union([left, right], at: node.range)
        case .tuple(let elements): return .tuple(try resolve(all: elements))
        case .fieldCall(let arguments): return try fieldCall(arguments, at: node.range)
        case .other(let kind):
            throw ParseFailure(
                .unhandledExpression,
                "\(kind) cannot be part of a type",
                remedy: "DSPy reads names, `base[…]`, `a | b` and constants here",
                exception: .valueError,
                at: node.range
            )
        }
    }

    private mutating func resolve(all nodes: [Expression]) throws(ParseFailure) -> [PythonObject] {
        var objects: [PythonObject] = []
        objects.reserveCapacity(nodes.count)
        for node in nodes { objects.append(try resolve(node)) }
        return objects
    }

    func text(_ range: Range<Int>) -> String { String(bytes: bytes[range]) }

    /// Notes that something is left to Python.
    mutating func note(_ rule: DelegationRule) {
        if firstDelegation == nil { firstDelegation = rule }
    }

    mutating func delegated(_ rule: DelegationRule, at range: Range<Int>) -> PythonObject {
        note(rule)
        return .delegated(DelegatedType(text: text(range), rule: rule))
    }

    // MARK: - Subscripts

    private mutating func apply(
        _ base: PythonObject,
        _ arguments: [PythonObject],
        at range: Range<Int>
    ) throws(ParseFailure) -> PythonObject {
        switch base {
        case .form(.optional):
            guard arguments.count == 1 else {
                throw refusal("`Optional` takes exactly one type", .valueError, at: range)
            }
            return try optional(arguments[0], at: range)
        case .form(.union): return try union(arguments, at: range)
        case .form(.literal): return literal(arguments, at: range)
        case .form(.annotated): return try annotated(arguments, at: range)
        case .alias(let alias): return try generic(alias, arguments, at: range)
        case .builtin(let builtin): return try generic(builtin, arguments, at: range)
        case .dspy(.code, nil):
            let constants = arguments.compactMap {
                if case .constant(let value) = $0 { value } else { nil }
            }
            return constants.count == arguments.count
                ? .dspy(.code, constants) : delegated(.typeArguments, at: range)
        case .opaque(let name, .module):
            throw refusal("the module `\(name)` takes no arguments", .typeError, at: range)
        case .declared, .delegated, .opaque, .refused: return delegated(.typeArguments, at: range)
        default:
            if base.uncertainty != nil, !base.isString {
                return delegated(.typeArguments, at: range)
            }
            throw refusal("this type takes no arguments", .typeError, at: range)
        }
    }

    private func refusal(_ reason: String, _ exception: PythonException, at range: Range<Int>)
        -> ParseFailure
    {
        ParseFailure(.typeArguments, reason, exception: exception, at: range)
    }

    private func generic(_ builtin: Builtin, _ arguments: [PythonObject], at range: Range<Int>)
        throws(ParseFailure) -> PythonObject
    {
        let checked: Int
        switch builtin {
        case .list, .set, .frozenset: checked = 1
        case .dict: checked = 2
        case .tuple: checked = .max
        default:
            throw ParseFailure(
                .typeArguments,
                "`\(builtin.rawValue)` takes no arguments",
                remedy: "write `\(builtin.rawValue)`",
                exception: .typeError,
                at: range
            )
        }
        let container = Container(rawValue: builtin.rawValue)
        return .generic(container, arguments, checked: checked, isTyping: false)
    }

    private mutating func generic(
        _ alias: TypingAlias,
        _ arguments: [PythonObject],
        at range: Range<Int>
    ) throws(ParseFailure) -> PythonObject {
        guard alias.support != .delegated else { return delegated(.typingName, at: range) }
        if let built = built(alias.name, arguments) { return built }
        var parts: [PythonObject] = []
        for (index, argument) in arguments.enumerated() {
            if alias.name == "Tuple", index > 0, index == arguments.count - 1,
                case .constant(.ellipsis) = argument
            {
                parts.append(argument)
            } else {
                parts.append(try typeArgument(argument, at: range))
            }
        }
        if let arity = alias.arity, parts.count != arity {
            throw ParseFailure(
                .typeArguments,
                "`\(alias.name)` takes \(arity) arguments, not \(parts.count)",
                exception: .typeError,
                at: range
            )
        }
        if alias.support == .refused { return .refused(text(range)) }
        if alias.name == "Type", !Self.isPlainClass(parts[0]) {
            return delegated(.typeArguments, at: range)
        }
        let result = PythonObject.generic(
            alias.container,
            parts,
            checked: alias.checked,
            isTyping: true
        )
        remember(alias.name, arguments, result)
        return result
    }

    private static func isPlainClass(_ object: PythonObject) -> Bool {
        switch object {
        case .builtin, .dspy, .declared, .any, .noneType: true
        default: false
        }
    }

    /// An argument of one of `typing`'s forms: `None` becomes its type, a string a reference.
    private mutating func typeArgument(_ object: PythonObject, at range: Range<Int>)
        throws(ParseFailure)
        -> PythonObject
    {
        switch object {
        case .constant(.none): return .noneType
        case .constant(.string): return delegated(.forwardReference, at: range)
        case .tuple: throw refusal("a tuple is not a type", .typeError, at: range)
        case .form(.annotated): return object
        case .form(let form):
            throw ParseFailure(
                .typeArguments,
                "`\(form.rawValue)` needs arguments",
                remedy: "write `\(form.rawValue)[…]`",
                exception: .typeError,
                at: range
            )
        case .refused: return delegated(.typingName, at: range)
        default: return object
        }
    }

    private mutating func literal(_ arguments: [PythonObject], at range: Range<Int>) -> PythonObject
    {
        var values: [LiteralValue] = []
        var seen: Set<LiteralValue> = []
        for argument in arguments {
            switch argument {
            case .constant(let value): if seen.insert(value).inserted { values.append(value) }
            case .literal(let inner):
                for value in inner where seen.insert(value).inserted { values.append(value) }
            default: return delegated(.metadata, at: range)
            }
        }
        return .literal(values)
    }

    private mutating func annotated(_ arguments: [PythonObject], at range: Range<Int>)
        throws(ParseFailure) -> PythonObject
    {
        guard arguments.count > 1 else {
            throw refusal("`Annotated` takes a type and at least one more", .typeError, at: range)
        }
        if let built = built("Annotated", arguments) { return built }
        let areConstants = arguments.dropFirst().allSatisfy {
            if case .constant = $0 { true } else { false }
        }
        let isType =
            switch arguments[0] {
            case .constant(let value): value == .none
            case .opaque: false
            default: true
            }
        guard isType, areConstants else { return delegated(.metadata, at: range) }
        var inner = try typeArgument(arguments[0], at: range)
        if case .annotated(let nested) = inner { inner = nested }
        let result = PythonObject.annotated(inner)
        remember("Annotated", arguments, result)
        return result
    }

    /// `Field(…)`: what it makes is no type, and with other arguments than these it may raise.
    private mutating func fieldCall(_ arguments: [Expression.FieldArgument], at range: Range<Int>)
        throws(ParseFailure) -> PythonObject
    {
        var isPlain = true
        for argument in arguments {
            let value = try resolve(argument.value)
            guard let name = argument.name, Self.plainFieldArguments.contains(name),
                case .constant = value
            else {
                isPlain = false
                continue
            }
        }
        return isPlain ? .opaque(text(range), .fieldCall) : delegated(.fieldCall, at: range)
    }

    private static let plainFieldArguments: Set<String> = [
        "gt", "ge", "lt", "le", "multiple_of", "title", "description",
    ]
}

// MARK: - Unions

extension TypeResolver {
    private mutating func optional(_ object: PythonObject, at range: Range<Int>)
        throws(ParseFailure) -> PythonObject
    {
        if let built = built("Optional", [object]) { return built }
        let argument = try typeArgument(object, at: range)
        let result = try union([argument, .noneType], at: range)
        remember("Optional", [object], result)
        return result
    }

    /// Flattens and removes repetitions, as `typing.Union` does.
    private mutating func union(_ arguments: [PythonObject], at range: Range<Int>)
        throws(ParseFailure) -> PythonObject
    {
        if let built = built("Union", arguments) { return built }
        var members: [PythonObject] = []
        for argument in arguments {
            let part = try typeArgument(argument, at: range)
            let parts = if case .union(let inner) = part { inner } else { [part] }
            for part in parts where !members.contains(where: { $0.equals(part) }) {
                members.append(part)
            }
        }
        guard let first = members.first else {
            throw refusal("`Union` needs at least one type", .typeError, at: range)
        }
        let result = members.count == 1 ? first : .union(members)
        remember("Union", arguments, result)
        return result
    }

    private func built(_ form: String, _ arguments: [PythonObject]) -> PythonObject? {
        if built.isEmpty { return nil }
        return built.first { $0.form == form && PythonObject.areEqual($0.arguments, arguments) }?
            .result
    }

    private mutating func remember(
        _ form: String,
        _ arguments: [PythonObject],
        _ result: PythonObject
    ) {
        guard arguments.contains(where: { $0.hasOrder }) else { return }
        built.append((form, arguments, result))
    }
}
