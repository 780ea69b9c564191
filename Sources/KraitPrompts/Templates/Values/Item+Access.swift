import KraitWire

/// Attributes, elements, slices and lengths, as Jinja's environment looks them up.
extension Item {
    typealias Method = (CallArguments, inout Rendering) throws(TemplateError) -> Item

    /// `item.name`: an attribute first, then an element.
    func attribute(_ name: String, _ rendering: inout Rendering) throws(TemplateError) -> Item {
        switch self {
        case .undefined(let missing): throw missing.failure
        case .object(let object):
            if let item = try object.attribute(name, &rendering) { return item }
            if let item = try object.element(.text(name), &rendering) { return item }
            return absence(of: name)
        case .tuple(let elements) where elements.isGroup && (name == "grouper" || name == "list"):
            return elements.items[name == "grouper" ? 0 : 1]
        default: break
        }
        if let method = method(named: name) {
            return .object(BuiltInFunction(name, depth: depth, method))
        }
        try refuseUnsupported(name)
        switch self {
        case .fields(let map): return map[name].map(Item.init) ?? absence(of: name)
        case .dict(let dict): return dict.value(under: name) ?? absence(of: name)
        default: return absence(of: name)
        }
    }

    /// `item[key]`: an element first, then an attribute.
    func element(_ key: Item, _ rendering: inout Rendering) throws(TemplateError) -> Item {
        switch self {
        case .undefined(let missing): throw missing.failure
        case .fields(let map):
            if let name = key.string, let value = map[name] { return Item(value) }
        case .dict(let dict):
            if let item = try Self.found(dict, key, &rendering) { return item }
        case .object(let object):
            if let item = try object.element(key, &rendering) { return item }
        default:
            if let index = key.wholeNumber, let item = indexed(index) { return item }
        }
        if let name = key.string { return try attribute(name, &rendering) }
        return absence(of: key)
    }

    private static func found(
        _ dict: ItemDict,
        _ key: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        switch key {
        case .values, .list, .fields, .dict, .undefined: nil
        default: try dict.value(under: key, &rendering)
        }
    }

    private func absence(of name: String) -> Item {
        .undefined(Missing("there is no \(name) in \(typeName)"))
    }

    private func absence(of key: Item) -> Item {
        if let name = key.string { return absence(of: name) }
        if let index = key.wholeNumber { return absence(of: "element \(index)") }
        return .undefined(Missing("there is no such element in \(typeName)"))
    }

    /// The element at a place, from the end for a negative one.
    func indexed(_ index: Int128) -> Item? {
        func place(_ count: Int) -> Int? {
            let place = index < 0 ? index + Int128(count) : index
            return place >= 0 && place < Int128(count) ? Int(place) : nil
        }
        switch self {
        case .values(let values): return place(values.count).map { Item(values[$0]) }
        case .list(let elements), .tuple(let elements):
            return place(elements.items.count).map { elements.items[$0] }
        case .text(let text), .markup(let text):
            guard let place = place(text.unicodeScalars.count) else { return nil }
            let scalars = text.unicodeScalars
            let scalar = String(scalars[scalars.index(scalars.startIndex, offsetBy: place)])
            if case .markup = self { return .markup(scalar) }
            return .text(scalar)
        case .bytes(let bytes): return place(bytes.count).map { .int(Int(bytes[$0])) }
        default: return nil
        }
    }

    /// Python's `len`.
    func length() throws(TemplateError) -> Int {
        switch self {
        case .undefined: return 0
        case .values(let values): return values.count
        case .list(let elements), .tuple(let elements): return elements.items.count
        case .fields(let map): return map.count
        case .dict(let dict): return dict.keys.count
        case .text(let text), .markup(let text): return text.unicodeScalars.count
        case .bytes(let bytes): return bytes.count
        case .object(let object):
            if let length = object.length { return length }
        default: break
        }
        throw TemplateError(.value, "\(typeName) has no length")
    }

    // MARK: Slices

    /// `item[start:stop:step]`.
    func sliced(_ bounds: [Item], _ rendering: inout Rendering) throws(TemplateError) -> Item {
        if case .undefined(let missing) = self { throw missing.failure }
        var numbers: [Int128?] = []
        for bound in bounds {
            guard bound.isNone || bound.wholeNumber != nil else {
                throw TemplateError(.value, "a slice wants integers, not \(bound.typeName)")
            }
            numbers.append(bound.wholeNumber)
        }
        while numbers.count < 3 { numbers.append(nil) }
        guard numbers[2] != 0 else { throw TemplateError(.value, "a slice's step cannot be 0") }
        switch self {
        case .text(let text), .markup(let text):
            let part = try Self.sliced(text, numbers, &rendering)
            if case .markup = self { return .markup(part) }
            return .text(part)
        case .values(let values):
            let places = try Self.places(values.count, numbers, &rendering)
            return .values(places.map { values[$0] })
        case .list(let elements):
            let places = try Self.places(elements.items.count, numbers, &rendering)
            return .list(try Elements(places.map { elements.items[$0] }))
        case .tuple(let elements):
            let places = try Self.places(elements.items.count, numbers, &rendering)
            return .tuple(try Elements(places.map { elements.items[$0] }))
        case .bytes(let bytes):
            let places = try Self.places(bytes.count, numbers, &rendering)
            return .bytes(places.map { bytes[$0] })
        case .object(let range as TemplateRange):
            let (first, end, step) = Self.bounds(range.count, numbers)
            return .object(
                TemplateRange(
                    start: range.start + first * range.step,
                    stop: range.start + end * range.step,
                    step: range.step * step
                )
            )
        default: throw TemplateError(.value, "\(typeName) cannot be sliced")
        }
    }

