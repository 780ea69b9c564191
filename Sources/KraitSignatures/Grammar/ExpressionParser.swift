import Foundation

/// A recursive-descent parser for Python 3.11's expressions.
///
/// Bounded: more than `depthLimit` expressions inside each other (which Python's own limits refuse
/// in ways that vary) are left to Python.
struct ExpressionParser {
    var lexer: Lexer
    var token: Token
    /// The end of the token before, where an expression ends.
    private(set) var lastEnd = 0
    private var depth = 0

    static let depthLimit = 300

    init(_ bytes: [UInt8], _ range: Range<Int>) throws(ParseFailure) {
        lexer = Lexer(bytes, range)
        token = try lexer.next()
    }

    mutating func advance() throws(ParseFailure) {
        lastEnd = token.end
        token = try lexer.next()
    }

    /// Takes this token if it is there.
    mutating func take(_ kind: Token.Kind) throws(ParseFailure) -> Bool {
        guard token.kind == kind else { return false }
        try advance()
        return true
    }

    mutating func expect(_ kind: Token.Kind, _ what: String) throws(ParseFailure) {
        guard try take(kind) else { throw unexpected("expected \(what)") }
    }

    /// A syntax error at the current token.
    func unexpected(_ reason: String, remedy: String? = nil) -> ParseFailure {
        .syntax(
            token.kind == .end ? "\(reason), but the list ends" : reason,
            remedy: remedy,
            at: token.start..<max(token.end, token.start)
        )
    }

    func text(_ token: Token) -> String { String(bytes: lexer.bytes[token.start..<token.end]) }

    /// A name as Python keeps it: in normal form KC.
    func name(_ token: Token) -> String {
        let name = text(token)
        return name.utf8.allSatisfy { $0 < 0x80 }
            ? name : name.precomposedStringWithCompatibilityMapping
    }

    private func node(_ kind: Expression.Kind, from start: Int) -> Expression {
        Expression(kind: kind, range: start..<lastEnd)
    }

    private mutating func deeper() throws(ParseFailure) {
        depth += 1
        if depth > Self.depthLimit {
            throw .delegated(.depth, at: token.start..<token.end)
        }
    }

    // MARK: - From the loosest to the tightest

    /// `a if b else c`, `lambda …: …` or anything tighter.
    mutating func expression() throws(ParseFailure) -> Expression {
        try deeper()
        defer { depth -= 1 }
        let start = token.start
        if token.kind == .lambdaKeyword { return try lambda() }
        let value = try disjunction()
        guard try take(.ifKeyword) else { return value }
        _ = try disjunction()
        try expect(.elseKeyword, "`else`")
        _ = try expression()
        return node(.other("a conditional expression"), from: start)
    }

    /// An expression, or `name := expression`.
    mutating func namedExpression() throws(ParseFailure) -> Expression {
        let value = try expression()
        guard token.kind == .walrus else { return value }
        guard case .name = value.kind, isBareName(value) else {
            throw unexpected("only a name can stand before `:=`")
        }
        try advance()
        _ = try expression()
        return node(.other("an assignment"), from: value.range.lowerBound)
    }

    /// Whether a name stands there without parentheses.
    func isBareName(_ value: Expression) -> Bool {
        Ascii.beginsName(lexer.byte(value.range.lowerBound))
            || lexer.byte(value.range.lowerBound) >= 0x80
    }

    mutating func disjunction() throws(ParseFailure) -> Expression {
        let start = token.start
        var value = try inversion()
        while token.kind == .orKeyword || token.kind == .andKeyword {
            try advance()
            _ = try inversion()
            value = node(.other("a boolean operation"), from: start)
        }
        return value
    }

    private mutating func inversion() throws(ParseFailure) -> Expression {
        let start = token.start
        var isInverted = false
        while try take(.notKeyword) { isInverted = true }
        let value = try comparison()
        return isInverted ? node(.other("a negation"), from: start) : value
    }

    private mutating func comparison() throws(ParseFailure) -> Expression {
        let start = token.start
        var value = try arithmetic()
        while try takeComparison() {
            _ = try arithmetic()
            value = node(.other("a comparison"), from: start)
        }
        return value
    }

