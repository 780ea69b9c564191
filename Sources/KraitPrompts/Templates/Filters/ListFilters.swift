/// Filters over lists and whatever else can be gone over.
enum ListFilters {
    static let first: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "first")
        var cursor = try ItemCursor(item, &rendering)
        return try cursor.next(&rendering) ?? .undefined(Missing("there is no first element"))
    }

    static let last: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "last")
        switch item {
        case .object(is TemplateGenerator), .object(is TemplateLoop):
            throw TemplateError(.value, "\(item.typeName) has no last element; write |list|last")
        default: break
        }
        if let found = item.indexed(-1) { return found }
        return try ItemCursor.items(of: item, &rendering).last
            ?? .undefined(Missing("there is no last element"))
    }

    static let length: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "length")
        if case .undefined(let missing) = item, rendering.undefinedNames != .lenient {
            throw missing.failure
        }
        return .int(try item.length())
    }

    static let list: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "list")
        return try .list(of: try ItemCursor.items(of: item, &rendering))
    }

    static let join: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["d", "attribute"], of: "join")
        let separator = Array(try given[0]?.printed(&rendering).utf8 ?? "".utf8)
        let path = try AttributePath(given[1])
        var bytes: [UInt8] = []
        var isFirst = true
        for part in try ItemCursor.items(of: item, &rendering) {
            if !isFirst { bytes += separator }
            isFirst = false
            try path(part, &rendering).append(to: &bytes, &rendering)
            try rendering.check(length: bytes.count)
        }
        return .text(try rendering.text(bytes))
    }

    static let reverse: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "reverse")
        if let text = item.string {
            var reversed = String.UnicodeScalarView()
            reversed.append(contentsOf: text.unicodeScalars.reversed())
            return .text(try rendering.made(String(reversed)))
        }
        let items = try ItemCursor.items(of: item, &rendering)
        if case .object(is TemplateGenerator) = item { return try .list(of: items.reversed()) }
        return .object(try TemplateGenerator(items.reversed()))
    }

    static let batch: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["linecount", "fill_with"], of: "batch")
        guard let count = given[0] else { throw TemplateError(.value, "batch wants a count") }
        let size = try StringMethods.integer(count, "the count")
        let fill = given[1].flatMap { $0.isNone ? nil : $0 }
        return .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                var batches: [Item] = []
                var current: [Item] = []
                for part in try ItemCursor.items(of: item, &rendering) {
                    if current.count == size {
                        batches.append(try .list(of: current))
                        current = []
                    }
                    current.append(part)
                }
                if !current.isEmpty {
                    if let fill, current.count < size {
                        try rendering.spend(size - current.count)
                        current += Array(repeating: fill, count: size - current.count)
                    }
                    batches.append(try .list(of: current))
                }
                return batches
            }
        )
    }

    static let slice: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["slices", "fill_with"], of: "slice")
        guard let count = given[0] else { throw TemplateError(.value, "slice wants a count") }
        let slices = try StringMethods.integer(count, "the count")
        guard slices != 0 else { throw TemplateError(.value, "this divides by zero") }
        let fill = given[1].flatMap { $0.isNone ? nil : $0 }
        return .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                let items = try ItemCursor.items(of: item, &rendering)
                try rendering.spend(max(0, slices))
                var result: [Item] = []
                guard slices > 0 else { return [] }
                let (size, longer) = items.count.quotientAndRemainder(dividingBy: slices)
                var start = 0
                for number in 0..<slices {
                    let end = start + size + (number < longer ? 1 : 0)
                    var part = Array(items[start..<end])
                    if let fill, number >= longer { part.append(fill) }
                    result.append(try .list(of: part))
                    start = end
                }
                return result
            }
        )
    }

    static let items: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "items")
        return .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                if item.isUndefined { return [] }
                guard item.mapPairs != nil else {
                    throw TemplateError(.value, "items wants a map, not \(item.typeName)")
                }
                let items = try MapView(item, .items).items()
                try rendering.spend(items.count)
                return items
            }
        )
    }

    static let sum: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["attribute", "start"], of: "sum")
        let path = try AttributePath(given[0])
        var total = given[1] ?? .int(0)
        if total.string != nil { throw TemplateError(.value, "sum is not for text; use join") }
        for part in try ItemCursor.items(of: item, &rendering) {
            total = try total.applying(.add, try path(part, &rendering), &rendering)
        }
        return total
    }
}

