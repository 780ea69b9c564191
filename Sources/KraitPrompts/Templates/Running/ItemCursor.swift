import KraitWire

/// Goes over what Python can iterate, one item after the other.
struct ItemCursor {
    private enum Source {
        case none
        case values([Value])
        case items([Item])
        case scalars([Unicode.Scalar])
        case entries(ValueMap)
        case range(TemplateRange)
        case generator(TemplateGenerator)
        case loop(TemplateLoop)
    }

    private let source: Source
    private var index = 0
    /// How many items there are in all, where Python's `len` knows.
    let count: Int?

    init(_ item: Item, _ rendering: inout Rendering) throws(TemplateError) {
        switch item {
        case .values(let values): (source, count) = (.values(values), values.count)
        case .list(let elements), .tuple(let elements):
            (source, count) = (.items(elements.items), elements.items.count)
        case .fields(let map): (source, count) = (.entries(map), map.count)
        case .dict(let dict): (source, count) = (.items(dict.keys), dict.keys.count)
        case .text(let text), .markup(let text):
            try rendering.count(scalarsOf: text)
            let scalars = Array(text.unicodeScalars)
            (source, count) = (.scalars(scalars), scalars.count)
        case .bytes(let bytes):
            (source, count) = (.items(bytes.map { .int(Int($0)) }), bytes.count)
        case .undefined(let missing):
            guard rendering.undefinedNames == .lenient else { throw missing.failure }
            (source, count) = (.none, 0)
        case .object(let object as TemplateRange): (source, count) = (.range(object), object.count)
        case .object(let object as TemplateGenerator): (source, count) = (.generator(object), nil)
        case .object(let object as TemplateLoop): (source, count) = (.loop(object), nil)
        case .object(let object as MapView):
            let items = try object.items()
            (source, count) = (.items(items), items.count)
        default:
            let remedy = "a list, a map or text is wanted"
            throw TemplateError(.value, "nothing can go over \(item.typeName); \(remedy)")
        }
    }

    mutating func next(_ rendering: inout Rendering) throws(TemplateError) -> Item? {
        switch source {
        case .none: return nil
        case .values(let values):
            guard index < values.count else { return nil }
            index += 1
            return Item(values[index - 1])
        case .items(let items):
            guard index < items.count else { return nil }
            index += 1
            return items[index - 1]
        case .scalars(let scalars):
            guard index < scalars.count else { return nil }
            index += 1
            return .text(String(scalars[index - 1]))
        case .entries(let map):
            guard index < map.count else { return nil }
            index += 1
            return .text(map.entries[index - 1].key)
        case .range(let range):
            guard index < range.count else { return nil }
            index += 1
            return .int(range[index - 1])
        case .generator(let generator): return try generator.next(&rendering)
        case .loop(let loop): return try loop.advance(&rendering)
        }
    }

    /// All items that are left, each counted.
    static func items(
        of item: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> [Item] {
        switch item {
        case .list(let elements), .tuple(let elements):
            try rendering.spend(elements.items.count)
            return elements.items
        case .values(let values):
            try rendering.spend(values.count)
            return values.map(Item.init)
        default:
            var cursor = try ItemCursor(item, &rendering)
            var items: [Item] = []
            while let item = try cursor.next(&rendering) {
                try rendering.spend(1)
                items.append(item)
            }
            return items
        }
    }
}

extension Rendering {
    /// Counts text that is looked at scalar by scalar.
    mutating func count(scalarsOf text: String) throws(TemplateError) {
        _ = try made(text)
    }
}
