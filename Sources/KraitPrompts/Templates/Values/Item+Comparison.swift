import KraitWire

/// Truth, equality and order as in Python.
extension Item {
    func isTrue(_ rendering: inout Rendering) throws(TemplateError) -> Bool {
        switch self {
        case .absent: return false
        case .undefined(let missing):
            guard rendering.undefinedNames != .strict else { throw missing.failure }
            return false
        case .none: return false
        case .bool(let flag): return flag
        case .int(let integer): return integer != 0
        case .unsigned, .timestamp: return true
        case .double(let number): return number != 0
        case .text(let text), .markup(let text): return !text.isEmpty
        case .bytes(let bytes): return !bytes.isEmpty
        case .values(let values): return !values.isEmpty
        case .fields(let map): return !map.isEmpty
        case .list(let elements), .tuple(let elements): return !elements.items.isEmpty
        case .dict(let dict): return !dict.keys.isEmpty
        case .object(let object): return object.isTrue
        }
    }

    /// An integer or a boolean, which counts as one.
    var wholeNumber: Int128? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .int(let integer): Int128(integer)
        case .unsigned(let integer): Int128(integer)
        default: nil
        }
    }

    /// A number as a float.
    var number: Double? {
        switch self {
        case .double(let number): number
        case .int(let integer): Double(integer)
        case .bool(let flag): flag ? 1 : 0
        case .unsigned(let integer): Double(integer)
        default: nil
        }
    }

    /// The texts have the same scalars; Swift's own `==` takes more for equal.
    static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left == right && left.utf8.elementsEqual(right.utf8)
    }

    func isEqual(to other: Item, _ rendering: inout Rendering) throws(TemplateError) -> Bool {
        if rendering.undefinedNames == .strict {
            if case .undefined(let missing) = self { throw missing.failure }
            if case .undefined(let missing) = other { throw missing.failure }
        }
        switch (self, other) {
        case (.text(let left), .text(let right)), (.markup(let left), .text(let right)),
            (.text(let left), .markup(let right)), (.markup(let left), .markup(let right)):
            return Self.isSame(left, right)
        case (.none, .none), (.undefined, .undefined): return true
        case (.int(let left), .int(let right)): return left == right
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.tuple(let left), .tuple(let right)):
            return try Self.areEqual(left.items, right.items, &rendering)
        case (.object(let left), .object(let right)): return left.isEqual(to: right)
        case (.fields, _), (.dict, _): return try isEqualMap(other, &rendering)
        default:
            if let left = wholeNumber, let right = other.wholeNumber { return left == right }
            if let left = number, let right = other.number { return left == right }
            guard let left = listItems, let right = other.listItems else { return false }
            return try Self.areEqual(left, right, &rendering)
        }
    }

    /// The items of a list, not of a tuple.
    var listItems: [Item]? {
        switch self {
        case .values(let values): values.map(Item.init)
        case .list(let elements): elements.items
        default: nil
        }
    }

    /// The entries of a map, in order.
    var mapPairs: [(Item, Item)]? {
        switch self {
        case .fields(let map): map.entries.map { (.text($0.key), Item($0.value)) }
        case .dict(let dict): Array(zip(dict.keys, dict.values))
        default: nil
        }
    }

    private static func areEqual(
        _ left: [Item],
        _ right: [Item],
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Bool {
        guard left.count == right.count else { return false }
        for (left, right) in zip(left, right) {
            try rendering.spend(1)
            guard try left.isEqual(to: right, &rendering) else { return false }
        }
        return true
    }

    private func isEqualMap(
        _ other: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Bool {
        guard let left = mapPairs, let right = other.mapPairs, left.count == right.count else {
            return false
        }
        let found = try ItemDict(right, &rendering)
        for (key, value) in left {
            try rendering.spend(1)
            guard let that = try found.value(under: key, &rendering),
                try value.isEqual(to: that, &rendering)
            else { return false }
        }
        return true
    }

    /// Whether `self < other`.
    func isLess(than other: Item, _ rendering: inout Rendering) throws(TemplateError) -> Bool {
        if let left = string, let right = other.string {
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        }
        switch (self, other) {
        case (.int(let left), .int(let right)): return left < right
        case (.undefined(let missing), _), (_, .undefined(let missing)): throw missing.failure
        case (.bytes(let left), .bytes(let right)): return left.lexicographicallyPrecedes(right)
        case (.timestamp(let left), .timestamp(let right)):
            return (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
        case (.tuple(let left), .tuple(let right)):
            return try Self.isLess(left.items, right.items, &rendering)
        default: break
        }
        if let left = wholeNumber, let right = other.wholeNumber { return left < right }
        if let left = number, let right = other.number { return left < right }
        if let left = listItems, let right = other.listItems {
            return try Self.isLess(left, right, &rendering)
        }
        let what = "\(typeName) and \(other.typeName) have no order"
        throw TemplateError(.value, "\(what); compare values of one kind")
    }

    private static func isLess(
        _ left: [Item],
        _ right: [Item],
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Bool {
        for (left, right) in zip(left, right) {
            try rendering.spend(1)
            if try left.isEqual(to: right, &rendering) { continue }
            return try left.isLess(than: right, &rendering)
        }
        return left.count < right.count
    }

    /// Whether `self >= other` and the like, by way of `<` and `==`, as NaN asks for.
    func compare(
        _ comparison: TemplateExpression.Comparison,
        _ other: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: return try isEqual(to: other, &rendering)
        case .notEqual: return !(try isEqual(to: other, &rendering))
        case .less: return try isLess(than: other, &rendering)
        case .greater: return try other.isLess(than: self, &rendering)
        case .lessOrEqual:
            if try isLess(than: other, &rendering) { return true }
            return try isEqual(to: other, &rendering)
        case .greaterOrEqual:
            if try other.isLess(than: self, &rendering) { return true }
            return try isEqual(to: other, &rendering)
        case .isIn: return try other.contains(self, &rendering)
        case .isNotIn: return !(try other.contains(self, &rendering))
        }
    }

    /// Whether `other in self`.
    func contains(_ other: Item, _ rendering: inout Rendering) throws(TemplateError) -> Bool {
        switch self {
        case .text(let text), .markup(let text):
            guard let part = other.string else {
                let reason = "only text can be in text, not \(other.typeName)"
                throw TemplateError(.value, reason)
            }
            return ByteSearch.contains(text, part)
        case .fields(let map):
            guard let name = other.string else {
                _ = try ItemKey(other, &rendering)
                return false
            }
            return map[name] != nil
        case .dict(let dict): return try dict.value(under: other, &rendering) != nil
        case .undefined(let missing):
            guard rendering.undefinedNames == .lenient else { throw missing.failure }
            return false
        default:
            var cursor = try ItemCursor(self, &rendering)
            while let item = try cursor.next(&rendering) {
                try rendering.spend(1)
                if try item.isEqual(to: other, &rendering) { return true }
            }
            return false
        }
    }
}
