extension RepairParser {
    /// Reads the string until it ends; the scalar that ended it, or nil at the text's end.
    mutating func readBody(_ state: inout StringRepair) throws(ValueFailure) -> Unicode.Scalar? {
        var current = at()
        while let scalar = current, scalar != state.right || state.lowQuotes > 0 {
            try checkEffort()
            if endsBareWord(scalar, state) { break }
            if keepsLowQuote(scalar, &state) || keepsContainer(scalar, &state) {
                current = at()
                continue
            }
            if context == .value, scalar == ",", !state.awaitsContainer, state.containers.isEmpty {
                guard keepsComma(&state) else { break }
                current = keep(scalar, &state)
                continue
            }
            if state.takesBracket(scalar) {
                current = keep(scalar, &state)
                continue
            }
            if scalar == "}", context == .value {
                switch closingBrace(&state) {
                case .ends: return at()
                case .belongs:
                    current = keep(at() ?? scalar, &state)
                    continue
                case .isContent: break
                }
            }
            if scalar == "]", isInside(.array), state.content.last != state.right,
                at(find(state.right, from: 0)) == nil
            {
                break
            }
            if scalar == "}", context == .value {
                switch braceBeforeFence(&state) {
                case .ends: return at()
                case .belongs:
                    current = keep(scalar, &state)
                    continue
                case .isContent: break
                }
            }
            state.append(scalar)
            index += 1
            current = at()
            guard let next = current else { break }
            if state.endsWithBackslash, try readEscape(next, &state) {
                current = at()
                continue
            }
            switch try atQuoteOrColon(next, &state) {
            case .ends: return at()
            case .belongs: current = at()
            case .isContent: break
            }
        }
        return current
    }

    /// What a scalar is to the string.
    enum Role {
        /// The string ends before it.
        case ends
        /// It was taken.
        case belongs
        /// Nothing special.
        case isContent
    }

    mutating func keep(_ scalar: Unicode.Scalar, _ state: inout StringRepair) -> Unicode.Scalar? {
        state.append(scalar)
        index += 1
        return at()
    }

    private func endsBareWord(_ scalar: Unicode.Scalar, _ state: StringRepair) -> Bool {
        guard state.lacksQuotes else { return false }
        return context == .key && (scalar == ":" || scalar.isPythonSpace)
            || context == .array && (scalar == "]" || scalar == ",")
    }

    private mutating func keepsLowQuote(
        _ scalar: Unicode.Scalar,
        _ state: inout StringRepair
    ) -> Bool {
        if scalar == "\u{201E}", !state.endsWithBackslash {
            state.lowQuotes += 1
        } else if scalar == "\u{201D}", state.lowQuotes > 0 {
            state.lowQuotes -= 1
        } else {
            return false
        }
        _ = keep(scalar, &state)
        return true
    }

    /// Takes a whole bracket that belongs to the string.
    private mutating func keepsContainer(
        _ scalar: Unicode.Scalar,
        _ state: inout StringRepair
    ) -> Bool {
        guard Self.closing(scalar) != nil, !state.endsWithBackslash else { return false }
        let isObject =
            context == .value && scalar == "{" && at(-1) != "\\"
            && bareKeyIsFollowed(afterSpace(1))
        guard state.awaitsContainer || isObject, let end = containerEnd(0) else { return false }
        state.awaitsContainer = false
        state.containers = []
        state.append(part(index, index + end))
        index += end
        return true
    }

    /// Whether a comma belongs to a member's text rather than ending the member.
    private mutating func keepsComma(_ state: inout StringRepair) -> Bool {
        let meaning = state.hasNoLaterQuote ? .text : meaningOfComma(&state)
        if meaning == .member { return false }
        if meaning == .textToTheEnd { state.hasNoLaterQuote = true }
        state.awaitsContainer = meaning == .container
        return true
    }

