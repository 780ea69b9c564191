/// Python's `ast.literal_eval`.
package enum PythonLiteral {
    /// The constant that the text is, or nil where Python raises `ValueError` or `SyntaxError`.
    ///
    /// Throws its `TypeError` for what cannot be a key or a set's member; delegates what nests so
    /// deep that Python's parser runs out of stack, and characters by name.
    package static func read(_ text: String) throws(ValueFailure) -> PythonValue? {
        let source = Array(text.utf8.drop { $0 == 0x20 || $0 == 0x09 }) + [0x0A]
        guard !source.contains(0) else { return nil }
        var reader = LiteralReader(source)
        let value = reader.readAll()
        // Where a backslash joins lines, indents count in ways of their own.
        if joinsLines(source) {
            if value != nil { throw .delegated(.coercion) }
        } else if endsIndented(source) {
            return nil
        }
        switch (reader.failure, value) {
        case (.delegated(.depth), _): throw .delegated(.depth)
        case (.delegated, nil): return nil
        // Which of two mistakes Python meets first is not worth knowing.
        case (.raised, nil): throw .delegated(.coercion)
        case (let failure?, .some): throw failure
        case (nil, let value): return value
        }
    }

    /// Whether the last line has nothing but spaces: an indent without a statement.
    private static func endsIndented(_ source: [UInt8]) -> Bool {
        let text = source.dropLast()
        guard let last = text.lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return false }
        return last + 1 < text.count && Ascii.isLineEnd(text[last])
    }

    private static func joinsLines(_ source: [UInt8]) -> Bool {
        zip(source, source.dropFirst()).contains { pair in
            pair.0 == UInt8(ascii: "\\") && Ascii.isLineEnd(pair.1)
        }
    }
}

private struct LiteralReader {
    private var lexer: Lexer
    private var token: Token
    private var lastEnd = 0
    private var nesting = 0
    /// What is raised although the text is a literal, or the rule by which it is left to Python.
    private(set) var failure: ValueFailure?
    /// Whether no token could be read.
    private var isBroken = false

    private static let depthLimit = 64

    init(_ source: [UInt8]) {
        lexer = Lexer(source, 0..<source.count)
        token = Token(kind: .end, start: 0, end: 0)
        advance()
        // An indented line is a mistake; a form feed begins the line anew.
        let before = source[..<min(token.start, source.count)]
        let line = before.lastIndex { Ascii.isLineEnd($0) || $0 == 0x0C }
        if line.map({ $0 + 1 != before.endIndex }) ?? !before.isEmpty { isBroken = true }
    }

    private mutating func advance() {
        lastEnd = token.end
        do {
            token = try lexer.next()
        } catch {
            if let rule = error.rule { failure = .delegated(rule) }
            isBroken = true
            token = Token(kind: .end, start: lexer.end, end: lexer.end)
        }
        if nesting == 0, lastEnd > 0, token.kind != .end, crossesLine(lastEnd..<token.start) {
            isBroken = true
        }
    }

