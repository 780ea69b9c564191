/// Turns what an annotation evaluated to into a field's type, or refuses what DSPy or pydantic
/// would refuse.
struct TypeLowering {
    /// Where the annotation stands, for errors.
    let range: Range<Int>
    let bytes: [UInt8]

    private var text: String { String(bytes: bytes[range]) }

    /// DSPy's own check, which comes before pydantic's: that it is a type at all.
    func checkIsType(_ object: PythonObject) throws(ParseFailure) {
        switch object {
        case .constant(.none): return
        case .constant, .tuple:
            throw notAType(remedy: "write a type, such as `str`, without quotes")
        case .alias(let alias):
            throw notAType(remedy: "write `\(alias.name)[…]`, or `\(alias.container.rawValue)`")
        case .opaque(let name, .module):
            throw notAType("`\(name)` is a module", remedy: Self.remedy(forModule: name))
        case .opaque: throw notAType(remedy: "use a type")
        default: return
        }
    }

    private func notAType(_ reason: String? = nil, remedy: String) -> ParseFailure {
        ParseFailure(
            .notAType,
            reason ?? "`\(text)` is not a type",
            remedy: remedy,
            exception: .valueError,
            at: range
        )
    }

    /// The type of a field.
    ///
    /// A bare `None` is `str`, as in DSPy; an annotation of which a part is delegated is so as a
    /// whole.
    func lower(field object: PythonObject) throws(ParseFailure) -> TypeExpression {
        let type: TypeExpression
        switch object {
        case .constant(.none): return .str
        case .builtin(let builtin) where builtin != .bytearray: return .builtin(builtin)
        case .annotated(let inner): type = try lower(inner)
        default: type = try lower(object)
        }
        return type.delegationRules.first.map(delegated) ?? type
    }

    /// What pydantic makes of it, part by part in its order.
    private func lower(_ object: PythonObject) throws(ParseFailure) -> TypeExpression {
        switch object {
        case .any: return .any
        case .noneType: return .none
        case .constant(.none): return .noneConstant
        case .constant(.string): return delegated(.forwardReference)
        case .builtin(.bytearray): throw unsupported("`bytearray`")
        case .builtin(let builtin): return .builtin(builtin)
        case .constant, .tuple: throw unsupported("a value where a type belongs")
        case .form(let form): throw unsupported("`\(form.rawValue)` without arguments")
        case .alias(let alias):
            switch alias.support {
            case .native where alias.container == .tuple:
                // `Tuple` is a tuple of any length, and DSPy prints it as the empty `Tuple[()]`.
                return delegated(.typingName)
            case .native: return .generic(alias.container, [])
            case .refused: throw unsupported("`\(alias.name)`")
            case .delegated: return delegated(.typingName)
            }
        case .generic(let container, let parts, let checked, _):
            return try lower(container, parts, checked: checked)
        case .union(let members):
            var lowered: [TypeExpression] = []
            for member in members { lowered.append(try lower(member)) }
            return .union(lowered)
        case .literal(let values):
            guard !values.isEmpty else {
                throw ParseFailure(
                    .typeArguments,
                    "`Literal` needs at least one value",
                    exception: .assertionError,
                    at: range
                )
            }
            return .literal(values)
        case .annotated(let inner):
            _ = try lower(inner)
            return delegated(.metadata)
        case .dspy(let type, let arguments): return .dspy(type, arguments)
        case .declared(let name): return .declared(name)
        case .refused(let name): throw unsupported("`\(name)`")
        case .opaque(let name, .module):
            throw unsupported("the module `\(name)`", remedy: Self.remedy(forModule: name))
        case .opaque(_, let rule): return delegated(rule)
        case .delegated(let type): return .delegated(type)
        }
    }

    private func lower(_ container: Container, _ parts: [PythonObject], checked: Int)
        throws(ParseFailure) -> TypeExpression
    {
        var lowered: [TypeExpression] = []
        if container == .tuple, case .constant(.ellipsis)? = parts.last {
            guard parts.count == 2 else {
                throw ParseFailure(
                    .typeArguments,
                    "a tuple of any length has exactly one type before `...`",
                    exception: .valueError,
                    at: range
                )
            }
            return .generic(container, [try lower(parts[0]), .ellipsis])
        }
        if container == .dict, parts.count == 1 {
            throw ParseFailure(
                .typeArguments,
                "`dict` takes two types",
                remedy: "name the keys' and the values' type, as in `dict[str, int]`",
                exception: .typeError,
                at: range
            )
        }
        for (index, part) in parts.enumerated() {
            if index < checked {
                // `type[…]` takes any class, also those that pydantic makes no field of.
                let isClass = container == .type
                if isClass, case .builtin(let builtin) = part {
                    lowered.append(.builtin(builtin))
                } else {
                    lowered.append(try lower(part))
                }
                continue
            }
            // pydantic does not look at these, but DSPy prints them.
            guard let type = try? lower(part) else { return delegated(.typeArguments) }
            lowered.append(type)
        }
        return .generic(container, lowered)
    }

    private func delegated(_ rule: DelegationRule) -> TypeExpression {
        .delegated(DelegatedType(text: text, rule: rule))
    }

    private static func remedy(forModule name: String) -> String {
        TypeResolver.translations[name].map { "did you mean `\($0)`?" }
            ?? "name a type in it, as `\(name).…`"
    }

    private func unsupported(_ what: String, remedy: String = "use another type") -> ParseFailure {
        ParseFailure(
            .unsupportedType,
            "pydantic can make no field of \(what)",
            remedy: remedy,
            exception: .pydanticSchemaGenerationError,
            at: range
        )
    }
}
