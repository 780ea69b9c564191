extension RepairParser {
    /// Everything in the text: one value, or a list where several stand beside each other.
    mutating func parseAll() throws(ValueFailure) -> PythonValue {
        let first = try parseTopLevel()
        guard index < text.count else { return first }
        var found = [first]
        while index < text.count {
            leaveAll()
            deferred = []
            let isListed = isAfterOrBeforeComma()
            let value = try parseTopLevel()
            try checkEffort()
            guard value.isTrue else {
                index += 1
                continue
            }
            // An object that comes again is a later version of the same.
            let last = found[found.count - 1]
            if !isListed && last.hasShape(of: value) || !last.isTrue { found.removeLast() }
            found.append(value)
        }
        return found.count == 1 ? found[0] : .list(found)
    }

    private mutating func parseTopLevel() throws(ValueFailure) -> PythonValue {
        comments = 0
        depth = 0
        return try parseValue()
    }

    private mutating func isAfterOrBeforeComma() -> Bool {
        if at(afterSpace()) == "," { return true }
        var place = index - 1
        while place >= 0, text[place].isPythonSpace {
            place -= 1
            effort += 1
        }
        return place >= 0 && text[place] == ","
    }

    /// The next value: what cannot begin one is passed over.
    ///
    /// At the text's end it is an empty string.
    mutating func parseValue() throws(ValueFailure) -> PythonValue {
        try deeper()
        defer { depth -= 1 }
        if !deferred.isEmpty {
            let late = deferred
            deferred = []
            for context in late { enter(context) }
            defer { for _ in late { leave() } }
            return try parseValue()
        }
        var mayLackBrace = index == 0 && contexts.isEmpty
        while let scalar = at() {
            try checkEffort()
            switch scalar {
            case "{", "[":
                if let value = try parseStrictRest() { return value }
                index += 1
                return scalar == "{" ? try parseObject() : .list(try parseArray())
            case "(" where !contexts.isEmpty || parenthesisBeginsValue():
                return try parseParenthesis()
            case _ where !contexts.isEmpty && (isQuote(scalar) || scalar.isPythonLetter):
                return try parseString()
            case _
            where !contexts.isEmpty && (scalar.isPythonDigit || scalar == "-" || scalar == "."):
                return try parseNumber()
            case "#", "/":
                skipComment()
                guard contexts.isEmpty else { return .string("") }
                skipSpace()
                // Each of these is a level of Python's recursion, but for runs of comments.
                if at() != "#", at() != "/" { comments += 1 }
                if comments > Self.commentLimit { throw .delegated(.depth) }
                mayLackBrace = false
            case _ where mayLackBrace && isQuote(scalar):
                mayLackBrace = false
                if let value = try parseWithoutOpeningBrace(scalar) { return value }
                index += 1
            default: index += 1
            }
        }
        return .string("")
    }

    // MARK: - Strict JSON inside other text

    /// A value in strict JSON with something behind it: tried once, at the first bracket.
    private mutating func parseStrictRest() throws(ValueFailure) -> PythonValue? {
        guard !hasTriedRest, contexts.isEmpty, index != 0 || hasTextBehind() else { return nil }
        hasTriedRest = true
        let bytes = Array(text[index...].string.utf8)
        guard let (value, end) = try JSONText.readPrefix(bytes, from: 0) else { return nil }
        index += bytes[..<end].reduce(into: 0) { $0 += $1 & 0xC0 != 0x80 ? 1 : 0 }
        return value
    }

    /// Whether the brackets that begin the text close, with something but a comma behind them.
    private mutating func hasTextBehind() -> Bool {
        var open: [Unicode.Scalar] = []
        var isQuoted = false
        var isEscaped = false
        for (place, scalar) in text.enumerated() {
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isQuoted = false
                }
                continue
            }
            switch scalar {
            case "\"": isQuoted = true
            case "{": open.append("}")
            case "[": open.append("]")
            case "}", "]":
                guard open.popLast() == scalar else { return false }
                guard open.isEmpty else { continue }
                let next = text[(place + 1)...].first { !$0.isPythonSpace }
                return next != nil && next != ","
            default: break
            }
        }
        return false
    }

    /// A whole object that lacks only its first brace.
    private mutating func parseWithoutOpeningBrace(
        _ quote: Unicode.Scalar
    ) throws(ValueFailure) -> PythonValue? {
        guard afterSpace(-index) == 0 else { return nil }
        let keyEnd = find(quote, from: 1)
        guard at(keyEnd) != nil, at(afterSpace(keyEnd + 1)) == ":" else { return nil }
        guard text.last(where: { !$0.isPythonSpace }) == "}" else { return nil }
        let bytes = Array(("{" + text.string).utf8)
        guard let (value, end) = try JSONText.readPrefix(bytes, from: 0),
            bytes[end...].allSatisfy({ $0 == 0x20 || $0 == 0x09 || Ascii.isLineEnd($0) })
        else { return nil }
        index = text.count
        return value
    }

    // MARK: - Comments

    mutating func skipSpaceAndComments() {
        while true {
            skipSpace()
            guard at() == "#" || at() == "/" && (at(1) == "/" || at(1) == "*") else { return }
            skipComment()
        }
    }

    /// Passes over one comment, or over a slash that begins none.
    mutating func skipComment() {
        if at() == "/", at(1) == "*" {
            index += 2
            var previous: Unicode.Scalar = "*"
            while let scalar = at() {
                index += 1
                if previous == "*", scalar == "/" { return }
                previous = scalar
            }
            return
        }
        guard at() == "#" || at(1) == "/" else {
            if at() == "/" { index += 1 }
            return
        }
        // Behind a `#` the container's end counts, as models comment in one line.
        var ends: [Unicode.Scalar] = ["\n", "\r"]
        if at() == "#" {
            if isInside(.array) { ends.append("]") }
            if isInside(.value) { ends.append("}") }
            if isInside(.key) { ends.append(":") }
        }
        while let scalar = at(), !ends.contains(scalar) { index += 1 }
    }

    // MARK: - Numbers

    mutating func parseNumber() throws(ValueFailure) -> PythonValue {
        let start = index
        var digits: [UInt8] = []
        while let scalar = at() {
            let byte = scalar.isASCII ? UInt8(scalar.value) : 0
            let isPart =
                Ascii.isDigit(byte) || "-.eE/,_".utf8.contains(byte)
                || byte == UInt8(ascii: "+") && digits.last.map { $0 | 0x20 } == UInt8(ascii: "e")
            guard isPart, context != .array || scalar != "," else { break }
            if scalar != "_" { digits.append(byte) }
            index += 1
        }
        if at()?.isPythonLetter ?? false {
            index = start
            return try parseString()
        }
        if let last = digits.last, "+-eE/,".utf8.contains(last) {
            digits.removeLast()
            index -= 1
        }
        return Self.number(digits)
    }

    /// What Python's `int` or `float` makes of it, or the text itself.
    private static func number(_ digits: [UInt8]) -> PythonValue {
        let text = String(bytes: digits)
        let unsigned = digits.first == UInt8(ascii: "-") ? digits.dropFirst() : digits[...]
        if unsigned.allSatisfy(Ascii.isDigit) {
            let fits = !unsigned.isEmpty && unsigned.count <= Lexer.digitLimit
            return fits ? PythonValue(digits: text) : .string(text)
        }
        return PythonNumber.float(digits[...]).map(PythonValue.float) ?? .string(text)
    }
}

extension PythonValue {
    /// Python's `bool(…)` of it.
    var isTrue: Bool {
        switch self {
        case .none: false
        case .bool(let flag): flag
        case .int(let integer): integer != 0
        case .float(let number): number != 0
        case .string(let text): !text.utf8.isEmpty
        case .bytes(let bytes): !bytes.isEmpty
        case .list(let items), .tuple(let items), .set(let items), .frozenset(let items):
            !items.isEmpty
        case .dict(let dict): !dict.isEmpty
        case .complex(let real, let imaginary): real != 0 || imaginary != 0
        case .largeInteger, .ellipsis, .object: true
        }
    }

    /// Whether both have the same types, keys and lengths all the way down.
    fileprivate func hasShape(of other: PythonValue) -> Bool {
        switch (self, other) {
        case (.dict(let left), .dict(let right)):
            return left.count == right.count
                && left.entries.allSatisfy { entry in
                    right[entry.key].map { entry.value.hasShape(of: $0) } ?? false
                }
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.hasShape(of: $1) }
        default: return typeName == other.typeName
        }
    }
}
