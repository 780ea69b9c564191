/// The tests behind `is`, by name.
enum TemplateTests {
    typealias Test = @Sendable (Item, CallArguments, inout Rendering) throws(TemplateError) -> Bool

    static let names = table.keys.sorted()

    static let table: [String: Test] = {
        var table = kinds
        for (name, test) in numbers.merging(texts, uniquingKeysWith: { $1 }) { table[name] = test }
        let comparisons: [(TemplateExpression.Comparison, [String])] = [
            (.equal, ["==", "eq", "equalto"]), (.notEqual, ["!=", "ne"]),
            (.greater, [">", "gt", "greaterthan"]), (.greaterOrEqual, [">=", "ge"]),
            (.less, ["<", "lt", "lessthan"]), (.lessOrEqual, ["<=", "le"]), (.isIn, ["in"]),
        ]
        for (comparison, names) in comparisons {
            for name in names { table[name] = comparing(name, comparison) }
        }
        return table
    }()

    /// A test without arguments.
    private static func plain(
        _ name: String,
        _ body: @escaping @Sendable (Item) -> Bool
    ) -> Test {
        { item, arguments, _ throws(TemplateError) in
            _ = try arguments.bound(to: [], of: name)
            return body(item)
        }
    }

    private static func comparing(
        _ name: String,
        _ comparison: TemplateExpression.Comparison
    ) -> Test {
        { item, arguments, rendering throws(TemplateError) in
            guard let other = try arguments.bound(to: ["other"], of: name)[0] else {
                throw TemplateError(.value, "\(name) wants something to compare with")
            }
            return try item.compare(comparison, other, &rendering)
        }
    }

    private static let kinds: [String: Test] = [
        "defined": plain("defined") { !$0.isUndefined },
        "undefined": plain("undefined") { $0.isUndefined },
        "none": plain("none") { $0.isNone },
        "boolean": plain("boolean") { if case .bool = $0 { true } else { false } },
        "true": plain("true") { if case .bool(true) = $0 { true } else { false } },
        "false": plain("false") { if case .bool(false) = $0 { true } else { false } },
        "integer": plain("integer") { item in
            switch item {
            case .int, .unsigned: true
            default: false
            }
        },
        "float": plain("float") { if case .double = $0 { true } else { false } },
        "number": plain("number") { $0.number != nil },
        "string": plain("string") { $0.string != nil },
        "mapping": plain("mapping") { $0.mapPairsExist },
        "sequence": plain("sequence") { item in
            switch item {
            case .object(let object): object is TemplateRange
            case .undefined: true
            default: (try? item.length()) != nil
            }
        },
        "iterable": plain("iterable") { item in
            switch item {
            case .none, .bool, .int, .unsigned, .double, .timestamp: false
            case .object(let object):
                object is TemplateRange || object is TemplateGenerator || object is MapView
                    || object is TemplateLoop
            default: true
            }
        },
        "callable": plain("callable") { item in
            switch item {
            // Python's undefined values have a method for calls, which raises.
            case .undefined: true
            case .object(let object): object.isCallable
            default: false
            }
        },
        "escaped": plain("escaped") { if case .markup = $0 { true } else { false } },
        "sameas": { item, arguments, _ throws(TemplateError) in
            guard let other = try arguments.bound(to: ["other"], of: "sameas")[0] else {
                throw TemplateError(.value, "sameas wants something to compare with")
            }
            switch (item, other) {
            case (.none, .none): return true
            case (.bool(let left), .bool(let right)): return left == right
            case (.object(let left), .object(let right)): return left === right
            case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
                return left === right
            case (.dict(let left), .dict(let right)): return left === right
            case (.none, _), (_, .none), (.bool, _), (_, .bool): return false
            default:
                let reason = "sameas is for true, false, none and what a template made"
                throw TemplateError(.unsupported, reason)
            }
        },
    ]

    private static let numbers: [String: Test] = [
        "odd": { item, arguments, rendering throws(TemplateError) in
            _ = try arguments.bound(to: [], of: "odd")
            let rest = try item.applying(.modulo, .int(2), &rendering)
            return try rest.isEqual(to: .int(1), &rendering)
        },
        "even": { item, arguments, rendering throws(TemplateError) in
            _ = try arguments.bound(to: [], of: "even")
            let rest = try item.applying(.modulo, .int(2), &rendering)
            return try rest.isEqual(to: .int(0), &rendering)
        },
        "divisibleby": { item, arguments, rendering throws(TemplateError) in
            guard let number = try arguments.bound(to: ["num"], of: "divisibleby")[0] else {
                throw TemplateError(.value, "divisibleby wants a number")
            }
            let rest = try item.applying(.modulo, number, &rendering)
            return try rest.isEqual(to: .int(0), &rendering)
        },
    ]

    private static let texts: [String: Test] = [
        "lower": { item, arguments, rendering throws(TemplateError) in
            _ = try arguments.bound(to: [], of: "lower")
            return TextCase.isAll(upper: false, try item.printed(&rendering))
        },
        "upper": { item, arguments, rendering throws(TemplateError) in
            _ = try arguments.bound(to: [], of: "upper")
            return TextCase.isAll(upper: true, try item.printed(&rendering))
        },
        "filter": plain("filter") { item in
            item.string.map { TemplateFilters.table[$0] != nil } ?? false
        },
        "test": plain("test") { item in
            item.string.map { TemplateTests.names.contains($0) } ?? false
        },
    ]
}

extension Item {
    /// Whether it is a map, without a look at its entries.
    var mapPairsExist: Bool {
        switch self {
        case .fields, .dict: true
        default: false
        }
    }
}
