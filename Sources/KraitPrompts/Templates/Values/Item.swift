import KraitSignatures
import KraitWire

/// A value while a template is rendered: what came in, or what the template made.
///
/// Lists and maps that came in stay as they are and are looked into when they are used, so that
/// a template costs what it reads and not what it is given.
enum Item {
    /// What a slot holds before anything is put into it.
    case absent
    case undefined(Missing)
    case none
    case bool(Bool)
    case int(Int)
    /// An integer above `Int.max`.
    case unsigned(UInt64)
    case double(Double)
    case text(String)
    /// Text that counts as escaped already, as `escape` and Jinja's `tojson` give it.
    case markup(String)
    case bytes([UInt8])
    case timestamp(Timestamp)
    /// A list that came in.
    case values([Value])
    /// A map that came in.
    case fields(ValueMap)
    case list(Elements)
    case tuple(Elements)
    case dict(ItemDict)
    case object(TemplateObject)

    /// What a value is before its parts are looked at.
    init(_ value: Value) {
        switch value {
        case .null: self = .none
        case .bool(let flag): self = .bool(flag)
        case .int(let integer): self = .int(Int(integer))
        case .unsigned(let integer): self = .unsigned(integer)
        case .double(let number): self = .double(number)
        case .string(let text): self = .text(text)
        case .bytes(let bytes): self = .bytes(bytes)
        case .timestamp(let time): self = .timestamp(time)
        case .table(let table): self = .text(table.description)
        case .tensor(let tensor): self = .text(tensor.description)
        case .list(let elements): self = .values(elements)
        case .map(let map): self = .fields(map)
        }
    }

    /// An integer that may not fit.
    static func integer(_ number: Int128) throws(TemplateError) -> Item {
        if let small = Int(exactly: number) { return .int(small) }
        if let large = UInt64(exactly: number) { return .unsigned(large) }
        throw TemplateError(.unsupported, "integers of more than 64 bits are not supported")
    }

    /// The text of a text or of escaped text.
    var string: String? {
        switch self {
        case .text(let text), .markup(let text): text
        default: nil
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }

    /// How deep lists and maps that templates made are nested in it.
    var depth: Int {
        switch self {
        case .list(let elements), .tuple(let elements): elements.depth
        case .dict(let dict): dict.depth
        case .object(let object): object.depth
        default: 0
        }
    }

    /// A list of items.
    static func list(of items: [Item]) throws(TemplateError) -> Item {
        .list(try Elements(items))
    }

    /// Python's name of its type, as messages give it.
    var typeName: String {
        switch self {
        case .absent, .undefined: "undefined"
        case .none: "None"
        case .bool: "a boolean"
        case .int, .unsigned: "an integer"
        case .double: "a float"
        case .text, .markup: "text"
        case .bytes: "bytes"
        case .timestamp: "a point in time"
        case .values, .list: "a list"
        case .tuple: "a tuple"
        case .fields, .dict: "a map"
        case .object(let object): object.typeName
        }
    }
}

/// Why a name has no value.
final class Missing: Sendable {
    /// What is missing, for a message: `there is no x`.
    let reason: String
    /// The name, where the values were asked for it.
    let name: String?

    init(_ reason: String) { (self.reason, name) = (reason, nil) }

    init(name: String) { (reason, self.name) = ("there is no \(name)", name) }
}

/// Items in order that a template made; never changed.
final class Elements {
    let items: [Item]
    let depth: Int
    /// Whether this is what `groupby` gives: a pair with names.
    let isGroup: Bool

    init(_ items: [Item], isGroup: Bool = false) throws(TemplateError) {
        self.items = items
        self.isGroup = isGroup
        depth = try Self.depth(over: items)
    }

    /// One more than the deepest part, or an error where that is too deep.
    static func depth(over items: some Sequence<Item>) throws(TemplateError) -> Int {
        var deepest = 0
        for item in items { deepest = max(deepest, item.depth) }
        guard deepest < TemplateLimits.valueDepth else {
            let limit = "lists and maps are nested deeper than \(TemplateLimits.valueDepth)"
            throw TemplateError(.limit, limit)
        }
        return deepest + 1
    }
}

/// A map that a template made, with whatever keys Python would take.
final class ItemDict {
    let keys: [Item]
    let values: [Item]
    let depth: Int
    private let index: [ItemKey: Int]

    /// Of a key that comes twice the last value stays, in the first one's place.
    init(_ pairs: [(Item, Item)], _ rendering: inout Rendering) throws(TemplateError) {
        var keys: [Item] = []
        var values: [Item] = []
        var index: [ItemKey: Int] = [:]
        for (key, value) in pairs {
            let hashed = try ItemKey(key, &rendering)
            if let place = index[hashed] {
                values[place] = value
            } else {
                index[hashed] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
        depth = max(try Elements.depth(over: keys), try Elements.depth(over: values))
        (self.keys, self.values, self.index) = (keys, values, index)
    }

    func value(under key: Item, _ rendering: inout Rendering) throws(TemplateError) -> Item? {
        index[try ItemKey(key, &rendering)].map { values[$0] }
    }

    func value(under name: String) -> Item? { index[.text(Array(name.utf8))].map { values[$0] } }
}

/// What makes two keys the same in Python: `1`, `1.0` and `True` are one key.
enum ItemKey: Hashable {
    case none
    case undefined
    case number(Int128)
    case fraction(Double)
    case text([UInt8])
    case bytes([UInt8])
    case timestamp(Timestamp)
    case tuple([ItemKey])
    case object(ObjectIdentifier)

    init(_ item: Item, _ rendering: inout Rendering) throws(TemplateError) {
        switch item {
        case .none: self = .none
        case .undefined(let missing):
            guard rendering.undefinedNames != .strict else { throw missing.failure }
            self = .undefined
        case .bool(let flag): self = .number(flag ? 1 : 0)
        case .int(let integer): self = .number(Int128(integer))
        case .unsigned(let integer): self = .number(Int128(integer))
        case .double(let number):
            self = Int128(exactly: number).map { .number($0) } ?? .fraction(number)
        case .text(let text), .markup(let text): self = .text(Array(text.utf8))
        case .bytes(let bytes): self = .bytes(bytes)
        case .timestamp(let time): self = .timestamp(time)
        case .tuple(let elements):
            var keys: [ItemKey] = []
            for element in elements.items {
                try rendering.spend(1)
                keys.append(try ItemKey(element, &rendering))
            }
            self = .tuple(keys)
        case .object(let object) where object.isHashable: self = .object(ObjectIdentifier(object))
        case .absent, .values, .list, .fields, .dict, .object:
            throw TemplateError(.value, "\(item.typeName) cannot be a key or be told apart so")
        }
    }
}