    /// Whether a line ends there: outside of brackets an expression ends with its line.
    private func crossesLine(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            if lexer.bytes[index] == UInt8(ascii: "\\") {
                index += lexer.byte(index + 1) == 0x0D && lexer.byte(index + 2) == 0x0A ? 3 : 2
            } else if Ascii.isLineEnd(lexer.bytes[index]) {
                return true
            } else {
                index += 1
            }
        }
        return false
    }

    private mutating func take(_ kind: Token.Kind) -> Bool {
        guard token.kind == kind, !isBroken else { return false }
        advance()
        return true
    }

    /// One value, or several with commas: a tuple.
    mutating func readAll() -> PythonValue? {
        guard let first = readValue() else { return nil }
        var items = [first]
        var isTuple = false
        while take(.comma) {
            isTuple = true
            if token.kind == .end { break }
            guard let item = readValue() else { return nil }
            items.append(item)
        }
        guard token.kind == .end, !isBroken else { return nil }
        return isTuple ? .tuple(items) : first
    }

    private mutating func readValue() -> PythonValue? {
        let isSigned = token.kind == .minus || token.kind == .plus
        guard let left = isSigned ? readSigned() : readAtom() else { return nil }
        guard token.kind == .plus || token.kind == .minus else { return left }
        // `1 + 2j`: a number without imaginary part and an imaginary one.
        let isMinus = token.kind == .minus
        advance()
        guard let real = left.realNumber, case .complex(let other, let part)? = readAtom() else {
            return nil
        }
        guard token.kind != .plus, token.kind != .minus else { return nil }
        return .complex(
            real: isMinus ? real - other : real + other,
            imaginary: isMinus ? -part : part
        )
    }

    private mutating func readSigned() -> PythonValue? {
        let isMinus = token.kind == .minus
        advance()
        switch readAtom() {
        case .int(let value)?:
            // An atom is never negative unless it is in parentheses, which Python refuses.
            return value < 0 ? nil : .int(isMinus ? -value : value)
        case .largeInteger(let digits)?:
            return PythonValue(digits: isMinus ? "-" + digits : digits)
        case .float(let value)?: return .float(isMinus ? -value : value)
        case .complex(let real, let part)? where real == 0:
            return isMinus
                ? .complex(real: -real, imaginary: -part) : .complex(real: real, imaginary: part)
        default: return nil
        }
    }

    private mutating func readAtom() -> PythonValue? {
        guard !isBroken else { return nil }
        switch token.kind {
        case .number:
            let value = PythonValue(lexer.numberValue(token))
            advance()
            return value
        case .string: return readStrings()
        case .noneKeyword: return constant(.none)
        case .trueKeyword: return constant(.bool(true))
        case .falseKeyword: return constant(.bool(false))
        case .ellipsis: return constant(.ellipsis)
        case .leftParenthesis: return readTuple()
        case .leftBracket: return readItems(until: .rightBracket)?.items.asList
        case .leftBrace: return readBraces()
        case .name: return readEmptySet()
        default: return nil
        }
    }

    private mutating func constant(_ value: PythonValue) -> PythonValue {
        advance()
        return value
    }

    private mutating func readStrings() -> PythonValue? {
        var text = ""
        var bytes: [UInt8] = []
        var isBytes: Bool?
        while token.kind == .string, !isBroken {
            do {
                switch try lexer.stringValue(token) {
                case .string(let part) where isBytes != true:
                    isBytes = false
                    text += part
                case .bytes(let part) where isBytes != false:
                    isBytes = true
                    bytes += part
                default: return nil
                }
            } catch {
                guard let rule = error.rule, rule != .formattedString else { return nil }
                failure = .delegated(rule)
                isBytes = false
            }
            advance()
        }
        return isBytes == true ? .bytes(bytes) : .string(text)
    }

    /// `set()`, the only call there is.
    private mutating func readEmptySet() -> PythonValue? {
        let name = lexer.bytes[token.start..<token.end]
        guard name.elementsEqual("set".utf8) else { return nil }
        advance()
        guard take(.leftParenthesis), take(.rightParenthesis) else { return nil }
        return .set([])
    }

    private mutating func readTuple() -> PythonValue? {
        guard let (items, hasComma) = readItems(until: .rightParenthesis) else { return nil }
        return items.count == 1 && !hasComma ? items[0] : .tuple(items)
    }

    private mutating func open() -> Bool {
        nesting += 1
        if nesting > Self.depthLimit {
            failure = .delegated(.depth)
            isBroken = true
            return false
        }
        advance()
        return true
    }

    /// The closing bracket is the current token; behind it lines end expressions again.
    private mutating func close(_ kind: Token.Kind) -> Bool {
        guard token.kind == kind, !isBroken else { return false }
        nesting -= 1
        advance()
        return true
    }

    private mutating func readItems(
        until end: Token.Kind
    ) -> (items: [PythonValue], hasComma: Bool)? {
        guard open() else { return nil }
        var items: [PythonValue] = []
        var hasComma = false
        while token.kind != end {
            guard let item = readValue() else { return nil }
            items.append(item)
            guard take(.comma) else { break }
            hasComma = true
        }
        return close(end) ? (items, hasComma) : nil
    }

    private mutating func readBraces() -> PythonValue? {
        guard open() else { return nil }
        if token.kind == .rightBrace { return close(.rightBrace) ? .dict(PythonDict()) : nil }
        var dict = PythonDict()
        var members: [PythonValue] = []
        var seen: Set<PythonKey> = []
        var isDict: Bool?
        while token.kind != .rightBrace {
            guard let key = readValue() else { return nil }
            let hasColon = take(.colon)
            guard isDict == nil || isDict == hasColon else { return nil }
            isDict = hasColon
            let hashed = PythonKey(key)
            if hashed == nil, failure == nil {
                failure = .raise("TypeError", "unhashable type: '\(key.typeName)'")
            }
            if hasColon {
                guard let value = readValue() else { return nil }
                dict[key] = value
            } else if let hashed, seen.insert(hashed).inserted {
                members.append(key)
            }
            guard take(.comma) else { break }
        }
        guard close(.rightBrace) else { return nil }
        return isDict == true ? .dict(dict) : .set(members)
    }
}

extension PythonValue {
    /// A number that is not complex, as a float; a bool is none.
    fileprivate var realNumber: Double? {
        switch self {
        case .int(let value): Double(value)
        case .largeInteger(let digits): Double(digits)
        case .float(let value): value
        default: nil
        }
    }
}

extension [PythonValue] {
    fileprivate var asList: PythonValue { .list(self) }
}