    private mutating func takeComparison() throws(ParseFailure) -> Bool {
        switch token.kind {
        case .less, .greater, .lessOrEqual, .greaterOrEqual, .doubleEquals, .notEquals, .inKeyword:
            try advance()
        case .isKeyword:
            try advance()
            _ = try take(.notKeyword)
        case .notKeyword:
            try advance()
            try expect(.inKeyword, "`in` after `not`")
        default: return false
        }
        return true
    }

    /// `|` and everything tighter: operators of one operand sort by how tight they bind.
    mutating func arithmetic(_ floor: Int = 0) throws(ParseFailure) -> Expression {
        let start = token.start
        var value = try factor()
        var unions = 0
        while let tightness = Self.tightness(token.kind), tightness >= floor {
            let isUnion = token.kind == .pipe
            try advance()
            let right = try arithmetic(tightness + 1)
            unions += 1
            if isUnion, unions > Self.depthLimit {
                throw .delegated(.depth, at: right.range)
            }
            value = node(isUnion ? .union(value, right) : .other("an operation"), from: start)
        }
        return value
    }

    private static func tightness(_ kind: Token.Kind) -> Int? {
        switch kind {
        case .pipe: 0
        case .caret: 1
        case .ampersand: 2
        case .shiftLeft, .shiftRight: 3
        case .plus, .minus: 4
        case .star, .slash, .doubleSlash, .percent, .at: 5
        default: nil
        }
    }

    private mutating func factor() throws(ParseFailure) -> Expression {
        let start = token.start
        var isSigned = false
        while token.kind == .plus || token.kind == .minus || token.kind == .tilde {
            isSigned = true
            try advance()
        }
        let value = try power()
        return isSigned ? node(.other("a signed number"), from: start) : value
    }

    private mutating func power() throws(ParseFailure) -> Expression {
        let start = token.start
        let isAwaited = try take(.awaitKeyword)
        var value = try primary()
        if isAwaited { value = node(.other("an await"), from: start) }
        guard try take(.doubleStar) else { return value }
        try deeper()
        defer { depth -= 1 }
        _ = try factor()
        return node(.other("an operation"), from: start)
    }

    /// An atom with its attributes, calls and subscripts.
    private mutating func primary() throws(ParseFailure) -> Expression {
        let start = token.start
        var value = try atom()
        var links = 0
        while true {
            switch token.kind {
            case .dot:
                try advance()
                guard token.kind == .name else { throw unexpected("expected a name after the dot") }
                let attribute = name(token)
                try advance()
                value = node(.attribute(value, attribute), from: start)
            case .leftBracket:
                value = node(.subscripted(value, try subscripts()), from: start)
                value.range = start..<lastEnd
            case .leftParenthesis: value = try call(of: value)
            default: return value
            }
            links += 1
            if links > Self.depthLimit { throw .delegated(.depth, at: start..<lastEnd) }
        }
    }

    /// `[a]`, `[a, b]`, `[a:b]`; `[(a, b)]` is `[a, b]`, as in Python's syntax tree.
    private mutating func subscripts() throws(ParseFailure) -> [Expression] {
        try advance()
        if token.kind == .rightBracket {
            throw unexpected(
                "expected a type between the brackets",
                remedy: "write it, or no brackets"
            )
        }
        var elements: [Expression] = []
        var isTuple = false
        while token.kind != .rightBracket {
            let start = token.start
            if try take(.star) {
                _ = try expression()
                elements.append(node(.other("an unpacked value"), from: start))
                isTuple = true
            } else {
                elements.append(try slice())
            }
            guard try take(.comma) else { break }
            isTuple = true
        }
        try expect(.rightBracket, "`]` or `,`")
        if !isTuple, let only = elements.first, case .tuple(let inner) = only.kind { return inner }
        return elements
    }

    private mutating func slice() throws(ParseFailure) -> Expression {
        let start = token.start
        var value: Expression?
        if token.kind != .colon { value = try namedExpression() }
        if let value, token.kind != .colon { return value }
        for _ in 0..<2 where token.kind == .colon {
            try advance()
            if token.kind != .colon, token.kind != .comma, token.kind != .rightBracket {
                _ = try expression()
            }
        }
        return node(.other("a slice"), from: start)
    }
}
