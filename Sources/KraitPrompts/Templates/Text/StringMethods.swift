/// The methods of text that a template may call.
enum StringMethods {
    static let unsupported: Set<String> = [
        "encode", "decode", "expandtabs", "format", "format_map", "isascii", "isidentifier",
        "isprintable", "istitle", "maketrans", "translate",
    ]

    static func method(_ name: String, of text: String) -> Item.Method? {
        switch name {
        case "upper": plain(name) { TextCase.upper(text) }
        case "lower", "casefold": name == "lower" ? plain(name) { TextCase.lower(text) } : nil
        case "capitalize": plain(name) { TextCase.capitalized(text) }
        case "title": plain(name) { TextCase.titled(text) }
        case "swapcase": plain(name) { TextCase.swapped(text) }
        case "isupper": asking(name) { TextCase.isAll(upper: true, text) }
        case "islower": asking(name) { TextCase.isAll(upper: false, text) }
        case "isalpha": asking(name) { all(text, TextCase.isAlpha) }
        case "isdigit": asking(name) { all(text, TextCase.isDigit) }
        case "isdecimal": asking(name) { all(text, TextCase.isDecimal) }
        case "isnumeric": asking(name) { all(text, TextCase.isNumeric) }
        case "isalnum":
            asking(name) { all(text) { TextCase.isAlpha($0) || TextCase.isNumeric($0) } }
        case "isspace": asking(name) { all(text, TemplateSpace.isSpace) }
        case "strip": stripping(name, text, .both)
        case "lstrip": stripping(name, text, .start)
        case "rstrip": stripping(name, text, .end)
        case "startswith", "endswith": edge(name, text)
        case "removeprefix", "removesuffix": removing(name, text)
        case "split", "rsplit": splitting(name, text)
        case "splitlines": lines(text)
        case "partition", "rpartition": partition(name, text)
        case "replace": replacing(text)
        case "join": joining(text)
        case "find", "rfind", "index", "rindex": finding(name, text)
        case "count": counting(text)
        case "center", "ljust", "rjust": padding(name, text)
        case "zfill": zeroFilling(text)
        default: nil
        }
    }

