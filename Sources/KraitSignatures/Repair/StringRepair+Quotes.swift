extension RepairParser {
    /// What a quote that could end the string is: its end, a part of it, or undecided.
    ///
    /// Undecided, it ends the string in the next turn.
    mutating func meaningOfQuote(_ state: inout StringRepair) -> Role {
        if state.hasDoubledQuotes, at(1) == state.right {
            index += 1
            return .belongs
        }
        if state.lacksQuotes, context == .value { return quoteBehindBareWord(state) }
        if state.isInQuotedSpan {
            state.isInQuotedSpan = false
            return belongs(&state)
        }
        let (offset, next) = nextMark(state)
        if next == ",", context == .value {
            let close = find(state.right, from: offset + 1)
            let behind = at(afterSpace(close + 1))
            return behind == "}" || behind == "," ? belongs(&state) : .isContent
        }
        guard next == state.right, at(offset - 1) != "\\" else { return .isContent }
        let isMember = context == .value
        if isSpace(until: offset), !(isMember && memberFollows(offset)) { return .ends }
        switch context {
        case .value:
            if memberFollows(offset) || !keyFollows(offset, state) {
                if !memberFollows(offset) { state.isInQuotedSpan.toggle() }
                return belongs(&state)
            }
            return .isContent
        case .array:
            guard quotesArePaired(offset, state) else { return .ends }
            state.isInQuotedSpan.toggle()
            return belongs(&state)
        case .key: return belongs(&state)
        case nil: return .isContent
        }
    }

    private mutating func belongs(_ state: inout StringRepair) -> Role {
        if let scalar = at() { _ = keep(scalar, &state) }
        return .belongs
    }

    /// A quote behind a word without quotes: it may begin the next key.
    private mutating func quoteBehindBareWord(_ state: StringRepair) -> Role {
        var offset = 1
        while let scalar = at(offset), scalar != state.right, scalar != state.left {
            offset += 1
            effort += 1
        }
        guard at(offset) != nil, at(afterSpace(offset + 1)) == ":" else { return .isContent }
        index -= 1
        return .ends
    }

    /// The next quote, or what ends a container that is open.
    private mutating func nextMark(
        _ state: StringRepair
    ) -> (offset: Int, scalar: Unicode.Scalar?) {
        var offset = 1
        var commaCounts = context == .value
        while let scalar = at(offset), scalar != state.right, scalar != state.left {
            effort += 1
            if scalar.isPythonLetter { commaCounts = false }
            let ends =
                switch scalar {
                case ":": isInside(.key)
                case "}": isInside(.key) || isInside(.value)
                case "]": isInside(.array)
                case ",": isInside(.array) || commaCounts
                default: false
                }
            if ends { break }
            offset += 1
        }
        return (offset, at(offset))
    }

    /// Whether a colon comes behind the next quoted part.
    private mutating func keyFollows(_ offset: Int, _ state: StringRepair) -> Bool {
        var offset = find(state.right, from: offset + 1) + 1
        while let scalar = at(offset), scalar != ":" {
            effort += 1
            if scalar == "," || scalar == "]" || scalar == "}" { return false }
            if scalar == state.right, at(offset - 1) != "\\" { return false }
            offset += 1
        }
        return at(offset) == ":"
    }

    /// Whether quotes come in pairs until the array ends.
    private mutating func quotesArePaired(_ offset: Int, _ state: StringRepair) -> Bool {
        var offset = offset
        while at(offset) == state.right {
            offset = find([state.right, "]"], from: offset + 1)
            if at(offset) != state.right { return false }
            offset = find([state.right, "]"], from: offset + 1)
        }
        return true
    }

    // MARK: - What follows

    static func closing(_ scalar: Unicode.Scalar?) -> Unicode.Scalar? {
        switch scalar {
        case "[": "]"
        case "{": "}"
        case "(": ")"
        default: nil
        }
    }

    private static func matching(_ quote: Unicode.Scalar) -> Unicode.Scalar {
        quote == "\u{201C}" ? "\u{201D}" : quote
    }

    /// The offset behind a word of letters, digits, `_` and `-`.
    private mutating func afterWord(_ offset: Int) -> Int {
        var offset = offset
        while let scalar = at(offset),
            scalar.isPythonLetterOrNumber || scalar == "_" || scalar == "-"
        {
            offset += 1
            effort += 1
        }
        return offset
    }

    /// Whether a bare word with a colon stands there.
    mutating func bareKeyIsFollowed(_ offset: Int) -> Bool {
        guard let first = at(offset), first.isPythonLetterOrNumber || first == "_" else {
            return false
        }
        return at(afterSpace(afterWord(offset))) == ":"
    }

    /// Whether a comma and a member come behind the quote there.
    private mutating func memberFollows(_ quote: Int) -> Bool {
        let comma = afterSpace(quote + 1)
        return at(comma) == "," && memberStarts(afterComments(comma + 1))
    }

    private mutating func memberStarts(_ offset: Int) -> Bool {
        guard let first = at(offset), first != "}" else { return false }
        guard isQuote(first) else { return bareKeyIsFollowed(offset) }
        let close = Self.matching(first)
        let end = find(close, from: offset + 1)
        return at(end) == close && at(afterSpace(end + 1)) == ":"
    }

    /// The offset behind spaces and comments.
    private mutating func afterComments(_ offset: Int) -> Int {
        var offset = afterSpace(offset)
        while let scalar = at(offset), scalar == "#" || scalar == "/" {
            let isLine = scalar == "#" || at(offset + 1) == "/"
            guard isLine || at(offset + 1) == "*" else { return offset }
            offset += scalar == "#" ? 0 : 2
            if isLine {
                while let scalar = at(offset), scalar != "\n", scalar != "\r" {
                    offset += 1
                    effort += 1
                }
            } else {
                while at(offset) != "*" || at(offset + 1) != "/" {
                    guard at(offset) != nil else { return offset }
                    offset += 1
                    effort += 1
                }
                offset += 2
            }
            offset = afterSpace(offset)
        }
        return offset
    }

    // MARK: - Brackets in text

    /// The offset behind a balanced bracket, or nil where it does not close.
    mutating func containerEnd(_ offset: Int) -> Int? {
        guard let first = Self.closing(at(offset)) else { return offset }
        var open = [first]
        var offset = offset + 1
        while let scalar = at(offset) {
            effort += 1
            if isQuote(scalar) {
                let close = Self.matching(scalar)
                offset = find(close, from: offset + 1)
                guard at(offset) == close else { return nil }
            } else if let close = Self.closing(scalar), nestedStarts(offset) {
                open.append(close)
            } else if scalar == open.last {
                open.removeLast()
                if open.isEmpty { return offset + 1 }
            }
            offset += 1
        }
        return nil
    }

    /// Whether a bracket inside of brackets is a value rather than text.
    private mutating func nestedStarts(_ offset: Int) -> Bool {
        var before = offset - 1
        while before >= 0, let scalar = at(before), scalar.isPythonSpace {
            before -= 1
            effort += 1
        }
        guard before >= 0, let previous = at(before) else { return true }
        if Self.closing(previous) != nil { return true }
        guard previous == "," || previous == ":" else { return false }
        let inside = afterSpace(offset + 1)
        let next = at(inside)
        guard at(offset) == "{" else {
            return isQuote(next) || Self.closing(next) != nil || next?.isPythonDigit ?? false
                || ["]", ")", "-", "t", "f", "n"].contains(next)
        }
        if next == "}" || isQuote(next) { return true }
        return previous == ":" && bareKeyIsFollowed(inside)
    }

    /// Whether a brace before a code fence belongs to the string around both.
    mutating func fenceBelongs(_ fence: Int, _ state: inout StringRepair) -> Bool {
        var from = fence + 3
        var hasContainer = false
        let content = afterComments(from)
        if Self.closing(at(content)) != nil, let end = containerEnd(content) {
            if containerPrecedesMember(end) { return false }
            hasContainer = true
            from = end
        }
        var quote = find(state.right, from: from)
        while at(quote) == state.right {
            switch at(afterSpace(quote + 1)) {
            case ",", "}", "]", nil:
                if hasContainer { state.awaitsContainer = true }
                return true
            default: quote = find(state.right, from: quote + 1)
            }
        }
        return false
    }

    private mutating func containerPrecedesMember(_ end: Int) -> Bool {
        let offset = afterSpace(end)
        guard at(offset) == "," else { return at(offset) == "}" || at(offset) == nil }
        let member = afterComments(offset + 1)
        return at(member) == "}" || at(member) == nil || memberStarts(member)
    }
}

