/// The functions that every template has.
enum TemplateGlobals {
    typealias Function =
        @Sendable (CallArguments, inout Rendering) throws(TemplateError) -> Item

    static let table: [String: Function] = [
        "range": range, "dict": dict, "namespace": namespace, "cycler": cycler, "joiner": joiner,
        "lipsum": { _, _ throws(TemplateError) in
            throw TemplateError(.unsupported, "lipsum is not supported: it draws lots")
        },
    ]

    private static let range: Function = { arguments, rendering throws(TemplateError) in
        guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
            throw TemplateError(.value, "range takes one to three integers")
        }
        var numbers: [Int] = []
        for item in arguments.positional {
            numbers.append(try StringMethods.integer(item, "each of range's arguments"))
        }
        if numbers.count == 1 { numbers.insert(0, at: 0) }
        if numbers.count == 2 { numbers.append(1) }
        guard numbers[2] != 0 else { throw TemplateError(.value, "a range's step cannot be 0") }
        let range = TemplateRange(start: numbers[0], stop: numbers[1], step: numbers[2])
        try rendering.check(rangeLength: range.count)
        return .object(range)
    }

    private static func pairs(
        _ arguments: CallArguments,
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> [(Item, Item)] {
        guard arguments.positional.count <= 1 else {
            throw TemplateError(.value, "\(name) takes one map, and named values")
        }
        var pairs: [(Item, Item)] = []
        if let first = arguments.positional.first {
            if let own = first.mapPairs {
                try rendering.spend(own.count)
                pairs = own
            } else {
                for item in try ItemCursor.items(of: first, &rendering) {
                    let both = try ItemCursor.items(of: item, &rendering)
                    guard both.count == 2 else {
                        throw TemplateError(.value, "\(name) wants pairs of keys and values")
                    }
                    pairs.append((both[0], both[1]))
                }
            }
        }
        for (name, item) in arguments.named { pairs.append((.text(name), item)) }
        return pairs
    }

    private static let dict: Function = { arguments, rendering throws(TemplateError) in
        .dict(try ItemDict(try pairs(arguments, "dict", &rendering), &rendering))
    }

    private static let namespace: Function = { arguments, rendering throws(TemplateError) in
        var named: [(String, Item)] = []
        for (key, item) in try pairs(arguments, "namespace", &rendering) {
            named.append((try StringMethods.text(key, "a namespace's name"), item))
        }
        return .object(try TemplateNamespace(named, &rendering))
    }

    private static let cycler: Function = { arguments, _ throws(TemplateError) in
        .object(try TemplateCycler(arguments.positional))
    }

    private static let joiner: Function = { arguments, _ throws(TemplateError) in
        let separator = try arguments.bound(to: ["sep"], of: "joiner")[0]
        return .object(try TemplateJoiner(separator ?? .text(", ")))
    }
}
