import KraitWire

/// pydantic's `TypeAdapter(type).validate_python(value)` in its lax mode.
///
/// Scalars coerce as pydantic coerces them; a union takes the member that fits most exactly
/// (“smart mode”). DSPy's own types, classes that only the worker knows, and containers beyond the
/// five common ones are delegated.
package struct TypeAdapter: Sendable {
    let declarations: [String: Declaration]

    /// A declared type with its parts understood.
    enum Declaration: Sendable {
        case enumeration([(name: String, value: PythonValue)])
        case model([ModelField])
        case delegated(DelegationRule)
    }

    /// A model's field, and what it is where nothing is given for it.
    struct ModelField: Sendable {
        var name: String
        var type: TypeExpression
        var presence: TypeDeclaration.Presence
    }

    /// An adapter that knows these declared types by name.
    package init(types: [TypeDeclaration] = []) {
        var known: [String: Declaration] = [:]
        for type in types { known[type.name] = Declaration(type, among: types) }
        declarations = known
    }

    /// The value as the type has it.
    ///
    /// Throws a `ValidationError` with everything that misfits.
    package func validate(
        _ value: PythonValue,
        as type: TypeExpression
    ) throws(ValueFailure) -> PythonValue {
        var validation = Validation(self)
        if let result = try validation.check(value, type) { return result }
        throw .raised(validation.exception(for: type))
    }
}

extension TypeAdapter.Declaration {
    fileprivate init(_ type: TypeDeclaration, among types: [TypeDeclaration]) {
        switch type.kind {
        case .known: self = .delegated(.declaredClass)
        case .enumeration(let cases):
            // A second name for the same value is an alias of the first.
            var members: [(name: String, value: PythonValue)] = []
            for item in cases { members.append((item.name, PythonValue(item.value))) }
            self = .enumeration(members)
        case .model(let fields):
            var parsed: [TypeAdapter.ModelField] = []
            for field in fields {
                let schema = try? Schema(parsing: "x -> y: \(field.type)", types: types)
                guard let fieldType = schema?.outputs.first?.type,
                    fieldType.delegationRules.isEmpty
                else {
                    self = .delegated(.declaredClass)
                    return
                }
                let presence =
                    field.presence ?? (fieldType.allowsNone ? .constant(.null) : .required)
                parsed.append(
                    TypeAdapter.ModelField(name: field.name, type: fieldType, presence: presence)
                )
            }
            self = .model(parsed)
        }
    }
}

/// One validation: the path so far and what misfits.
struct Validation {
    /// How well a value fits; in a union the best one wins.
    enum Exactness: Int, Comparable {
        case lax, strict, exact

        static func < (left: Exactness, right: Exactness) -> Bool { left.rawValue < right.rawValue }
    }

    /// A misfit and the value that it is about.
    struct Misfit {
        var path: [String]
        var kind: String
        var sentence: String
        var value: PythonValue
    }

    let adapter: TypeAdapter
    var path: [String] = []
    var misfits: [Misfit] = []
    var exactness = Exactness.exact
    /// How many fields of models were given, where there was a model.
    var modelFields: Int?
    private var depth = 0

    init(_ adapter: TypeAdapter) { self.adapter = adapter }

    mutating func lower(to other: Exactness) { exactness = min(exactness, other) }

    /// Notes a misfit; always nil, to be returned.
    mutating func misfit(_ kind: String, _ sentence: String, _ value: PythonValue) -> PythonValue? {
        misfits.append(Misfit(path: path, kind: kind, sentence: sentence, value: value))
        return nil
    }

    /// The same one step further in.
    mutating func at<Result>(
        _ step: String,
        _ body: (inout Validation) throws(ValueFailure) -> Result
    ) throws(ValueFailure) -> Result {
        path.append(step)
        defer { path.removeLast() }
        return try body(&self)
    }

