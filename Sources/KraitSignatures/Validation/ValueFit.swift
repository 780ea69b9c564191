import KraitWire

/// Whether a value is of a type, as far as that is certain without pydantic.
enum ValueFit {
    case fits
    /// Only pydantic can tell.
    case undecided(DelegationRule)
    /// The place, and what stands there in place of what.
    case misfit(path: String, expected: String, found: String)
}

/// Compares values with types in pydantic's lax sense: `"1"` is an `int`, `1` is no `str`.
struct ValueFitting {
    private let declarations: [String: TypeDeclaration]
    private let types: [TypeDeclaration]
    /// The fields of declared models, read when the first value comes.
    private var models: [String: [Field]] = [:]

    init(_ types: [TypeDeclaration]) {
        self.types = types
        declarations = Dictionary(types.map { ($0.name, $0) }) { $1 }
    }

    mutating func fit(_ value: Value, _ type: TypeExpression, at path: String) -> ValueFit {
        func misfit() -> ValueFit {
            .misfit(path: path, expected: type.name, found: value.kindName)
        }
        switch type {
        case .any: return .fits
        case .none, .noneConstant:
            if case .null = value { return .fits }
            return misfit()
        case .builtin(let builtin): return Scalar.fit(value, builtin) ?? misfit()
        case .literal(let values): return fit(value, values) ?? misfit()
        case .union(let members): return fit(value, anyOf: members, at: path) ?? misfit()
        case .generic(let container, let arguments):
            return fit(value, container, arguments, at: path) ?? misfit()
        case .declared(let name): return fit(value, declared: name, at: path) ?? misfit()
        case .dspy, .ellipsis: return .undecided(.coercion)
        case .delegated(let type): return .undecided(type.rule)
        }
    }

    // MARK: - Each nil is a misfit

    private func fit(_ value: Value, _ values: [LiteralValue]) -> ValueFit? {
        for literal in values {
            switch (literal, value) {
            case (.string(let text), .string(let found)) where text.utf8.elementsEqual(found.utf8):
                return .fits
            case (.int(let number), .int(let found)) where number == found: return .fits
            case (.bool(let flag), .bool(let found)) where flag == found: return .fits
            case (.none, .null): return .fits
            case (.bytes(let bytes), .bytes(let found)) where bytes == found: return .fits
            default: continue
            }
        }
        let areTexts = values.allSatisfy { if case .string = $0 { true } else { false } }
        return areTexts ? nil : .undecided(.coercion)
    }

    private mutating func fit(_ value: Value, anyOf members: [TypeExpression], at path: String)
        -> ValueFit?
    {
        var undecided: ValueFit?
        for member in members {
            switch fit(value, member, at: path) {
            case .fits: return .fits
            case .undecided(let rule): undecided = .undecided(rule)
            case .misfit: continue
            }
        }
        return undecided
    }

    private mutating func fit(
        _ value: Value,
        _ container: Container,
        _ arguments: [TypeExpression],
        at path: String
    ) -> ValueFit? {
        switch container {
        case .list, .set, .frozenset:
            guard case .list(let elements) = value else { return nil }
            let fit = fit(elements, at: path) { _ in arguments.first ?? .any }
            // Whether a set takes them depends on what can be hashed.
            if container != .list, case .fits = fit, elements.contains(where: { $0.list != nil }) {
                return .undecided(.coercion)
            }
            return fit
        case .tuple:
            guard case .list(let elements) = value else { return nil }
            if arguments.count == 2, arguments[1] == .ellipsis {
                return fit(elements, at: path) { _ in arguments[0] }
            }
            guard elements.count == arguments.count else { return nil }
            return fit(elements, at: path) { arguments[$0] }
        case .dict:
            guard case .map(let map) = value else { return nil }
            guard arguments.count >= 2 else { return .fits }
            return fit(map, keys: arguments[0], values: arguments[1], at: path)
        default: return .undecided(.coercion)
        }
    }

    private mutating func fit(
        _ elements: [Value],
        at path: String,
        _ type: (Int) -> TypeExpression
    ) -> ValueFit {
        var result = ValueFit.fits
        for (index, element) in elements.enumerated() {
            let fit = fit(element, type(index), at: "\(path)[\(index)]")
            if case .misfit = fit { return fit }
            if case .undecided = fit { result = fit }
        }
        return result
    }

    private mutating func fit(
        _ map: ValueMap,
        keys: TypeExpression,
        values: TypeExpression,
        at path: String
    ) -> ValueFit {
        var result = ValueFit.fits
        for (key, value) in map.entries {
            // A key is named in no error: it is as much payload as its value.
            if case .misfit = fit(.string(key), keys, at: "") {
                return .misfit(path: path, expected: "\(keys.name) as a key", found: "text")
            }
            let fit = fit(value, values, at: "\(path)[…]")
            if case .misfit = fit { return fit }
            if case .undecided = fit { result = fit }
        }
        return result
    }

    private mutating func fit(_ value: Value, declared name: String, at path: String) -> ValueFit? {
        switch declarations[name]?.kind {
        case .model?:
            guard case .map(let map) = value else {
                return value.list == nil ? nil : .undecided(.coercion)
            }
            return fit(map, model: name, at: path)
        case .enumeration(let cases)?:
            if cases.contains(where: { $0.value == value }) { return .fits }
            let isSameKind = cases.contains { $0.value.kindName == value.kindName }
            return isSameKind ? nil : .undecided(.coercion)
        case .known?, nil: return .undecided(.coercion)
        }
    }

    private mutating func fit(_ map: ValueMap, model name: String, at path: String) -> ValueFit {
        guard let fields = fields(of: name) else { return .undecided(.coercion) }
        var result = ValueFit.fits
        for field in fields {
            let place = "\(path).\(field.name)"
            guard let value = map[field.name] else {
                if field.type.allowsNone { continue }
                return .misfit(path: place, expected: field.type.name, found: "nothing")
            }
            let fit = fit(value, field.type, at: place)
            if case .misfit = fit { return fit }
            if case .undecided = fit { result = fit }
        }
        return result
    }

    private mutating func fields(of name: String) -> [Field]? {
        if let known = models[name] { return known }
        guard case .model(let fields)? = declarations[name]?.kind else { return nil }
        let text = fields.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
        guard let schema = try? Schema(parsing: text + " ->", types: types) else { return nil }
        models[name] = schema.inputs
        return schema.inputs
    }
}
