/// What is known of the string that is being read.
struct StringRepair {
    var left: Unicode.Scalar = "\""
    var right: Unicode.Scalar = "\""
    /// The string begins with a letter or digit, not with a quote.
    var lacksQuotes = false
    var hasDoubledQuotes = false
    /// A quote inside opened a span that the next quote closes.
    var isInQuotedSpan = false
    /// A comma was followed by a bracket, which belongs to the string.
    var awaitsContainer = false
    /// Brackets that were opened inside of the string.
    var containers: [Unicode.Scalar] = []
    var hasNoLaterQuote = false
    /// How many spans in low quotes („…”) are open.
    var lowQuotes = 0
    /// What earlier looks ahead found, by what they looked for.
    var lookahead: [[Unicode.Scalar]: Lookahead] = [:]

    private(set) var content: [Unicode.Scalar] = []
    private(set) var openBraces = 0
    /// Where the last `[…` began that has not been closed.
    private(set) var classStart: Int?
    private var classHasSpace = false

    struct Lookahead {
        var start: Int
        /// Nil: nothing until the end.
        var match: Int?
    }

    /// The quote that would end what is open: none inside low quotes.
    var activeRight: Unicode.Scalar { lowQuotes > 0 ? "\0" : right }

    var endsWithBackslash: Bool { content.last == "\\" }

    /// Whether the content may be inside a regular expression's `[…]`.
    var isInCharacterClass: Bool { classStart != nil && !classHasSpace }

    mutating func append(_ scalar: Unicode.Scalar) {
        content.append(scalar)
        switch scalar {
        case "{": openBraces += 1
        case "}": if openBraces > 0 { openBraces -= 1 }
        case "[":
            classStart = content.count
            classHasSpace = false
        case "]": classStart = nil
        default: if scalar.isPythonSpace { classHasSpace = true }
        }
    }

    mutating func append(_ part: some Sequence<Unicode.Scalar>) {
        for scalar in part { append(scalar) }
    }

    /// Puts something else where the last backslash is.
    mutating func replaceBackslash(_ part: some Sequence<Unicode.Scalar>) {
        content.removeLast()
        append(part)
    }

    mutating func trimEnd() {
        while content.last?.isPythonSpace ?? false { content.removeLast() }
    }

    /// Follows brackets that belong to the string; whether this one does.
    mutating func takesBracket(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "{" || scalar == "[" {
            if awaitsContainer {
                containers.append(scalar)
                awaitsContainer = false
                return false
            }
            if !containers.isEmpty { containers.append(scalar) }
        }
        let closes =
            scalar == "}" && containers.last == "{" || scalar == "]" && containers.last == "["
        if closes { containers.removeLast() }
        return closes
    }
}

extension RepairParser {
    /// A string, or what stands where one is expected.
    mutating func parseString() throws(ValueFailure) -> PythonValue {
        if at() == "#" || at() == "/" {
            skipComment()
            return .string("")
        }
        while let scalar = at(), !isQuote(scalar), !scalar.isPythonLetterOrNumber { index += 1 }
        guard let first = at() else { return .string("") }
        if let simple = readSimpleString() { return .string(simple) }
        var state = StringRepair()
        switch first {
        case "'":
            state.left = "'"
            state.right = "'"
        case "\u{201C}":
            state.left = "\u{201C}"
            state.right = "\u{201D}"
        case _ where !isQuote(first):
            if context != .key, let literal = readLiteral() { return literal }
            state.lacksQuotes = true
        default: break
        }
        if !state.lacksQuotes { index += 1 }
        if at() == "`", let value = try parseFence() { return value }
        if at() == state.left, !startsBehindDoubledQuote(&state) { return .string("") }
        let end = try readBody(&state)
        return .string(finish(&state, at: end))
    }

    /// A string in double quotes without escapes and line ends, with what must follow behind it.
    private mutating func readSimpleString() -> String? {
        guard at() == "\"" else { return nil }
        var end = index + 1
        while end < text.count, text[end] != "\"" {
            if text[end] == "\\" || text[end] == "\n" || text[end] == "\r" { return nil }
            end += 1
            effort += 1
        }
        guard end < text.count else { return nil }
        let next = at(afterSpace(end + 1 - index))
        let isFollowed =
            switch context {
            case .key: next == ":"
            case .value: next == "," || next == "}" || next == nil
            case .array: next == "," || next == "]" || next == nil
            case nil: next == nil
            }
        guard isFollowed else { return nil }
        defer { index = end + 1 }
        return text[index + 1..<end].string
    }