    /// A closing brace in a member's text.
    private mutating func closingBrace(_ state: inout StringRepair) -> Role {
        guard state.content.last != state.right else { return .isContent }
        if state.openBraces > 0 { return .belongs }
        var lacksQuote = true
        skipSpace()
        if at(1) == "\\" { lacksQuote = false }
        var offset = findAgain([state.right], from: 1, &state)
        if at(offset) != nil {
            offset = afterSpace(offset + 1)
            if at(offset) == nil || at(offset) == "," || at(offset) == "}" {
                lacksQuote = false
            } else {
                offset = find(state.left, from: offset)
                if at(offset) == nil {
                    lacksQuote = false
                } else {
                    let next = at(afterSpace(offset + 1))
                    if next != nil, next != ":" { lacksQuote = false }
                }
            }
        } else {
            if at(find(":", from: 1)) != nil { return .ends }
            offset = afterSpace(1)
            if find("}", from: offset) - offset > 1 { lacksQuote = false }
        }
        return lacksQuote ? .ends : .isContent
    }

    /// A closing brace that a code fence or nothing at all follows.
    private mutating func braceBeforeFence(_ state: inout StringRepair) -> Role {
        let offset = afterSpace(1)
        guard at(offset) != nil else { return .ends }
        guard starts(offset, "```") else { return .isContent }
        return fenceBelongs(offset, &state) ? .belongs : .ends
    }

    /// What comes next after content was taken: a colon in a key, or a quote that may be inside.
    private mutating func atQuoteOrColon(
        _ next: Unicode.Scalar,
        _ state: inout StringRepair
    ) throws(ValueFailure) -> Role {
        if next == ":", !state.lacksQuotes, context == .key {
            let quote = find(state.left, from: 1)
            guard at(quote) != nil else { return .ends }
            let close = find(state.right, from: quote + 1)
            if at(close) != nil {
                let behind = at(afterSpace(close + 1))
                if behind == "," || behind == "}" { return .ends }
            }
        }
        if state.lowQuotes > 0, next == "\"" {
            state.lowQuotes -= 1
            _ = keep(next, &state)
            return .belongs
        }
        guard next == state.right else { return .isContent }
        if context == .value, state.isInCharacterClass, at(find("]", from: 1)) == "]" {
            _ = keep(next, &state)
            return .belongs
        }
        guard !state.content.isEmpty, !state.endsWithBackslash else { return .isContent }
        return meaningOfQuote(&state)
    }

    /// Turns an escape behind the backslash that was just taken into what it means.
    private mutating func readEscape(
        _ scalar: Unicode.Scalar,
        _ state: inout StringRepair
    ) throws(ValueFailure) -> Bool {
        let active = state.activeRight
        if state.lowQuotes > 0, scalar == "\"" {
            state.replaceBackslash([scalar])
            state.lowQuotes -= 1
            index += 1
            return true
        }
        if scalar == "\\", readBackslashes(&state) { return true }
        if scalar == active || ["t", "n", "r", "b", "\\"].contains(scalar) {
            let meaning: Unicode.Scalar =
                switch scalar {
                case "t": "\t"
                case "n": "\n"
                case "r": "\r"
                case "b": "\u{8}"
                default: scalar
                }
            state.replaceBackslash([meaning])
            index += 1
            while let next = at(), state.endsWithBackslash, next == active || next == "\\" {
                state.replaceBackslash([next])
                index += 1
            }
            return true
        }
        if scalar == "u" || scalar == "x" {
            let count = scalar == "u" ? 4 : 2
            let digits = part(index + 1, index + 1 + count)
            let values = digits.map { $0.isASCII ? Ascii.value(UInt8($0.value)) : 255 }
            guard digits.count == count, values.allSatisfy({ $0 < 16 }) else { return false }
            let code = values.reduce(UInt32(0)) { $0 << 4 | UInt32($1) }
            guard let meaning = Unicode.Scalar(code) else { throw .delegated(.surrogate) }
            state.replaceBackslash([meaning])
            index += 1 + count
            return true
        }
        if scalar == "\u{201E}" || isQuote(scalar) && scalar != active {
            state.replaceBackslash([scalar])
            index += 1
            return true
        }
        return false
    }

    /// An even run of backslashes is half as many, unless a quote behind it may go on.
    private mutating func readBackslashes(_ state: inout StringRepair) -> Bool {
        let start = index - 1
        var end = index + 1
        while end < text.count, text[end] == "\\" {
            end += 1
            effort += 1
        }
        guard (end - start) % 2 == 0 else { return false }
        if at(end - index) == state.activeRight {
            switch at(afterSpace(end - index + 1)) {
            case ",", ":", "}", "]", nil: break
            default: return false
            }
        }
        state.replaceBackslash(repeatElement("\\", count: (end - start) / 2))
        index = end
        return true
    }
}