    private static func plain(_ name: String, _ body: @escaping () -> String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            _ = try arguments.bound(to: [], of: name)
            return .text(try rendering.made(body()))
        }
    }

    private static func asking(_ name: String, _ body: @escaping () -> Bool) -> Item.Method {
        { arguments, _ throws(TemplateError) in
            _ = try arguments.bound(to: [], of: name)
            return .bool(body())
        }
    }

    private static func all(_ text: String, _ holds: (Unicode.Scalar) -> Bool) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy(holds)
    }

    static func text(_ item: Item?, _ what: String) throws(TemplateError) -> String {
        guard let item else { throw TemplateError(.value, "\(what) is missing") }
        if case .undefined(let missing) = item { throw missing.failure }
        guard let text = item.string else {
            throw TemplateError(.value, "\(what) is text, not \(item.typeName)")
        }
        return text
    }

    static func integer(_ item: Item, _ what: String) throws(TemplateError) -> Int {
        if case .undefined(let missing) = item { throw missing.failure }
        guard let number = item.wholeNumber else {
            throw TemplateError(.value, "\(what) is an integer, not \(item.typeName)")
        }
        return Int(clamping: number)
    }

    private static func stripping(
        _ name: String,
        _ text: String,
        _ side: TextPieces.Side
    ) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["chars"], of: name)[0] ?? .none
            let characters = given.isNone ? nil : try Self.text(given, "what \(name) takes off")
            return .text(try rendering.made(TextPieces.stripped(text, characters, side)))
        }
    }

    private static func edge(_ name: String, _ text: String) -> Item.Method {
        { arguments, _ throws(TemplateError) in
            let given = try arguments.bound(to: ["prefix"], of: name)[0]
            var parts: [String] = []
            if case .tuple(let elements) = given {
                for item in elements.items { parts.append(try Self.text(item, "each of them")) }
            } else {
                parts = [try Self.text(given, "what \(name) looks for")]
            }
            let bytes = Array(text.utf8)
            let holds = parts.contains { part in
                name == "startswith"
                    ? bytes.starts(with: part.utf8)
                    : bytes.reversed().starts(with: part.utf8.reversed())
            }
            return .bool(holds)
        }
    }

    private static func removing(_ name: String, _ text: String) -> Item.Method {
        { arguments, _ throws(TemplateError) in
            let part = try Self.text(try arguments.bound(to: ["part"], of: name)[0], "the part")
            let bytes = Array(text.utf8)
            guard !part.isEmpty else { return .text(text) }
            if name == "removeprefix" {
                guard bytes.starts(with: part.utf8) else { return .text(text) }
                return .text(String(decoding: bytes[part.utf8.count...], as: UTF8.self))
            }
            guard bytes.reversed().starts(with: part.utf8.reversed()) else { return .text(text) }
            return .text(String(decoding: bytes.dropLast(part.utf8.count), as: UTF8.self))
        }
    }

    private static func splitting(_ name: String, _ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["sep", "maxsplit"], of: name)
            let limit = try given[1].map { item throws(TemplateError) in
                try Self.integer(item, "maxsplit")
            }
            let separator = given[0] ?? .none
            let pieces: [String]
            if separator.isNone {
                pieces = TextPieces.words(text, limit ?? -1, fromEnd: name == "rsplit")
            } else {
                let mark = try Self.text(separator, "the separator")
                guard !mark.isEmpty else { throw TemplateError(.value, "the separator is empty") }
                pieces = TextPieces.split(text, mark, limit ?? -1, fromEnd: name == "rsplit")
            }
            return try Self.list(pieces, text, &rendering)
        }
    }

    private static func list(
        _ pieces: [String],
        _ text: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        try rendering.spend(pieces.count)
        try rendering.count(scalarsOf: text)
        return try .list(of: pieces.map { .text($0) })
    }

    private static func lines(_ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let keeps = try arguments.bound(to: ["keepends"], of: "splitlines")[0]
            let keepsEnds = try keeps?.isTrue(&rendering) ?? false
            let lines = TextPieces.lines(text, keepsEnds: keepsEnds)
            return try list(lines, text, &rendering)
        }
    }

    private static func partition(_ name: String, _ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["sep"], of: name)[0]
            let mark = try Self.text(given, "the separator")
            guard !mark.isEmpty else { throw TemplateError(.value, "the separator is empty") }
            let bytes = Array(text.utf8)
            let part = Array(mark.utf8)
            let found =
                name == "partition"
                ? ByteSearch.first(part, in: bytes, from: 0) : ByteSearch.last(part, in: bytes)
            try rendering.count(scalarsOf: text)
            guard let found else {
                let pieces = name == "partition" ? [text, "", ""] : ["", "", text]
                return .tuple(try Elements(pieces.map { .text($0) }))
            }
            let before = String(decoding: bytes[..<found], as: UTF8.self)
            let after = String(decoding: bytes[(found + part.count)...], as: UTF8.self)
            return .tuple(try Elements([.text(before), .text(mark), .text(after)]))
        }
    }

    private static func replacing(_ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["old", "new", "count"], of: "replace")
            let limit = try given[2].map { item throws(TemplateError) in
                try Self.integer(item, "count")
            }
            return .text(
                try TextPieces.replaced(
                    text,
                    try Self.text(given[0], "what is replaced"),
                    try Self.text(given[1], "what replaces it"),
                    limit ?? -1,
                    &rendering
                )
            )
        }
    }

    private static func joining(_ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            guard let over = try arguments.bound(to: ["iterable"], of: "join")[0] else {
                throw TemplateError(.value, "join wants what to join")
            }
            var pieces: [String] = []
            var length = 0
            for item in try ItemCursor.items(of: over, &rendering) {
                let piece = try Self.text(item, "each part")
                length += piece.utf8.count + text.utf8.count
                try rendering.check(length: length)
                pieces.append(piece)
            }
            return .text(try rendering.made(pieces.joined(separator: text)))
        }
    }

    private static func finding(_ name: String, _ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["sub"], of: name)[0]
            let part = Array(try Self.text(given, "what \(name) looks for").utf8)
            let bytes = Array(text.utf8)
            let found =
                name.hasPrefix("r")
                ? ByteSearch.last(part, in: bytes) : ByteSearch.first(part, in: bytes, from: 0)
            try rendering.count(scalarsOf: text)
            guard let found else {
                guard name.hasSuffix("index") else { return .int(-1) }
                throw TemplateError(.value, "\(name): the text is not in the other")
            }
            return .int(bytes[..<found].count { $0 & 0xC0 != 0x80 })
        }
    }

    private static func counting(_ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["sub"], of: "count")[0]
            let part = Array(try Self.text(given, "what is counted").utf8)
            try rendering.count(scalarsOf: text)
            guard !part.isEmpty else { return .int(text.unicodeScalars.count + 1) }
            let bytes = Array(text.utf8)
            var (count, start) = (0, 0)
            while let found = ByteSearch.first(part, in: bytes, from: start) {
                count += 1
                start = found + part.count
            }
            return .int(count)
        }
    }

    private static func padding(_ name: String, _ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["width", "fillchar"], of: name)
            let width = try Self.integer(given[0] ?? .none, "the width")
            let fill = try given[1].map { item throws(TemplateError) in
                try Self.text(item, "what fills it")
            }
            let side: TextPieces.Side =
                name == "center" ? .both : name == "ljust" ? .end : .start
            return .text(try TextPieces.padded(text, width, fill ?? " ", side, &rendering))
        }
    }

    private static func zeroFilling(_ text: String) -> Item.Method {
        { arguments, rendering throws(TemplateError) in
            let given = try arguments.bound(to: ["width"], of: "zfill")
            let width = try Self.integer(given[0] ?? .none, "the width")
            let isSigned = text.utf8.first == .minus || text.utf8.first == .plus
            let (sign, digits) =
                isSigned ? (String(text.prefix(1)), String(text.dropFirst())) : ("", text)
            let rest = isSigned ? max(0, width - 1) : width
            return .text(sign + (try TextPieces.padded(digits, rest, "0", .start, &rendering)))
        }
    }
}
