import KraitSignatures
import KraitWire

/// `tojson`, as Python's `json.dumps` writes it.
struct TemplateJSON {
    private var sortsKeys = true
    private var escapesNonASCII = true
    private var escapesHTML = true
    private var indention: [UInt8]?
    private var itemSeparator: [UInt8] = Array(", ".utf8)
    private var keySeparator: [UInt8] = Array(": ".utf8)
    private var bytes: [UInt8] = []

    static func filter(
        _ item: Item,
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        var writer = TemplateJSON()
        let isPlain = rendering.environment.options.writesPlainJSON
        let given: [Item?]
        if isPlain {
            let names: StaticNames = ["ensure_ascii", "indent", "separators", "sort_keys"]
            given = try arguments.bound(to: names, of: "tojson")
            writer.escapesNonASCII = try given[0]?.isTrue(&rendering) ?? false
            writer.sortsKeys = try given[3]?.isTrue(&rendering) ?? false
            writer.escapesHTML = false
        } else {
            given = [nil] + (try arguments.bound(to: ["indent"], of: "tojson"))
        }
        if let indent = given[1], !indent.isNone {
            if let text = indent.string {
                writer.indention = Array(text.utf8)
            } else {
                let width = try StringMethods.integer(indent, "the indent")
                try rendering.check(length: width)
                writer.indention = Array(repeating: 0x20, count: max(0, width))
            }
            writer.itemSeparator = Array(",".utf8)
        }
        if isPlain, let separators = given[2], !separators.isNone {
            let both = try ItemCursor.items(of: separators, &rendering)
            guard both.count == 2 else { throw TemplateError(.value, "separators are two texts") }
            writer.itemSeparator = Array(try StringMethods.text(both[0], "a separator").utf8)
            writer.keySeparator = Array(try StringMethods.text(both[1], "a separator").utf8)
        }
        try writer.write(item, 0, &rendering)
        let text = try rendering.text(writer.bytes)
        return isPlain ? .text(text) : .markup(text)
    }

    private mutating func write(
        _ item: Item,
        _ level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        try rendering.check(length: bytes.count)
        switch item {
        case .none: bytes += Array("null".utf8)
        case .bool(let flag): bytes += Array((flag ? "true" : "false").utf8)
        case .int(let integer): bytes += Array(String(integer).utf8)
        case .unsigned(let integer): bytes += Array(String(integer).utf8)
        case .double(let number): bytes += Array(Self.number(number).utf8)
        case .text(let text), .markup(let text): write(text)
        case .values(let values):
            try writeList(values.lazy.map(Item.init), level, &rendering)
        case .list(let elements), .tuple(let elements):
            try writeList(elements.items, level, &rendering)
        case .fields, .dict: try writeMap(item.mapPairs ?? [], level, &rendering)
        case .undefined(let missing): throw missing.failure
        case .absent, .bytes, .timestamp, .object:
            throw TemplateError(.value, "tojson is not for \(item.typeName)")
        }
    }

    private static func number(_ number: Double) -> String {
        guard number.isFinite else {
            return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
        }
        return PythonText.float(number)
    }

    private mutating func breakLine(_ level: Int) {
        guard let indention else { return }
        bytes.append(.newline)
        for _ in 0..<level { bytes += indention }
    }

    private mutating func writeList(
        _ items: some Collection<Item>,
        _ level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        bytes.append(.openBracket)
        var isFirst = true
        for item in items {
            if !isFirst { bytes += itemSeparator }
            isFirst = false
            breakLine(level + 1)
            try write(item, level + 1, &rendering)
        }
        if !isFirst { breakLine(level) }
        bytes.append(.closeBracket)
    }

    private mutating func writeMap(
        _ pairs: [(Item, Item)],
        _ level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        var entries: [(key: String, value: Item)] = []
        var kinds: Set<Bool> = []
        for (key, value) in pairs {
            kinds.insert(key.string != nil)
            switch key {
            case .text(let text), .markup(let text): entries.append((text, value))
            case .none: entries.append(("null", value))
            case .bool(let flag): entries.append((flag ? "true" : "false", value))
            case .int(let integer): entries.append((String(integer), value))
            case .unsigned(let integer): entries.append((String(integer), value))
            case .double(let number): entries.append((Self.number(number), value))
            default: throw TemplateError(.value, "tojson has no keys of \(key.typeName)")
            }
        }
        if sortsKeys {
            guard kinds != [false] || pairs.count < 2, kinds.count < 2 else {
                let reason = "tojson of a map with keys other than text is not supported"
                throw TemplateError(.unsupported, reason)
            }
            try rendering.spend(entries.count)
            entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        }
        bytes.append(.openBrace)
        var isFirst = true
        for (key, value) in entries {
            if !isFirst { bytes += itemSeparator }
            isFirst = false
            breakLine(level + 1)
            write(key)
            bytes += keySeparator
            try write(value, level + 1, &rendering)
        }
        if !isFirst { breakLine(level) }
        bytes.append(.closeBrace)
    }

    private mutating func write(_ text: String) {
        bytes.append(.doubleQuote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += [.backslash, .doubleQuote]
            case "\\": bytes += [.backslash, .backslash]
            case "\n": bytes += [.backslash, UInt8(ascii: "n")]
            case "\r": bytes += [.backslash, UInt8(ascii: "r")]
            case "\t": bytes += [.backslash, UInt8(ascii: "t")]
            case "\u{8}": bytes += [.backslash, UInt8(ascii: "b")]
            case "\u{C}": bytes += [.backslash, UInt8(ascii: "f")]
            case "<", ">", "&", "'":
                if escapesHTML {
                    writeEscape(UInt16(scalar.value))
                } else {
                    bytes.append(UInt8(truncatingIfNeeded: scalar.value))
                }
            case _ where scalar.value < 0x20: writeEscape(UInt16(scalar.value))
            case _ where scalar.value < 0x7F || !escapesNonASCII:
                bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
            default: for unit in UTF16.encode(scalar) ?? .init() { writeEscape(unit) }
            }
        }
        bytes.append(.doubleQuote)
    }

    private mutating func writeEscape(_ unit: UInt16) {
        let digits = Array("0123456789abcdef".utf8)
        bytes += [.backslash, UInt8(ascii: "u")]
        for shift in [12, 8, 4, 0] { bytes.append(digits[Int(unit >> UInt16(shift)) & 15]) }
    }
}
