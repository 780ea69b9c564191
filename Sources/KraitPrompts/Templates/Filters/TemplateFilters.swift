/// The filters, by name.
enum TemplateFilters {
    typealias Filter =
        @Sendable (Item, CallArguments, inout Rendering) throws(TemplateError) -> Item

    /// Jinja's filters that are not here: those that draw lots, and those that make web pages.
    static let unsupported: Set<String> = ["random", "urlize", "pprint"]

    static let table: [String: Filter] = textTable.merging(listTable) { $1 }
        .merging(numberTable) { $1 }
        .merging(choosingTable) { $1 }
    static let names = table.keys.sorted()

    private static let textTable: [String: Filter] = [
        "upper": TextFilters.upper, "lower": TextFilters.lower,
        "capitalize": TextFilters.capitalize, "title": TextFilters.title,
        "trim": TextFilters.trim, "replace": TextFilters.replace, "center": TextFilters.center,
        "indent": TextFilters.indent, "truncate": TextFilters.truncate,
        "wordwrap": TextFilters.wordwrap, "wordcount": TextFilters.wordcount,
        "string": TextFilters.string, "format": TextFilters.format, "e": TextFilters.escape,
        "escape": TextFilters.escape, "forceescape": TextFilters.forceEscape,
        "safe": TextFilters.safe, "striptags": TextFilters.stripTags,
        "urlencode": TextFilters.urlEncode, "xmlattr": TextFilters.xmlAttributes,
        "tojson": TextFilters.toJSON,
    ]

    private static let listTable: [String: Filter] = [
        "first": ListFilters.first, "last": ListFilters.last, "length": ListFilters.length,
        "count": ListFilters.length, "list": ListFilters.list, "join": ListFilters.join,
        "reverse": ListFilters.reverse, "batch": ListFilters.batch, "slice": ListFilters.slice,
        "items": ListFilters.items, "sort": SortFilters.sort, "dictsort": SortFilters.dictSort,
        "unique": SortFilters.unique, "min": SortFilters.min, "max": SortFilters.max,
        "groupby": SortFilters.groupBy, "sum": ListFilters.sum,
    ]

    private static let numberTable: [String: Filter] = [
        "abs": NumberFilters.abs, "round": NumberFilters.round, "int": NumberFilters.int,
        "float": NumberFilters.float, "filesizeformat": NumberFilters.fileSize,
    ]

    private static let choosingTable: [String: Filter] = [
        "default": ChoosingFilters.defaulting, "d": ChoosingFilters.defaulting,
        "attr": ChoosingFilters.attribute, "map": ChoosingFilters.map,
        "select": ChoosingFilters.select, "reject": ChoosingFilters.reject,
        "selectattr": ChoosingFilters.selectAttribute,
        "rejectattr": ChoosingFilters.rejectAttribute,
    ]
}

/// A path such as `address.city` or `0`, as filters take it.
struct AttributePath {
    private let parts: [Item]

    init(_ attribute: Item?) throws(TemplateError) {
        switch attribute {
        case nil, .some(.none): parts = []
        case .text(let text), .markup(let text):
            parts = text.utf8.split(separator: .dot, omittingEmptySubsequences: false).map { part in
                let name = String(part) ?? ""
                let isNumber = !part.isEmpty && part.allSatisfy { TemplateScanner.isDigit($0) }
                return isNumber ? .int(Int(name) ?? .max) : .text(name)
            }
        case .some(let item):
            guard item.wholeNumber != nil else {
                throw TemplateError(.value, "an attribute is named by text, not \(item.typeName)")
            }
            parts = [item]
        }
    }

    func callAsFunction(
        _ item: Item,
        lowered: Bool = false,
        default other: Item? = nil,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        var item = item
        for part in parts {
            item = try item.element(part, &rendering)
            if let other, item.isUndefined { item = other }
        }
        guard lowered, let text = item.string else { return item }
        return .text(TextCase.lower(text))
    }
}

