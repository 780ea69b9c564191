import KraitWire

/// What a template can hold beside plain values.
class TemplateObject {
    /// Python's name of the type, for messages.
    var typeName: String { "an object" }
    var depth: Int { 1 }
    var isTrue: Bool { true }
    var isHashable: Bool { true }
    /// Python's `len`, where it has one.
    var length: Int? { nil }

    func isEqual(to other: TemplateObject) -> Bool { self === other }

    /// Its attribute of that name; nil where it has none.
    func attribute(_ name: String, _ rendering: inout Rendering) throws(TemplateError) -> Item? {
        nil
    }

    /// Its element under a key; nil where it has none.
    func element(_ key: Item, _ rendering: inout Rendering) throws(TemplateError) -> Item? { nil }

    func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        throw TemplateError(.value, "\(typeName) cannot be called")
    }

    var isCallable: Bool { false }

    func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        let reason = "\(typeName) is printed by Python with an address; this is not supported"
        throw TemplateError(.unsupported, reason)
    }
}

/// `range(…)`.
final class TemplateRange: TemplateObject {
    let start: Int
    let step: Int
    let stop: Int
    let count: Int

    init(start: Int, stop: Int, step: Int) {
        (self.start, self.stop, self.step) = (start, stop, step)
        let (span, _) = Int128(stop).subtractingReportingOverflow(Int128(start))
        let wide = Int128(step)
        let length = step > 0 ? (span + wide - 1) / wide : (span + wide + 1) / wide
        count = Int(clamping: max(0, length))
    }

    subscript(index: Int) -> Int { start + index * step }

    override var typeName: String { "a range" }
    override var isTrue: Bool { count > 0 }
    override var length: Int? { count }

    override func isEqual(to other: TemplateObject) -> Bool {
        guard let other = other as? TemplateRange, count == other.count else { return false }
        return count == 0 || start == other.start && (count == 1 || step == other.step)
    }

    override func element(
        _ key: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        guard let index = key.wholeNumber else { return nil }
        let place = index < 0 ? index + Int128(count) : index
        guard place >= 0, place < Int128(count) else { return nil }
        return .int(self[Int(place)])
    }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        switch name {
        case "start": .int(start)
        case "stop": .int(stop)
        case "step": .int(step)
        default: nil
        }
    }

    override func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        let rest = step == 1 ? "" : ", \(step)"
        bytes.append(contentsOf: "range(\(start), \(stop)\(rest))".utf8)
    }
}

/// What can be gone over once: the result of `map`, `select` and other filters.
final class TemplateGenerator: TemplateObject {
    typealias Body = (inout Rendering) throws(TemplateError) -> [Item]
    /// What makes the items, until the first is asked for: as in Python, not before.
    private var body: Body?
    private var items: [Item] = []
    private var index = 0
    private let deepest: Int

    init(_ items: [Item]) throws(TemplateError) {
        self.items = items
        deepest = try Elements.depth(over: items)
    }

    /// - Parameter item: what it is made of.
    init(over item: Item, _ body: @escaping Body) throws(TemplateError) {
        self.body = body
        deepest = try Elements.depth(over: CollectionOfOne(item))
    }

    func next(_ rendering: inout Rendering) throws(TemplateError) -> Item? {
        if let body {
            self.body = nil
            items = try rendering.deeper(body)
            guard try Elements.depth(over: items) < TemplateLimits.valueDepth else { return nil }
        }
        guard index < items.count else { return nil }
        index += 1
        return items[index - 1]
    }

    override var depth: Int { deepest }
    override var typeName: String { "a generator" }

    override func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        let reason = "a generator is not printed; write |list or |join behind the filter"
        throw TemplateError(.unsupported, reason)
    }
}

/// `keys()`, `values()` or `items()` of a map.
final class MapView: TemplateObject {
    enum Part: String {
        case keys, values, items
    }

    private let map: Item
    private let part: Part

    init(_ map: Item, _ part: Part) { (self.map, self.part) = (map, part) }

    func items() throws(TemplateError) -> [Item] {
        let pairs = map.mapPairs ?? []
        switch part {
        case .keys: return pairs.map(\.0)
        case .values: return pairs.map(\.1)
        case .items:
            var result: [Item] = []
            result.reserveCapacity(pairs.count)
            for (key, value) in pairs { result.append(.tuple(try Elements([key, value]))) }
            return result
        }
    }

    override var depth: Int { map.depth + 1 }
    override var typeName: String { "a view of a map" }
    override var isTrue: Bool { length != 0 }
    override var isHashable: Bool { part == .values }

    override var length: Int? {
        switch map {
        case .fields(let map): map.count
        case .dict(let dict): dict.keys.count
        default: 0
        }
    }

    override func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        bytes.append(contentsOf: "dict_\(part.rawValue)(".utf8)
        try Item.list(of: items()).appendRepresentation(to: &bytes, &rendering)
        bytes.append(UInt8(ascii: ")"))
    }
}

/// `namespace(…)`: the one thing whose attributes a template can set.
final class TemplateNamespace: TemplateObject, KeptByRendering {
    private var names: [String] = []
    private var attributes: [String: Item] = [:]

    init(
        _ pairs: [(String, Item)],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        super.init()
        for (name, item) in pairs { set(name, item) }
        try rendering.keep(self)
    }

    func takeApart() { attributes.removeAll() }

    func set(_ name: String, _ item: Item) {
        if attributes.updateValue(item, forKey: name) == nil { names.append(name) }
    }

    override var typeName: String { "a namespace" }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? { attributes[name] }

    override func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        var pairs: [(Item, Item)] = []
        for name in names {
            if let item = attributes[name] { pairs.append((.text(name), item)) }
        }
        bytes.append(contentsOf: "<Namespace ".utf8)
        let dict = Item.dict(try ItemDict(pairs, &rendering))
        try dict.appendRepresentation(to: &bytes, &rendering)
        bytes.append(UInt8(ascii: ">"))
    }
}

/// `cycler(…)`.
final class TemplateCycler: TemplateObject {
    private let items: Elements
    private var index = 0

    init(_ items: [Item]) throws(TemplateError) {
        guard !items.isEmpty else { throw TemplateError(.value, "cycler wants at least one value") }
        self.items = try Elements(items)
    }

    override var depth: Int { items.depth }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        switch name {
        case "current": return items.items[index]
        case "pos": return .int(index)
        case "items": return .tuple(items)
        case "next":
            return .object(
                BuiltInFunction("next", depth: depth) { [self] _, _ throws(TemplateError) in
                    defer { index = (index + 1) % items.items.count }
                    return items.items[index]
                }
            )
        case "reset":
            return .object(
                BuiltInFunction("reset", depth: depth) { [self] _, _ throws(TemplateError) in
                    index = 0
                    return .none
                }
            )
        default: return nil
        }
    }
}

/// `joiner(…)`.
final class TemplateJoiner: TemplateObject {
    private let separator: Item
    private var isUsed = false

    init(_ separator: Item) throws(TemplateError) {
        self.separator = .list(try Elements([separator]))
    }

    override var depth: Int { separator.depth }
    override var isCallable: Bool { true }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        defer { isUsed = true }
        guard isUsed, case .list(let elements) = separator else { return .text("") }
        return elements.items[0]
    }
}