    /// `true`, `false`, `null` or `none` in any case, complete.
    private mutating func readLiteral() -> PythonValue? {
        let words: [(String, PythonValue)] = [
            ("true", .bool(true)), ("false", .bool(false)), ("null", .none), ("none", .none),
        ]
        for (word, value) in words {
            let letters = word.unicodeScalars.enumerated()
            let isThere = letters.allSatisfy { place, letter in
                at(place).map { $0 == letter || $0.isASCII && $0.value | 0x20 == letter.value }
                    ?? false
            }
            guard isThere else { continue }
            let end = at(word.utf8.count)
            guard end.map({ $0.isPythonSpace || [",", ")", "]", "}"].contains($0) }) ?? true else {
                continue
            }
            index += word.utf8.count
            return value
        }
        return nil
    }

    /// What a code fence inside of a string encloses.
    private mutating func parseFence() throws(ValueFailure) -> PythonValue? {
        guard starts(0, "```json"), starts(find("`", from: 7), "```") else { return nil }
        index += 7
        let value = try parseValue()
        if case .bool(false) = value { return nil }
        return value
    }

    /// Decides what two quotes at the beginning mean; false where they are an empty string.
    private mutating func startsBehindDoubledQuote(_ state: inout StringRepair) -> Bool {
        let next = at(1)
        let isEmpty =
            switch context {
            case .key: next == ":"
            case .value: next == "," || next == "}"
            case .array: next == "," || next == "]"
            case nil: false
            }
        if isEmpty {
            index += 1
            return false
        }
        if next == state.left { return false }
        let close = find(state.right, from: 1)
        if at(close + 1) == state.right {
            state.hasDoubledQuotes = true
            index += 1
            return true
        }
        if at(close) == state.right {
            let outer = find(state.right, from: close + 1)
            let behind = at(afterSpace(outer + 1))
            if context == .value, !isSpace(until: close), at(outer) == state.right,
                behind == "," || behind == "}" || behind == nil
            {
                state.append(state.left)
                state.isInQuotedSpan = true
                index += 1
                return true
            }
        }
        let after = at(afterSpace(1))
        if isQuote(after) || after == "{" || after == "[" {
            index += 1
            return false
        }
        if after != ",", after != "]", after != "}" { index += 1 }
        return true
    }

    /// Ends the string where the body ended.
    private mutating func finish(_ state: inout StringRepair, at end: Unicode.Scalar?) -> String {
        if let end, state.lacksQuotes, context == .key, end.isPythonSpace {
            // A word where a key should be, with no colon behind it, is a remark.
            skipSpace()
            if at() != ":", at() != "," { return "" }
        }
        if end == state.right { index += 1 } else { state.trimEnd() }
        if state.lacksQuotes || state.content.last == "\n" { state.trimEnd() }
        return state.content.string
    }

    /// Whether only spaces stand between the next scalar and an offset.
    mutating func isSpace(until end: Int) -> Bool {
        guard end > 1 else { return true }
        for offset in 1..<end {
            effort += 1
            if let scalar = at(offset), !scalar.isPythonSpace { return false }
        }
        return true
    }

    /// `find` with a memory of what the string's earlier looks found.
    mutating func findAgain(
        _ targets: [Unicode.Scalar],
        from offset: Int,
        _ state: inout StringRepair
    ) -> Int {
        let start = index + offset
        if let known = state.lookahead[targets] {
            guard let match = known.match else {
                if start >= known.start { return text.count - index }
                return search()
            }
            if known.start <= start, start <= match { return match - index }
        }
        return search()

        func search() -> Int {
            let found = find(targets, from: offset)
            if at(found) == nil {
                state.lookahead[targets] = .init(start: start, match: nil)
            } else if index + found == 0 || text[index + found - 1] != "\\" {
                state.lookahead[targets] = .init(start: start, match: index + found)
            }
            return found
        }
    }
}