    private static func sliced(
        _ text: String,
        _ numbers: [Int128?],
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        let scalars = text.unicodeScalars
        let count = scalars.count
        let (first, end, step) = bounds(count, numbers)
        if step == 1 {
            guard first < end else { return "" }
            let start = scalars.index(scalars.startIndex, offsetBy: first)
            let stop = scalars.index(start, offsetBy: end - first)
            return try rendering.made(String(scalars[start..<stop]))
        }
        let all = Array(scalars)
        var result = String.UnicodeScalarView()
        for place in stride(from: first, to: end, by: step) { result.append(all[place]) }
        try rendering.count(scalarsOf: text)
        return try rendering.made(String(result))
    }

    private static func places(
        _ count: Int,
        _ numbers: [Int128?],
        _ rendering: inout Rendering
    ) throws(TemplateError) -> StrideTo<Int> {
        let (first, end, step) = bounds(count, numbers)
        let places = stride(from: first, to: end, by: step)
        try rendering.spend(places.underestimatedCount)
        return places
    }

    /// Python's `slice.indices`.
    private static func bounds(
        _ count: Int,
        _ numbers: [Int128?]
    ) -> (first: Int, end: Int, step: Int) {
        let step = Int(clamping: numbers[2] ?? 1)
        let (lowest, highest) = step < 0 ? (-1, count - 1) : (0, count)
        func clamped(_ number: Int128?, _ otherwise: Int) -> Int {
            guard let number else { return otherwise }
            let place = number < 0 ? number + Int128(count) : number
            return Int(min(max(place, Int128(lowest)), Int128(highest)))
        }
        let first = clamped(numbers[0], step < 0 ? highest : lowest)
        return (first, clamped(numbers[1], step < 0 ? lowest : highest), step)
    }

    // MARK: Methods

    /// The method of that name, of those that a template may call.
    func method(named name: String) -> Method? {
        switch self {
        case .text(let text): return StringMethods.method(name, of: text)
        case .markup(let text): return StringMethods.method(name, of: text)
        case .fields, .dict: return MapMethods.method(name, of: self)
        case .values, .list, .tuple: return ListMethods.method(name, of: self)
        case .double(let number) where name == "is_integer":
            return { _, _ throws(TemplateError) in
                .bool(number.isFinite && number == number.rounded())
            }
        default: return nil
        }
    }

    /// Refuses what Python has under that name and templates cannot reach here.
    private func refuseUnsupported(_ name: String) throws(TemplateError) {
        let names: Set<String>
        var remedy = ""
        switch self {
        case .text, .markup, .bytes: names = StringMethods.unsupported
        case .fields, .dict:
            names = MapMethods.changing
            remedy = "; values are not changed by templates, make a new one"
        case .values, .list:
            names = ListMethods.changing
            remedy = "; values are not changed by templates, write list + [value]"
        case .int, .unsigned, .bool, .double:
            names = ["as_integer_ratio", "bit_count", "bit_length", "conjugate", "to_bytes", "hex"]
        default: return
        }
        guard names.contains(name) else { return }
        throw TemplateError(.unsupported, "\(name) of \(typeName) is not supported\(remedy)")
    }
}

/// The methods of maps.
enum MapMethods {
    static let changing: Set<String> = [
        "clear", "copy", "fromkeys", "pop", "popitem", "setdefault", "update",
    ]
    /// All names that go before an entry of the same name.
    static let names: Set<String> = changing.union(["get", "items", "keys", "values"])

    static func method(_ name: String, of map: Item) -> Item.Method? {
        switch name {
        case "keys", "values", "items":
            guard let part = MapView.Part(rawValue: name) else { return nil }
            return { arguments, _ throws(TemplateError) in
                _ = try arguments.bound(to: [], of: name)
                return .object(MapView(map, part))
            }
        case "get":
            return { arguments, rendering throws(TemplateError) in
                let given = try arguments.bound(to: ["key", "default"], of: name)
                guard let key = given[0] else {
                    throw TemplateError(.value, "get wants a key")
                }
                let found: Item?
                switch map {
                case .fields(let map):
                    _ = try ItemKey(key, &rendering)
                    found = key.string.flatMap { map[$0] }.map(Item.init)
                case .dict(let dict): found = try dict.value(under: key, &rendering)
                default: found = nil
                }
                return found ?? given[1] ?? .none
            }
        case "copy": return { _, _ throws(TemplateError) in map }
        default: return nil
        }
    }
}

/// The methods of lists and tuples.
enum ListMethods {
    static let changing: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
    ]

    static func method(_ name: String, of list: Item) -> Item.Method? {
        switch name {
        case "copy": return { _, _ throws(TemplateError) in list }
        case "count", "index":
            return { arguments, rendering throws(TemplateError) in
                guard let wanted = try arguments.bound(to: ["value"], of: name)[0] else {
                    throw TemplateError(.value, "\(name) wants a value")
                }
                var count = 0
                let items = try ItemCursor.items(of: list, &rendering)
                for (index, item) in items.enumerated()
                where try item.isEqual(to: wanted, &rendering) {
                    if name == "index" { return .int(index) }
                    count += 1
                }
                guard name == "count" else {
                    throw TemplateError(.value, "index: the value is not in the list")
                }
                return .int(count)
            }
        default: return nil
        }
    }
}
