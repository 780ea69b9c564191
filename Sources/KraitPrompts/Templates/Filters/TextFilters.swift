import KraitWire

/// Filters of text.
enum TextFilters {
    /// What Jinja makes of a value before it treats it as text; escaped text stays so.
    private static func soft(
        _ item: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> (text: String, isMarkup: Bool) {
        if case .markup(let text) = item { return (text, true) }
        return (try item.printed(&rendering), false)
    }

    private static func mapped(
        _ item: Item,
        _ arguments: CallArguments,
        _ name: String,
        _ rendering: inout Rendering,
        _ map: (String) -> String
    ) throws(TemplateError) -> Item {
        _ = try arguments.bound(to: [], of: name)
        let (text, isMarkup) = try soft(item, &rendering)
        let result = try rendering.made(map(text))
        return isMarkup ? .markup(result) : .text(result)
    }

    static let upper: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        try mapped(item, arguments, "upper", &rendering, TextCase.upper)
    }
    static let lower: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        try mapped(item, arguments, "lower", &rendering, TextCase.lower)
    }
    static let capitalize: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try mapped(item, arguments, "capitalize", &rendering, TextCase.capitalized)
    }

    static let title: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "title")
        let text = try item.printed(&rendering)
        var (result, word) = ("", "")
        func flush() {
            guard let first = word.unicodeScalars.first else { return }
            let rest = String(String.UnicodeScalarView(word.unicodeScalars.dropFirst()))
            result += TextCase.upper(String(first)) + TextCase.lower(rest)
            word = ""
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "-", "(", "{", "[", "<": break
            case _ where TemplateSpace.isSpace(scalar): break
            default:
                word.unicodeScalars.append(scalar)
                continue
            }
            flush()
            result.unicodeScalars.append(scalar)
        }
        flush()
        return .text(try rendering.made(result))
    }

    static let trim: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["chars"], of: "trim")[0] ?? .none
        let characters = given.isNone ? nil : try StringMethods.text(given, "what trim takes off")
        let (text, isMarkup) = try soft(item, &rendering)
        let result = try rendering.made(TextPieces.stripped(text, characters, .both))
        return isMarkup ? .markup(result) : .text(result)
    }

    static let replace: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["old", "new", "count"], of: "replace")
        guard let old = given[0], let new = given[1] else {
            throw TemplateError(.value, "replace wants what to replace and by what")
        }
        let limit = given[2].flatMap { $0.isNone ? nil : $0 }
        let count = try limit.map { item throws(TemplateError) in
            try StringMethods.integer(item, "the count")
        }
        return .text(
            try TextPieces.replaced(
                try item.printed(&rendering),
                try old.printed(&rendering),
                try new.printed(&rendering),
                count ?? -1,
                &rendering
            )
        )
    }

    static let center: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["width"], of: "center")
        let width = try StringMethods.integer(given[0] ?? .int(80), "the width")
        let (text, isMarkup) = try soft(item, &rendering)
        let result = try TextPieces.padded(text, width, " ", .both, &rendering)
        return isMarkup ? .markup(result) : .text(result)
    }

    static let indent: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["width", "first", "blank"], of: "indent")
        let text = try StringMethods.text(item, "what indent takes")
        let indention: String
        if let string = given[0]?.string {
            indention = string
        } else {
            let width = try StringMethods.integer(given[0] ?? .int(4), "the width")
            try rendering.check(length: width)
            indention = String(repeating: " ", count: max(0, width))
        }
        let indentsFirst = try given[1]?.isTrue(&rendering) ?? false
        let indentsBlank = try given[2]?.isTrue(&rendering) ?? false
        var bytes: [UInt8] = []
        for (index, line) in TextPieces.lines(text + "\n").enumerated() {
            if index > 0 { bytes.append(.newline) }
            let isIndented = index == 0 ? indentsFirst : indentsBlank || !line.isEmpty
            if isIndented { bytes += Array(indention.utf8) }
            bytes += Array(line.utf8)
            try rendering.check(length: bytes.count)
        }
        let result = try rendering.text(bytes)
        if case .markup = item { return .markup(result) }
        return .text(result)
    }

    static let truncate: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let names: StaticNames = ["length", "killwords", "end", "leeway"]
        let given = try arguments.bound(to: names, of: "truncate")
        let length = try StringMethods.integer(given[0] ?? .int(255), "the length")
        let killsWords = try given[1]?.isTrue(&rendering) ?? false
        let end = try StringMethods.text(given[2] ?? .text("..."), "the end")
        let room = given[3].flatMap { $0.isNone ? nil : $0 }
        let leeway = try StringMethods.integer(room ?? .int(5), "the leeway")
        let kept = length.subtractingReportingOverflow(end.unicodeScalars.count).partialValue
        guard kept >= 0, leeway >= 0 else {
            throw TemplateError(.value, "truncate's length is shorter than its end")
        }
        guard try item.length() > length.addingReportingOverflow(leeway).partialValue else {
            return item
        }
        let text = try StringMethods.text(item, "what truncate takes")
        let scalars = text.unicodeScalars
        var part = String(scalars.prefix(kept))
        if !killsWords, let space = part.utf8.lastIndex(of: 0x20) { part = String(part[..<space]) }
        return .text(try rendering.made(part + end))
    }

    static let wordwrap: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let names: StaticNames = ["width", "break_long_words", "wrapstring", "break_on_hyphens"]
        let given = try arguments.bound(to: names, of: "wordwrap")
        let width = try StringMethods.integer(given[0] ?? .int(79), "the width")
        guard width > 0 else { throw TemplateError(.value, "the width is more than 0") }
        let wrapper = TextWrapper(
            width: width,
            breaksLongWords: try given[1]?.isTrue(&rendering) ?? true,
            breaksOnHyphens: try given[3]?.isTrue(&rendering) ?? true
        )
        let separator = given[2].flatMap { $0.isNone ? nil : $0 }
        let mark = try StringMethods.text(separator ?? .text("\n"), "the wrapstring")
        var paragraphs: [String] = []
        for line in TextPieces.lines(try StringMethods.text(item, "what wordwrap takes")) {
            paragraphs.append(wrapper.lines(of: line).joined(separator: mark))
        }
        return .text(try rendering.made(paragraphs.joined(separator: mark)))
    }

    static let wordcount: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "wordcount")
        var (count, isInWord) = (0, false)
        for scalar in try item.printed(&rendering).unicodeScalars {
            let isWord = TextCase.isWord(scalar)
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return .int(count)
    }

    static let string: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "string")
        if case .markup = item { return item }
        return .text(try item.printed(&rendering))
    }

    static let format: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        guard arguments.positional.isEmpty || arguments.named.isEmpty else {
            throw TemplateError(.value, "format takes values or named values, not both")
        }
        let text = try item.printed(&rendering)
        if case .markup = item {
            throw TemplateError(.unsupported, "format of escaped text is not supported")
        }
        if arguments.named.isEmpty {
            let values = Item.tuple(try Elements(arguments.positional))
            return .text(try PrintfFormat.format(text, with: values, &rendering))
        }
        let pairs = arguments.named.map { (Item.text($0.name), $0.item) }
        let values = Item.dict(try ItemDict(pairs, &rendering))
        return .text(try PrintfFormat.format(text, with: values, &rendering))
    }

    // MARK: HTML, which prompts sometimes quote

    static let escape: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "escape")
        if case .markup = item { return item }
        return .markup(try rendering.made(HTMLEscape.escape(try item.printed(&rendering))))
    }

    static let forceEscape: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "forceescape")
        return .markup(try rendering.made(HTMLEscape.escape(try item.printed(&rendering))))
    }

    static let safe: TemplateFilters.Filter = { item, arguments, rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "safe")
        return .markup(try item.printed(&rendering))
    }

    static let stripTags: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "striptags")
        let text = try item.printed(&rendering)
        return .text(try rendering.made(try HTMLStripping.stripped(text)))
    }

    static let urlEncode: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        _ = try arguments.bound(to: [], of: "urlencode")
        if item.string != nil { return .text(try quoted(item, isQuery: false, &rendering)) }
        let pairs: [Item]
        if item.mapPairs != nil {
            pairs = try MapView(item, .items).items()
        } else if case .object = item {
            pairs = try ItemCursor.items(of: item, &rendering)
        } else if case .tuple(let elements) = item {
            pairs = elements.items
        } else if let items = item.listItems {
            pairs = items
        } else {
            return .text(try quoted(item, isQuery: false, &rendering))
        }
        var parts: [String] = []
        for pair in pairs {
            let both = try ItemCursor.items(of: pair, &rendering)
            guard both.count == 2 else {
                throw TemplateError(.value, "urlencode wants pairs of names and values")
            }
            let name = try quoted(both[0], isQuery: true, &rendering)
            parts.append("\(name)=\(try quoted(both[1], isQuery: true, &rendering))")
        }
        return .text(try rendering.made(parts.joined(separator: "&")))
    }

    private static func quoted(
        _ item: Item,
        isQuery: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        var bytes: [UInt8] = []
        for byte in try item.printed(&rendering).utf8 {
            let isPlain =
                (byte | 0x20) &- 0x61 < 26 || TemplateScanner.isDigit(byte)
                || "_.-~".utf8.contains(byte) || byte == UInt8(ascii: "/") && !isQuery
            if isPlain {
                bytes.append(byte)
            } else if byte == 0x20, isQuery {
                bytes.append(.plus)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [.percent, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return try rendering.text(bytes)
    }

    static let xmlAttributes: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        let given = try arguments.bound(to: ["autospace"], of: "xmlattr")
        let hasSpace = try given[0]?.isTrue(&rendering) ?? true
        guard let pairs = item.mapPairs else {
            throw TemplateError(.value, "xmlattr wants a map, not \(item.typeName)")
        }
        var parts: [String] = []
        for (key, value) in pairs where !value.isNone && !value.isUndefined {
            let name = try StringMethods.text(key, "an attribute's name")
            let forbidden = Set(" \t\n\r\u{B}\u{C}/>=".unicodeScalars)
            guard !name.unicodeScalars.contains(where: forbidden.contains) else {
                throw TemplateError(.value, "the name of an attribute has a space, /, > or = in it")
            }
            let text: String
            if case .markup(let escaped) = value {
                text = escaped
            } else {
                text = HTMLEscape.escape(try value.printed(&rendering))
            }
            parts.append("\(HTMLEscape.escape(name))=\"\(text)\"")
        }
        let result = parts.joined(separator: " ")
        return .text(try rendering.made(hasSpace && !result.isEmpty ? " " + result : result))
    }

    static let toJSON: TemplateFilters.Filter = {
        item,
        arguments,
        rendering throws(TemplateError) in
        try TemplateJSON.filter(item, arguments, &rendering)
    }
}

/// `striptags`: comments and tags out, entities for what they stand for, white space single.
enum HTMLStripping {
    static func stripped(_ text: String) throws(TemplateError) -> String {
        var bytes = without(Array(text.utf8), from: "<!--", to: "-->")
        bytes = without(bytes, from: "<", to: ">")
        let words = TextPieces.words(String(decoding: bytes, as: UTF8.self), -1, fromEnd: false)
        return try unescaped(words.joined(separator: " "))
    }

    private static func without(_ bytes: [UInt8], from start: String, to end: String) -> [UInt8] {
        let (start, end) = (Array(start.utf8), Array(end.utf8))
        var result: [UInt8] = []
        var index = 0
        while let found = ByteSearch.first(start, in: bytes, from: index),
            let close = ByteSearch.first(end, in: bytes, from: found)
        {
            result += bytes[index..<found]
            index = close + end.count
        }
        return result + bytes[index...]
    }

    private static let entities: [(name: String, text: String)] = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#34;", "\""),
        ("&nbsp;", "\u{A0}"), ("&apos;", "'"), ("&amp;", "&"),
    ]

    private static func unescaped(_ text: String) throws(TemplateError) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "&") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            if let entity = entities.first(where: { bytes[index...].starts(with: $0.name.utf8) }) {
                result += Array(entity.text.utf8)
                index += entity.name.utf8.count
                continue
            }
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if next == .hash || (next | 0x20) &- 0x61 < 26 {
                let reason = "striptags knows few of HTML's entities, and another one is there"
                throw TemplateError(.unsupported, reason)
            }
            result.append(bytes[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}
