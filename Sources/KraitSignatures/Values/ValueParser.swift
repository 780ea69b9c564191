/// Turns what a model wrote for a field into the field's value: DSPy's `parse_value`.
package struct ValueParser: Sendable {
    private let adapter: TypeAdapter

    /// A parser that knows these declared types by name.
    package init(types: [TypeDeclaration] = []) { adapter = TypeAdapter(types: types) }

    /// The value of a text, or of what an adapter has already read from JSON or XML.
    package func parse(
        _ value: PythonValue,
        as type: TypeExpression
    ) throws(ValueFailure) -> PythonValue {
        switch type {
        case .builtin(.str): return .string(value.text)
        case .declared(let name):
            if case .enumeration(let members)? = adapter.declarations[name] {
                return try Self.member(of: name, members, for: value)
            }
        case .dspy(let type, nil):
            let candidate = try value.string.map { text throws(ValueFailure) in
                try Self.candidate(text)
            }
            return try CustomType.parse(value, reading: candidate, as: type)
        case .dspy: throw .delegated(.customType)
        case .delegated(let type): throw .delegated(type.rule)
        case .literal(let members):
            let choice = Self.choice(value, members)
            if choice.isMember { return choice.value }
            return try parseOther(choice.value, as: type)
        default: break
        }
        return try parseOther(value, as: type)
    }

    private func parseOther(
        _ value: PythonValue,
        as type: TypeExpression
    ) throws(ValueFailure) -> PythonValue {
        guard case .string(let text) = value else { return try adapter.validate(value, as: type) }
        if case .union(let members) = type, members.contains(.str), type.allowsNone {
            return try adapter.validate(value, as: type)
        }
        return try adapter.validate(try Self.candidate(text), as: type)
    }

    /// What the text says as JSON, as a Python constant, or as itself.
    private static func candidate(_ text: String) throws(ValueFailure) -> PythonValue {
        let value = try JSONRepair.loads(text)
        guard case .string(let empty) = value, empty.utf8.isEmpty, !text.utf8.isEmpty else {
            return value
        }
        return try PythonLiteral.read(text) ?? .string(text)
    }

    /// An enum's member by its value, else by its name.
    private static func member(
        of type: String,
        _ members: [(name: String, value: PythonValue)],
        for value: PythonValue
    ) throws(ValueFailure) -> PythonValue {
        let named = members.first { $0.value.equals(value) }
        if named == nil, PythonKey(value) == nil {
            throw .raise("TypeError", "unhashable type: '\(value.typeName)'")
        }
        let name = value.string.map { Array($0.utf8) }
        guard
            let found = named
                ?? members.first(where: { name?.elementsEqual($0.name.utf8) ?? false })
        else {
            let message = "\(value.text) is not a valid name or value for the enum \(type)"
            throw .raise("ValueError", message)
        }
        // A name may be an alias: of members with one value the first is it.
        let first = members.first { $0.value.equals(found.value) } ?? found
        return .object(.enumMember(of: type, name: first.name, value: first.value))
    }

    /// A `Literal`'s member as models write it: with its quotes, or as `Literal[…]`.
    private static func choice(
        _ value: PythonValue,
        _ members: [LiteralValue]
    ) -> (value: PythonValue, isMember: Bool) {
        let allowed = members.map { PythonValue($0) }
        if allowed.contains(where: { $0.equals(value) }) { return (value, true) }
        guard case .string(let text) = value else { return (value, false) }
        var inner = trimmed(Array(text.unicodeScalars)[...])
        for prefix in ["Literal[", "str["] where inner.last == "]" {
            guard inner.starts(with: prefix.unicodeScalars) else { continue }
            inner = inner.dropFirst(prefix.unicodeScalars.count).dropLast()
            break
        }
        if inner.count > 1, let first = inner.first, first == inner.last,
            first == "\"" || first == "'"
        {
            inner = inner.dropFirst().dropLast()
        }
        let bare = PythonValue.string(inner.string)
        return (bare, allowed.contains { $0.equals(bare) })
    }

    /// Python's `str.strip`.
    private static func trimmed(
        _ text: ArraySlice<Unicode.Scalar>
    ) -> ArraySlice<Unicode.Scalar> {
        var text = text.withoutLeadingSpace
        while text.last?.isPythonSpace ?? false { text.removeLast() }
        return text
    }
}
