extension Validation {
    /// The `ValidationError` that pydantic raises for what misfits.
    func exception(for type: TypeExpression) -> RaisedException {
        let count = misfits.count
        var message = "\(count) validation error\(count == 1 ? "" : "s") for "
        message += adapter.name(of: type)
        for misfit in misfits {
            if !misfit.path.isEmpty {
                message += "\n" + misfit.path.map(Self.step).joined(separator: ".")
            }
            message += "\n  \(misfit.sentence) [type=\(misfit.kind), input_value="
            message += Self.shortened(misfit.value.representation)
            message += ", input_type=\(misfit.value.typeName)]"
            message += "\n    For further information visit "
            message += "https://errors.pydantic.dev/2.14/v/\(misfit.kind)"
        }
        let issues = misfits.map {
            ValidationIssue(path: $0.path, kind: $0.kind, sentence: $0.sentence)
        }
        return RaisedException(className: "ValidationError", message: message, issues: issues)
    }

    private static func step(_ name: String) -> String {
        name.utf8.contains(Ascii.dot) ? "`\(name)`" : name
    }

    /// At most 50 bytes: of longer text the first 25 and the last 24, whole characters only.
    private static func shortened(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count > 50 else { return text }
        func continues(_ index: Int) -> Bool { bytes[index] & 0xC0 == 0x80 }
        var head = 25
        while continues(head) { head -= 1 }
        var tail = bytes.count - 24
        while tail < bytes.count, continues(tail) { tail += 1 }
        return String(bytes: bytes[..<head]) + "..." + String(bytes: bytes[tail...])
    }
}

extension TypeAdapter {
    /// What pydantic calls a type's validator in its messages.
    func name(of type: TypeExpression) -> String {
        switch type {
        case .any: return "any"
        case .none, .noneConstant: return "none"
        case .ellipsis: return "..."
        case .builtin(let builtin):
            return switch builtin {
            case .list, .set, .frozenset: "\(builtin.rawValue)[any]"
            case .dict: "dict[any,any]"
            case .tuple: "tuple[any, ...]"
            default: builtin.rawValue
            }
        case .generic(.list, []): return "list[any]"
        case .generic(let container, let parts):
            let names = parts.map(name(of:))
            return switch container {
            case .tuple: "tuple[" + names.joined(separator: ", ") + "]"
            case .dict: "dict[" + names.prefix(2).joined(separator: ",") + "]"
            default: container.rawValue + "[" + names.prefix(1).joined() + "]"
            }
        case .union(let members):
            let choices = members.filter { $0 != .none && $0 != .noneConstant }
            let names = choices.map(name(of:))
            let inner = names.count == 1 ? names[0] : "union[" + names.joined(separator: ",") + "]"
            return choices.count == members.count ? inner : "nullable[" + inner + "]"
        case .literal(let values):
            let names = values.map { PythonValue($0).representation }
            return "literal[" + names.joined(separator: ",") + "]"
        case .declared(let name):
            if case .enumeration? = declarations[name] { return "enum[\(name)]" }
            return name
        case .dspy(let type, _): return type.rawValue
        case .delegated(let type): return type.text
        }
    }
}