/// Filters that put items in order or compare them.
enum SortFilters {
    static let sort: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["reverse", "case_sensitive", "attribute"], of: "sort")
        let isReversed = try given[0]?.isTrue(&rendering) ?? false
        let isSensitive = try given[1]?.isTrue(&rendering) ?? false
        var paths: [AttributePath] = []
        if let names = given[2]?.string {
            for name in names.utf8.split(
                separator: UInt8(ascii: ","),
                omittingEmptySubsequences: false
            ) {
                paths.append(try AttributePath(.text(String(name) ?? "")))
            }
        } else {
            paths = [try AttributePath(given[2])]
        }
        let items = try ItemCursor.items(of: item, &rendering)
        var keys: [Item] = []
        for part in items {
            if paths.count == 1 {
                let key = try paths[0](part, lowered: !isSensitive, &rendering)
                // Python compares lists of keys, which asks first whether they are equal.
                let isPlain = key.string != nil || key.number != nil
                keys.append(isPlain ? key : try .list(of: [key]))
            } else {
                var all: [Item] = []
                for path in paths {
                    all.append(try path(part, lowered: !isSensitive, &rendering))
                }
                keys.append(try .list(of: all))
            }
        }
        let order = try order(keys, reversed: isReversed, &rendering)
        return try .list(of: order.map { items[$0] })
    }

    static let dictSort: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["case_sensitive", "by", "reverse"], of: "dictsort")
        let isSensitive = try given[0]?.isTrue(&rendering) ?? false
        let by = given[1]?.string ?? "key"
        guard by == "key" || by == "value" else {
            throw TemplateError(.value, "dictsort sorts by \"key\" or \"value\"")
        }
        let isReversed = try given[2]?.isTrue(&rendering) ?? false
        guard let pairs = item.mapPairs else {
            throw TemplateError(.value, "dictsort wants a map, not \(item.typeName)")
        }
        try rendering.spend(pairs.count)
        let whole = try AttributePath(nil)
        var keys: [Item] = []
        for (key, value) in pairs {
            keys.append(try whole(by == "key" ? key : value, lowered: !isSensitive, &rendering))
        }
        let order = try order(keys, reversed: isReversed, &rendering)
        var result: [Item] = []
        for index in order {
            result.append(.tuple(try Elements([pairs[index].0, pairs[index].1])))
        }
        return try .list(of: result)
    }

    static let unique: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["case_sensitive", "attribute"], of: "unique")
        let isSensitive = try given[0]?.isTrue(&rendering) ?? false
        let path = try AttributePath(given[1])
        return .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                var seen: Set<ItemKey> = []
                var result: [Item] = []
                for part in try ItemCursor.items(of: item, &rendering) {
                    let key = try path(part, lowered: !isSensitive, &rendering)
                    if seen.insert(try ItemKey(key, &rendering)).inserted { result.append(part) }
                }
                return result
            }
        )
    }

    static let min: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        try extreme(item, arguments, isMaximum: false, &rendering)
    }
    static let max: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        try extreme(item, arguments, isMaximum: true, &rendering)
    }

    private static func extreme(
        _ item: Item,
        _ arguments: CallArguments,
        isMaximum: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let name = isMaximum ? "max" : "min"
        let given = try arguments.bound(to: ["case_sensitive", "attribute"], of: name)
        let isSensitive = try given[0]?.isTrue(&rendering) ?? false
        let path = try AttributePath(given[1])
        var best: (item: Item, key: Item)?
        for part in try ItemCursor.items(of: item, &rendering) {
            let key = try path(part, lowered: !isSensitive, &rendering)
            guard let found = best else {
                best = (part, key)
                continue
            }
            let isBetter =
                isMaximum
                ? try found.key.isLess(than: key, &rendering)
                : try key.isLess(than: found.key, &rendering)
            if isBetter { best = (part, key) }
        }
        return best?.item ?? .undefined(Missing("there is no element to choose from"))
    }

    static let groupBy: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(
            to: ["attribute", "default", "case_sensitive"],
            of: "groupby"
        )
        let path = try AttributePath(given[0])
        let other = given[1].flatMap { $0.isNone ? nil : $0 }
        let isSensitive = try given[2]?.isTrue(&rendering) ?? false
        let items = try ItemCursor.items(of: item, &rendering)
        var keys: [Item] = []
        for part in items {
            keys.append(try path(part, lowered: !isSensitive, default: other, &rendering))
        }
        var groups: [(key: Item, items: [Item])] = []
        for index in try order(keys, reversed: false, &rendering) {
            if let last = groups.last, try last.key.isEqual(to: keys[index], &rendering) {
                groups[groups.count - 1].items.append(items[index])
            } else {
                groups.append((keys[index], [items[index]]))
            }
        }
        var result: [Item] = []
        for group in groups {
            let key = isSensitive ? group.key : try path(group.items[0], default: other, &rendering)
            result.append(
                .tuple(try Elements([key, try .list(of: group.items)], isGroup: true))
            )
        }
        return try .list(of: result)
    }

    /// The places of the keys in ascending order, equal ones as they came: a merge sort.
    private static func order(
        _ keys: [Item],
        reversed: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> [Int] {
        var order = Array(keys.indices)
        var buffer = order
        var width = 1
        while width < order.count {
            var start = 0
            while start < order.count {
                let middle = Swift.min(start + width, order.count)
                let end = Swift.min(start + 2 * width, order.count)
                var (left, right, place) = (start, middle, start)
                while left < middle || right < end {
                    let takesRight: Bool
                    if left == middle || right == end {
                        takesRight = left == middle
                    } else {
                        let (first, second) = (keys[order[left]], keys[order[right]])
                        takesRight =
                            reversed
                            ? try first.isLess(than: second, &rendering)
                            : try second.isLess(than: first, &rendering)
                    }
                    buffer[place] = takesRight ? order[right] : order[left]
                    if takesRight { right += 1 } else { left += 1 }
                    place += 1
                }
                start = end
            }
            swap(&order, &buffer)
            width *= 2
        }
        return order
    }
}