/// Filters that choose among items, or look into them.
enum ChoosingFilters {
    static let defaulting: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["default_value", "boolean"], of: "default")
        let other = given[0] ?? .text("")
        if item.isUndefined { return other }
        guard let boolean = given[1], try boolean.isTrue(&rendering) else { return item }
        return try item.isTrue(&rendering) ? item : other
    }

    static let attribute: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["name"], of: "attr")[0]
        let name = try StringMethods.text(given, "the attribute's name")
        switch item {
        case .fields, .dict:
            guard MapMethods.names.contains(name) else {
                return .undefined(Missing("there is no attribute \(name) of a map; write [name]"))
            }
            return try item.attribute(name, &rendering)
        default: return try item.attribute(name, &rendering)
        }
    }

    static let map: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                try mapped(item, arguments, &rendering)
            }
        )
    }

    private static func mapped(
        _ item: Item,
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> [Item] {
        guard try item.isTrue(&rendering) else { return [] }
        var results: [Item] = []
        if arguments.positional.isEmpty, let attribute = arguments.named("attribute") {
            let path = try AttributePath(attribute)
            let other = arguments.named("default")
            if let name = arguments.named.first(where: {
                !["attribute", "default"].contains($0.name)
            }) {
                throw TemplateError(.value, "map has no argument \(name.name)")
            }
            for part in try ItemCursor.items(of: item, &rendering) {
                results.append(
                    try path(part, default: other.flatMap { $0.isNone ? nil : $0 }, &rendering)
                )
            }
        } else {
            guard let name = arguments.positional.first?.string else {
                throw TemplateError(.value, "map wants the name of a filter or attribute=")
            }
            guard let filter = TemplateFilters.table[name] else {
                let remedy = TemplateError.remedy(
                    for: name,
                    among: TemplateFilters.names,
                    listsAll: false
                )
                throw TemplateError(.value, "there is no filter \(name)\(remedy)")
            }
            var rest = arguments
            rest.positional.removeFirst()
            for part in try ItemCursor.items(of: item, &rendering) {
                results.append(try filter(part, rest, &rendering))
            }
        }
        return results
    }

    static let select: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try choose(item, arguments, true, false, &rendering)
    }
    static let reject: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try choose(item, arguments, false, false, &rendering)
    }
    static let selectAttribute: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try choose(item, arguments, true, true, &rendering)
    }
    static let rejectAttribute: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try choose(item, arguments, false, true, &rendering)
    }

    private static func choose(
        _ item: Item,
        _ arguments: CallArguments,
        _ wanted: Bool,
        _ looksInside: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        .object(
            try TemplateGenerator(over: item) { rendering throws(TemplateError) in
                try chosen(item, arguments, wanted, looksInside, &rendering)
            }
        )
    }

    private static func chosen(
        _ item: Item,
        _ arguments: CallArguments,
        _ wanted: Bool,
        _ looksInside: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> [Item] {
        guard try item.isTrue(&rendering) else { return [] }
        var rest = arguments
        var path = try AttributePath(nil)
        if looksInside {
            guard !rest.positional.isEmpty else {
                throw TemplateError(.value, "the name of an attribute is wanted")
            }
            path = try AttributePath(rest.positional.removeFirst())
        }
        var test: TemplateTests.Test?
        if !rest.positional.isEmpty {
            let name = rest.positional.removeFirst().string ?? ""
            test = TemplateTests.table[name]
            guard test != nil else {
                let names = TemplateTests.names
                let remedy = TemplateError.remedy(for: name, among: names, listsAll: false)
                throw TemplateError(.value, "there is no test \(name)\(remedy)")
            }
        }
        var results: [Item] = []
        for part in try ItemCursor.items(of: item, &rendering) {
            let value = try path(part, &rendering)
            let holds: Bool
            if let test {
                holds = try test(value, rest, &rendering)
            } else {
                holds = try value.isTrue(&rendering)
            }
            if holds == wanted { results.append(part) }
        }
        return results
    }
}
