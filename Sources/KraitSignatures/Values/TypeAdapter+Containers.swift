extension Validation {
    /// The elements of what pydantic takes for a list; nil for anything else.
    private func elements(_ value: PythonValue) throws(ValueFailure) -> [PythonValue]? {
        switch value {
        case .list(let items), .tuple(let items): return items
        case .set(let items), .frozenset(let items):
            // In what order a set gives its elements only Python knows.
            guard items.count < 2 else { throw .delegated(.setOrder) }
            return items
        case .object(let instance) where instance.memberName == nil && instance.fields == nil:
            throw .delegated(.customType)
        default: return nil
        }
    }

    private mutating func check(
        _ items: [PythonValue],
        each type: TypeExpression
    ) throws(ValueFailure) -> [PythonValue]? {
        let before = misfits.count
        var result: [PythonValue] = []
        result.reserveCapacity(items.count)
        for (place, item) in items.enumerated() {
            path.append(String(place))
            defer { path.removeLast() }
            if let item = try check(item, type) { result.append(item) }
        }
        return misfits.count == before ? result : nil
    }

    mutating func list(
        _ value: PythonValue,
        of type: TypeExpression
    ) throws(ValueFailure) -> PythonValue? {
        guard let items = try elements(value) else {
            return misfit("list_type", "Input should be a valid list", value)
        }
        if value.list == nil { lower(to: .lax) }
        // Elements of any kind are not looked at.
        if type == .any { return .list(items) }
        return try check(items, each: type).map(PythonValue.list)
    }

    mutating func tuple(
        _ value: PythonValue,
        of type: TypeExpression
    ) throws(ValueFailure) -> PythonValue? {
        guard let items = try tupleElements(value) else { return nil }
        return try check(items, each: type).map(PythonValue.tuple)
    }

    private mutating func tupleElements(_ value: PythonValue) throws(ValueFailure) -> [PythonValue]?
    {
        guard let items = try elements(value) else {
            _ = misfit("tuple_type", "Input should be a valid tuple", value)
            return nil
        }
        if case .tuple = value { return items }
        lower(to: .lax)
        return items
    }

    /// A tuple with a type for each place.
    mutating func tuple(
        _ value: PythonValue,
        of types: [TypeExpression]
    ) throws(ValueFailure) -> PythonValue? {
        guard let items = try tupleElements(value) else { return nil }
        guard items.count <= types.count else {
            let most = "\(types.count) item\(types.count == 1 ? "" : "s")"
            return misfit(
                "too_long",
                "Tuple should have at most \(most) after validation, not \(items.count)",
                value
            )
        }
        let before = misfits.count
        var result: [PythonValue] = []
        for (place, type) in types.enumerated() {
            path.append(String(place))
            defer { path.removeLast() }
            if place < items.count {
                if let item = try check(items[place], type) { result.append(item) }
            } else {
                _ = misfit("missing", "Field required", value)
            }
        }
        return misfits.count == before ? .tuple(result) : nil
    }

    mutating func set(
        _ value: PythonValue,
        of type: TypeExpression,
        isFrozen: Bool
    ) throws(ValueFailure) -> PythonValue? {
        let items: [PythonValue]
        switch value {
        case .set(let members), .frozenset(let members): items = members
        default:
            guard let elements = try elements(value) else {
                return isFrozen
                    ? misfit("frozen_set_type", "Input should be a valid frozenset", value)
                    : misfit("set_type", "Input should be a valid set", value)
            }
            items = elements
        }
        switch (value, isFrozen) {
        case (.set, false), (.frozenset, true): break
        default: lower(to: .lax)
        }
        let before = misfits.count
        var members: [PythonValue] = []
        var seen: Set<PythonKey> = []
        for (place, item) in items.enumerated() {
            path.append(String(place))
            defer { path.removeLast() }
            guard let member = try check(item, type) else { continue }
            if let key = PythonKey(member) {
                if seen.insert(key).inserted { members.append(member) }
            } else {
                _ = misfit("set_item_not_hashable", "Set items should be hashable", item)
            }
        }
        guard misfits.count == before else { return nil }
        return isFrozen ? .frozenset(members) : .set(members)
    }

    mutating func dict(
        _ value: PythonValue,
        keys: TypeExpression,
        values: TypeExpression
    ) throws(ValueFailure) -> PythonValue? {
        guard case .dict(let dict) = value else {
            if case .object(let instance) = value, instance.memberName == nil {
                throw .delegated(.customType)
            }
            return misfit("dict_type", "Input should be a valid dictionary", value)
        }
        let before = misfits.count
        var result = PythonDict()
        for entry in dict.entries {
            path.append(entry.key.text)
            defer { path.removeLast() }
            path.append("[key]")
            let key = try check(entry.key, keys)
            path.removeLast()
            let item = try check(entry.value, values)
            guard let key, let item else { continue }
            guard PythonKey(key) != nil else {
                throw .raise("TypeError", "unhashable type: '\(key.typeName)'")
            }
            result[key] = item
        }
        return misfits.count == before ? .dict(result) : nil
    }
}
