extension ExpressionParser {
    /// A name, a constant, or something in brackets.
    mutating func atom() throws(ParseFailure) -> Expression {
        let start = token.start
        let first = token
        switch token.kind {
        case .name:
            try advance()
            return Expression(kind: .name(name(first)), range: start..<first.end)
        case .number:
            if first.end - first.start > Lexer.digitLimit {
                throw .delegated(.depth, at: start..<first.end)
            }
            try advance()
            return Expression(kind: .constant(lexer.numberValue(first)), range: start..<first.end)
        case .string: return try strings()
        case .noneKeyword: return try constant(.none)
        case .trueKeyword: return try constant(.bool(true))
        case .falseKeyword: return try constant(.bool(false))
        case .ellipsis: return try constant(.ellipsis)
        case .leftParenthesis: return try parenthesis()
        case .leftBracket: return try list()
        case .leftBrace: return try braces()
        case .statementKeyword, .asyncKeyword:
            throw unexpected("`\(text(first))` is a Python keyword", remedy: "use another name")
        default: throw unexpected("expected a type or a value")
        }
    }

    private mutating func constant(_ value: LiteralValue) throws(ParseFailure) -> Expression {
        let range = token.start..<token.end
        try advance()
        return Expression(kind: .constant(value), range: range)
    }

    /// Strings beside each other are one.
    private mutating func strings() throws(ParseFailure) -> Expression {
        let start = token.start
        var value = try lexer.stringValue(token)
        try advance()
        while token.kind == .string {
            let next = try lexer.stringValue(token)
            switch (value, next) {
            case (.string(let left), .string(let right)): value = .string(left + right)
            case (.bytes(let left), .bytes(let right)): value = .bytes(left + right)
            default: throw unexpected("text and bytes cannot be joined")
            }
            try advance()
        }
        return Expression(kind: .constant(value), range: start..<lastEnd)
    }

    /// `(a)`, `(a, b)`, `()`, `(yield a)`, `(a for a in b)`.
    private mutating func parenthesis() throws(ParseFailure) -> Expression {
        let start = token.start
        try advance()
        if token.kind == .yieldKeyword {
            try yield()
            try expect(.rightParenthesis, "`)`")
            return Expression(kind: .other("a yield"), range: start..<lastEnd)
        }
        let (elements, isTuple, isComprehension) = try elements(until: .rightParenthesis)
        try expect(.rightParenthesis, "`)` or `,`")
        let range = start..<lastEnd
        if isComprehension {
            return Expression(kind: .other("a generator expression"), range: range)
        }
        guard !isTuple, let only = elements.first else {
            return Expression(kind: .tuple(elements), range: range)
        }
        return Expression(kind: only.kind, range: range)
    }

    private mutating func yield() throws(ParseFailure) {
        try advance()
        if try take(.fromKeyword) {
            _ = try expression()
            return
        }
        while token.kind != .rightParenthesis {
            if try take(.star) { _ = try arithmetic() } else { _ = try expression() }
            guard try take(.comma) else { return }
        }
    }

    private mutating func list() throws(ParseFailure) -> Expression {
        let start = token.start
        try advance()
        let (_, _, isComprehension) = try elements(until: .rightBracket)
        try expect(.rightBracket, "`]` or `,`")
        let kind = isComprehension ? "a list comprehension" : "a list"
        return Expression(kind: .other(kind), range: start..<lastEnd)
    }

    /// Values between brackets, or a comprehension.
    ///
    /// A single unpacked value is only fine in a list.
    private mutating func elements(until close: Token.Kind) throws(ParseFailure)
        -> (elements: [Expression], isTuple: Bool, isComprehension: Bool)
    {
        var elements: [Expression] = []
        var isTuple = token.kind == close
        while token.kind != close {
            let start = token.start
            let isUnpacked = try take(.star)
            if isUnpacked {
                _ = try arithmetic()
                elements.append(
                    Expression(kind: .other("an unpacked value"), range: start..<lastEnd)
                )
            } else {
                elements.append(try namedExpression())
            }
            if elements.count == 1, token.kind == .forKeyword || token.kind == .asyncKeyword {
                guard !isUnpacked else { throw unexpected("a comprehension cannot unpack") }
                try comprehension()
                return (elements, false, true)
            }
            guard try take(.comma) else {
                if isUnpacked, !isTuple, close == .rightParenthesis {
                    throw unexpected("a value cannot be unpacked here")
                }
                break
            }
            isTuple = true
        }
        return (elements, isTuple, false)
    }

    /// `for a in b if c`, as often as it comes.
    mutating func comprehension() throws(ParseFailure) {
        repeat {
            _ = try take(.asyncKeyword)
            try expect(.forKeyword, "`for`")
            try targets()
            try expect(.inKeyword, "`in`")
            _ = try disjunction()
            while try take(.ifKeyword) { _ = try disjunction() }
        } while token.kind == .forKeyword || token.kind == .asyncKeyword
    }

    private mutating func targets() throws(ParseFailure) {
        var count = 0
        repeat {
            if count > 0, token.kind == .inKeyword { return }
            count += 1
            _ = try take(.star)
            let target = try arithmetic()
            switch target.kind {
            case .name, .attribute, .subscripted, .tuple: break
            case .other("a list"): break
            default: throw unexpected("only names can follow `for`")
            }
        } while try take(.comma)
    }

    /// A set or a dictionary, or a comprehension of one.
    private mutating func braces() throws(ParseFailure) -> Expression {
        let start = token.start
        try advance()
        var isMap = token.kind == .rightBrace
        var count = 0
        while token.kind != .rightBrace {
            var isUnpacked = true
            if token.kind == .doubleStar, isMap || count == 0 {
                isMap = true
                try advance()
                _ = try arithmetic()
            } else if token.kind == .star, !isMap || count == 0 {
                isMap = false
                try advance()
                _ = try arithmetic()
            } else {
                isUnpacked = false
                let key = isMap && count > 0 ? try expression() : try namedExpression()
                if count == 0 { isMap = token.kind == .colon }
                if isMap {
                    if case .other("an assignment") = key.kind {
                        throw unexpected("an assignment cannot be a key")
                    }
                    try expect(.colon, "`:` after the key")
                    _ = try expression()
                }
            }
            count += 1
            if count == 1, token.kind == .forKeyword || token.kind == .asyncKeyword {
                guard !isUnpacked else { throw unexpected("a comprehension cannot unpack") }
                try comprehension()
                break
            }
            guard try take(.comma) else { break }
        }
        try expect(.rightBrace, "`}` or `,`")
        return Expression(kind: .other(isMap ? "a dictionary" : "a set"), range: start..<lastEnd)
    }
}
