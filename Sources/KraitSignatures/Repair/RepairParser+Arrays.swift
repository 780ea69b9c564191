extension RepairParser {
    /// An array whose opening bracket is behind the index; a missing end is where it must be.
    mutating func parseArray(until close: Unicode.Scalar = "]") throws(ValueFailure)
        -> [PythonValue]
    {
        let isValue = context == .value
        var items: [PythonValue] = []
        try deeper()
        defer { depth -= 1 }
        enter(.array)
        defer { leave() }
        while true {
            try checkEffort()
            skipSpaceAndComments()
            guard let scalar = at(), scalar != close, scalar != "}" else { break }
            if scalar == "," {
                index += 1
                continue
            }
            var item: PythonValue
            if isQuote(scalar) {
                if at(afterSpace(find(scalar, from: 1) + 1)) == ":" {
                    // A key: of an object without its brace, or of the object around the array.
                    let isFlat = items.allSatisfy { !$0.isContainer }
                    if isValue, !items.isEmpty, isFlat { return items }
                    item = try parseObject()
                } else {
                    item = try parseString()
                }
            } else {
                item = try parseValue()
            }
            if item.isEmptyContainer, at() != close, at() != "," {
                index += 1
            } else if case .string("...") = item, at(-1) == "." {
                continue
            } else {
                items.append(item)
            }
        }
        index += 1
        return items
    }

    // MARK: - Parentheses

    /// `(1, 2)` is a list; `(1)` is what is inside.
    mutating func parseParenthesis() throws(ValueFailure) -> PythonValue {
        let isTuple = isTupleAhead()
        index += 1
        let items = try parseArray(until: ")")
        return isTuple || items.count != 1 ? .list(items) : items[0]
    }

    /// Follows brackets and quotes from one place on.
    private struct Nesting {
        var parentheses = 0
        var brackets = 0
        var braces = 0
        var quote: Unicode.Scalar?
        var backslashes = 0

        var isFlat: Bool { parentheses == 0 && brackets == 0 && braces == 0 }

        /// Takes what belongs to strings; whether it did.
        mutating func takesQuoted(_ scalar: Unicode.Scalar) -> Bool {
            if scalar == "\\" {
                backslashes += 1
                return true
            }
            defer { backslashes = 0 }
            if let quote {
                if scalar == quote, backslashes % 2 == 0 { self.quote = nil }
                return true
            }
            guard backslashes % 2 == 0, RepairParser.quotes.contains(scalar) else { return false }
            quote = scalar
            return true
        }

        mutating func takeBracket(_ scalar: Unicode.Scalar) {
            switch scalar {
            case "[": brackets += 1
            case "]": brackets -= brackets > 0 ? 1 : 0
            case "{": braces += 1
            case "}": braces -= braces > 0 ? 1 : 0
            default: break
            }
        }
    }

    /// Whether the parenthesis at the index is empty or has a comma of its own.
    private mutating func isTupleAhead() -> Bool {
        var nesting = Nesting()
        var hasContent = false
        for scalar in text[min(index + 1, text.count)...] {
            effort += 1
            let wasQuoted = nesting.quote != nil
            if nesting.takesQuoted(scalar) {
                if !wasQuoted, nesting.quote != nil, nesting.isFlat { hasContent = true }
                continue
            }
            if nesting.isFlat, !scalar.isPythonSpace, scalar != ",", scalar != ")" {
                hasContent = true
            }
            switch scalar {
            case "(": nesting.parentheses += 1
            case ")":
                if nesting.isFlat { return !hasContent }
                if nesting.parentheses > 0 { nesting.parentheses -= 1 }
            case "," where nesting.isFlat: return true
            default: nesting.takeBracket(scalar)
            }
        }
        return !hasContent
    }

    /// Whether a parenthesis in plain text is a value: alone in its line, with something inside
    /// that looks like data.
    mutating func parenthesisBeginsValue() -> Bool {
        var place = index - 1
        while place >= 0, text[place] != "\n", text[place] != "\r" {
            guard text[place].isPythonSpace else { return false }
            place -= 1
            effort += 1
        }
        let inside = afterSpace(1)
        guard let first = at(inside) else { return false }
        let looksLikeData =
            [")", "{", "[", "(", "-", "."].contains(first) || isQuote(first)
            || first.isPythonDigit
            || ["true", "null", "none", "false"].contains { startsAnyCase(inside, $0) }
        return looksLikeData && parenthesisEndsLine()
    }

    private func startsAnyCase(_ offset: Int, _ word: String) -> Bool {
        word.unicodeScalars.enumerated().allSatisfy { place, letter in
            at(offset + place).map { $0 == letter || $0.value | 0x20 == letter.value } ?? false
        }
    }

    private mutating func parenthesisEndsLine() -> Bool {
        var nesting = Nesting()
        var place = index
        while place + 1 < text.count {
            place += 1
            effort += 1
            let scalar = text[place]
            if nesting.takesQuoted(scalar) { continue }
            switch scalar {
            case "(": nesting.parentheses += 1
            case ")":
                guard nesting.isFlat else {
                    nesting.parentheses -= 1
                    continue
                }
                for trailer in text[(place + 1)...] {
                    if trailer == "\n" || trailer == "\r" { return true }
                    if !trailer.isPythonSpace { return false }
                    effort += 1
                }
                return true
            default: nesting.takeBracket(scalar)
            }
        }
        return true
    }
}

extension PythonValue {
    fileprivate var isContainer: Bool {
        switch self {
        case .list, .dict: true
        default: false
        }
    }

    /// Whether it is text or a container with nothing in it.
    fileprivate var isEmptyContainer: Bool {
        switch self {
        case .string, .list, .dict: !isTrue
        default: false
        }
    }
}