    /// The value as the type has it, or nil where it misfits.
    mutating func check(
        _ value: PythonValue,
        _ type: TypeExpression
    ) throws(ValueFailure) -> PythonValue? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= JSONText.depthLimit else { throw .delegated(.depth) }
        switch type {
        case .any:
            lower(to: .strict)
            return value
        case .none, .noneConstant:
            if case .none = value { return value }
            return misfit("none_required", "Input should be None", value)
        case .builtin(let builtin): return try check(value, builtin)
        case .generic(let container, let arguments):
            return try check(value, container, arguments)
        case .union(let members): return try check(value, anyOf: members)
        case .literal(let members): return check(value, oneOf: members)
        case .declared(let name): return try check(value, declared: name)
        case .dspy: throw .delegated(.customType)
        case .delegated(let type): throw .delegated(type.rule)
        case .ellipsis: throw .delegated(.typeArguments)
        }
    }

    private mutating func check(
        _ value: PythonValue,
        _ type: Builtin
    ) throws(ValueFailure) -> PythonValue? {
        switch type {
        case .str: text(value)
        case .int: integer(value)
        case .float: number(value)
        case .bool: boolean(value)
        case .bytes: bytes(value)
        case .complex: try complex(value)
        case .bytearray: throw .delegated(.coercion)
        case .list: try list(value, of: .any)
        case .dict: try dict(value, keys: .any, values: .any)
        case .tuple: try tuple(value, of: .any)
        case .set: try set(value, of: .any, isFrozen: false)
        case .frozenset: try set(value, of: .any, isFrozen: true)
        }
    }

    private mutating func check(
        _ value: PythonValue,
        _ container: Container,
        _ arguments: [TypeExpression]
    ) throws(ValueFailure) -> PythonValue? {
        switch (container, arguments.count) {
        case (.list, _): return try list(value, of: arguments.first ?? .any)
        case (.set, 1...): return try set(value, of: arguments[0], isFrozen: false)
        case (.frozenset, 1...): return try set(value, of: arguments[0], isFrozen: true)
        case (.dict, 2...): return try dict(value, keys: arguments[0], values: arguments[1])
        case (.tuple, 2) where arguments[1] == .ellipsis: return try tuple(value, of: arguments[0])
        case (.tuple, 1...): return try tuple(value, of: arguments)
        default: throw .delegated(.typeArguments)
        }
    }

    // MARK: - Unions and literals

    /// The member that fits most exactly, the first of several; `None` is asked for before.
    private mutating func check(
        _ value: PythonValue,
        anyOf members: [TypeExpression]
    ) throws(ValueFailure) -> PythonValue? {
        let choices = members.filter { $0 != .none && $0 != .noneConstant }
        if choices.count < members.count, case .none = value { return value }
        if choices.count == 1 { return try check(value, choices[0]) }
        let outer = (exactness, modelFields)
        let known = misfits.count
        var best: Success?
        for choice in choices {
            exactness = .exact
            modelFields = nil
            path.append(adapter.name(of: choice))
            let before = misfits.count
            let result = try check(value, choice)
            path.removeLast()
            guard let result else { continue }
            misfits.removeSubrange(before...)
            let success = Success(value: result, exactness: exactness, modelFields: modelFields)
            if best.map({ success.isBetter(than: $0) }) ?? true { best = success }
            if exactness == .exact, modelFields == nil {
                best = success
                break
            }
        }
        (exactness, modelFields) = outer
        guard let best else { return nil }
        misfits.removeSubrange(known...)
        lower(to: best.exactness)
        if let count = best.modelFields { modelFields = (modelFields ?? 0) + count }
        return best.value
    }

    /// What a member of a union made of a value.
    private struct Success {
        var value: PythonValue
        var exactness: Exactness
        var modelFields: Int?

        /// Models go by how many fields they took, everything else by how exactly it fits.
        func isBetter(than other: Success) -> Bool {
            if let count = modelFields, let otherCount = other.modelFields, count != otherCount {
                return count > otherCount
            }
            return exactness > other.exactness
        }
    }

    /// The member that is equal: a bool or integer of its own type before one of another.
    private mutating func check(_ value: PythonValue, oneOf members: [LiteralValue]) -> PythonValue?
    {
        let values = members.map { PythonValue($0) }
        if let same = values.first(where: { $0.isIdentical(to: value) }) { return same }
        let equal = values.filter { $0.equals(value) }
        let flag = equal.first { if case .bool = $0 { true } else { false } }
        if let match = flag ?? equal.first { return match }
        if case .largeInteger = value, values.contains(where: { $0.isSmallInteger }) {
            return tooLarge(value)
        }
        let names = values.map(\.representation)
        return misfit("literal_error", "Input should be \(Self.listed(names))", value)
    }

    /// `1, 2 or 3`.
    static func listed(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }

    // MARK: - Declared types

    private mutating func check(
        _ value: PythonValue,
        declared name: String
    ) throws(ValueFailure) -> PythonValue? {
        switch adapter.declarations[name] {
        case nil: throw .delegated(.declaredClass)
        case .delegated(let rule)?: throw .delegated(rule)
        case .enumeration(let members)?:
            if case .object(let instance) = value, instance.className == name,
                instance.memberName != nil
            {
                return value
            }
            if let member = members.first(where: { $0.value.equals(value) }) {
                lower(to: .lax)
                return .object(.enumMember(of: name, name: member.name, value: member.value))
            }
            var distinct: [PythonValue] = []
            for member in members where !distinct.contains(where: { $0.equals(member.value) }) {
                distinct.append(member.value)
            }
            let names = distinct.map(\.representation)
            return misfit("enum", "Input should be \(Self.listed(names))", value)
        case .model(let fields)?: return try check(value, model: name, fields)
        }
    }

    /// A model from a dict: what it does not know is ignored.
    private mutating func check(
        _ value: PythonValue,
        model name: String,
        _ fields: [TypeAdapter.ModelField]
    ) throws(ValueFailure) -> PythonValue? {
        if case .object(let instance) = value, instance.className == name { return value }
        guard case .dict(let dict) = value else {
            if case .object = value { throw .delegated(.declaredClass) }
            let sentence = "Input should be a valid dictionary or instance of \(name)"
            return misfit("model_type", sentence, value)
        }
        var made = PythonDict()
        let before = misfits.count
        for field in fields {
            if let part = dict[field.name] {
                made[field.name] = try at(field.name) { validation throws(ValueFailure) in
                    try validation.check(part, field.type)
                }
                continue
            }
            switch field.presence {
            case .constant(let value):
                // A member of an enumeration is recorded as its value only.
                if value != .null, case .declared = field.type { throw .delegated(.declaredClass) }
                made[field.name] = PythonValue(value)
            case .made: throw .delegated(.declaredClass)
            case .required:
                try at(field.name) { validation throws(ValueFailure) in
                    _ = validation.misfit("missing", "Field required", value)
                }
            }
        }
        guard misfits.count == before else { return nil }
        lower(to: .lax)
        modelFields = (modelFields ?? 0) + fields.count { dict[$0.name] != nil }
        let json = PromptValue.serialized(.dict(made))
        return .object(PythonInstance(className: name, json: json, fields: made))
    }
}

extension PythonValue {
    fileprivate var isSmallInteger: Bool { if case .int = self { true } else { false } }
}
