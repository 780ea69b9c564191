/// What an annotation evaluates to in Python, before pydantic has looked at it.
///
/// Unlike a `TypeExpression` it can be anything that Python can name there, and it tells
/// `List[int]` from `list[int]`, which are equal for nobody but the reader.
enum PythonObject {
    case any
    case noneType
    case builtin(Builtin)
    case constant(LiteralValue)
    case tuple([PythonObject])
    case form(TypingForm)
    case alias(TypingAlias)
    /// `isTyping` for those made by `typing`'s aliases.
    case generic(Container, [PythonObject], checked: Int, isTyping: Bool)
    case union([PythonObject])
    case literal([LiteralValue])
    indirect case annotated(PythonObject)
    case dspy(DSPyType, [LiteralValue]?)
    case declared(String)
    /// `typing`'s names that no field can have, and generics made of them.
    case refused(String)
    /// Not a type.
    case opaque(String, DelegationRule)
    case delegated(DelegatedType)
}

extension PythonObject {
    var isString: Bool { if case .constant(.string) = self { true } else { false } }

    var isNoneType: Bool { if case .noneType = self { true } else { false } }

    /// Equal as Python's `==` sees it: the order of a union's or literal's members does not count.
    func equals(_ other: PythonObject) -> Bool {
        switch (self, other) {
        case (.any, .any), (.noneType, .noneType): true
        case (.builtin(let left), .builtin(let right)): left == right
        case (.constant(let left), .constant(let right)): left == right
        case (.form(let left), .form(let right)): left == right
        case (.alias(let left), .alias(let right)): left == right
        case (.tuple(let left), .tuple(let right)): Self.areEqual(left, right)
        case (
            .generic(let left, let leftParts, _, let leftIsTyping),
            .generic(let right, let rightParts, _, let rightIsTyping)
        ):
            left == right && leftIsTyping == rightIsTyping && Self.areEqual(leftParts, rightParts)
        case (.union(let left), .union(let right)):
            left.count == right.count
                && left.allSatisfy { member in right.contains { member.equals($0) } }
        case (.literal(let left), .literal(let right)): Set(left) == Set(right)
        case (.annotated(let left), .annotated(let right)): left.equals(right)
        case (.dspy(let left, let leftParts), .dspy(let right, let rightParts)):
            left == right && leftParts == rightParts
        case (.declared(let left), .declared(let right)): left == right
        case (.refused(let left), .refused(let right)): left == right
        case (.opaque(let left, _), .opaque(let right, _)): left == right
        case (.delegated(let left), .delegated(let right)): left == right
        default: false
        }
    }

    static func areEqual(_ left: [PythonObject], _ right: [PythonObject]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
    }

    /// Whether another spelling may be equal to it: what makes `typing`'s caches show.
    var hasOrder: Bool {
        switch self {
        case .union: true
        case .literal(let values): values.count > 1
        case .generic(_, let parts, _, _), .tuple(let parts): parts.contains { $0.hasOrder }
        case .annotated(let inner): inner.hasOrder
        default: false
        }
    }

    /// The rule by which only Python can say what it is, or what may be done with it.
    var uncertainty: DelegationRule? {
        switch self {
        case .delegated(let type): type.rule
        case .opaque(_, let rule): rule == .module ? nil : rule
        case .constant(.string): .forwardReference
        case .generic(_, let parts, _, _), .tuple(let parts), .union(let parts):
            parts.lazy.compactMap(\.uncertainty).first
        case .annotated(let inner): inner.uncertainty
        default: nil
        }
    }
}