extension RepairParser {
    /// What a comma in a member's text is.
    enum Comma { case member, text, textToTheEnd, container }

    mutating func meaningOfComma(_ state: inout StringRepair) -> Comma {
        let start = afterSpace(1)
        guard let next = at(start), next != "}" else { return .member }
        if isQuote(next) {
            let end = find(next, from: start + 1)
            guard at(end) != nil else { return .text }
            return at(afterSpace(end + 1)) == ":" ? .member : .text
        }
        if next == "`" {
            return at(afterSpace(afterWord(start + 1))) == ":" ? .member : .text
        }
        if next.isPythonLetterOrNumber || next == "_" {
            let colon = afterSpace(afterWord(start))
            if at(colon) == ":", bareMemberHasValue(colon + 1, &state) { return .member }
        }
        if next == "{" || next == "[" { return .container }
        let mark = findAgain(Self.quotes + ["{", "["], from: start, &state)
        guard let special = at(mark) else { return .textToTheEnd }
        if special == "{" || special == "[" { return .text }
        let end = findAgain([special], from: mark + 1, &state)
        guard at(end) != nil else { return .text }
        return at(afterSpace(end + 1)) == ":" ? .member : .text
    }

    /// Whether what follows a bare key's colon can be read as its value.
    private mutating func bareMemberHasValue(_ offset: Int, _ state: inout StringRepair) -> Bool {
        let start = afterSpace(offset)
        if let first = at(start) {
            if isQuote(first) || first == "{" || first == "[" || first == "-" { return true }
            if first.isPythonDigit { return true }
        }
        for word in ["true", "false", "null"] where starts(start, word) {
            switch at(start + word.utf8.count) {
            case nil, ",", "}", "]": return true
            case let end?: if end.isPythonSpace { return true }
            }
        }
        return at(findAgain(Self.quotes + ["}"], from: start, &state)) == "}"
    }
}
