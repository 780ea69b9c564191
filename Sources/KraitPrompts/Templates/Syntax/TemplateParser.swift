import KraitWire

/// Makes statements and expressions of a template's tokens.
struct TemplateParser {
    let options: TemplateOptions
    private let tokens: [TemplateToken]
    private var index = 0
    /// How deep what is being read is nested.
    private var depth = 0
    /// The names of the tags that end what is being read, the innermost last.
    var endings: [[String]] = []

    init(_ text: String, options: TemplateOptions) throws(TemplateError) {
        var lexer = try TemplateLexer(text, options: options)
        tokens = try lexer.tokenize()
        self.options = options
    }

    mutating func parse() throws(TemplateError) -> [TemplateStatement] {
        try statements()
    }

    // MARK: Tokens

    var current: TemplateToken { tokens[index] }
    var following: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    @discardableResult
    mutating func next() -> TemplateToken {
        let token = tokens[index]
        if index + 1 < tokens.count { index += 1 }
        return token
    }

    mutating func skip(symbol: String) -> Bool {
        guard current.isSymbol(symbol) else { return false }
        next()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard current.isName(name) else { return false }
        next()
        return true
    }

    mutating func expect(symbol: String) throws(TemplateError) {
        guard skip(symbol: symbol) else { throw unexpected(wanted: symbol) }
    }

    mutating func expectName(_ what: String = "a name") throws(TemplateError) -> TemplateToken {
        guard current.kind == .name else { throw unexpected(wanted: what) }
        return next()
    }

    mutating func expect(_ kind: TemplateToken.Kind, _ what: String) throws(TemplateError) {
        guard current.kind == kind else { throw unexpected(wanted: what) }
        next()
    }

    func unexpected(wanted: String) -> TemplateError {
        fail("\(wanted) is wanted here, and \(current.described) is there")
    }

    func fail(
        _ reason: String,
        _ kind: TemplateError.Kind = .syntax,
        at position: TemplatePosition? = nil
    ) -> TemplateError {
        TemplateError(kind, reason, at: position ?? current.position)
    }

    // MARK: Depth

    /// Runs `body` one level deeper, and refuses where that is too deep.
    mutating func nested<Result>(
        _ body: (inout TemplateParser) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= options.limits.nesting else { throw tooDeep() }
        return try body(&self)
    }

    private func tooDeep() -> TemplateError {
        let limit = "blocks and expressions are nested deeper than \(options.limits.nesting)"
        return fail("\(limit); split the template, or set names to its parts", .limit)
    }

    /// An expression over its parts, within the bound on depth.
    func make(
        _ kind: TemplateExpression.Kind,
        _ position: TemplatePosition
    ) throws(TemplateError) -> TemplateExpression {
        var expression = TemplateExpression(kind: kind, position: position, depth: 0)
        expression.depth = (expression.parts.lazy.map(\.depth).max() ?? 0) + 1
        guard expression.depth <= options.limits.nesting * 2 else { throw tooDeep() }
        return expression
    }

    // MARK: Statements

    /// Statements up to one of the tags in `endings`, which stays the current token.
    mutating func statements() throws(TemplateError) -> [TemplateStatement] {
        var result: [TemplateStatement] = []
        while true {
            let token = current
            switch token.kind {
            case .data:
                next()
                result.append(TemplateStatement(kind: .text(token.text), position: token.position))
            case .variableBegin:
                next()
                let kind = TemplateStatement.Kind.output(try tuple())
                try expect(.variableEnd, "}}")
                result.append(TemplateStatement(kind: kind, position: token.position))
            case .blockBegin:
                next()
                if let ends = endings.last, current.kind == .name, ends.contains(current.text) {
                    return result
                }
                let parsed = try nested { parser throws(TemplateError) in try parser.statement() }
                try expect(.blockEnd, "%}")
                result += parsed
            case .end:
                guard let ends = endings.last else { return result }
                throw fail("the template ends here; {% \(ends.last ?? "") %} is missing")
            default: throw unexpected(wanted: "text or a tag")
            }
        }
    }

    /// The body of a block: from its first tag's end to one of the tags named.
    mutating func body(_ ends: String...) throws(TemplateError) -> [TemplateStatement] {
        _ = skip(symbol: ":")
        try expect(.blockEnd, "%}")
        endings.append(ends)
        let result = try statements()
        endings.removeLast()
        return result
    }

    /// The body of a block that only its end tag ends.
    mutating func wholeBody(_ end: String) throws(TemplateError) -> [TemplateStatement] {
        let result = try body(end)
        next()
        return result
    }

    // MARK: Expressions without operators

    mutating func primary(isTarget: Bool = false) throws(TemplateError) -> TemplateExpression {
        let token = current
        switch token.kind {
        case .name:
            next()
            return try named(token, isTarget: isTarget)
        case .string:
            var text = next().text
            while current.kind == .string { text += next().text }
            return try make(.constant(.string(text)), token.position)
        case .integer:
            next()
            return try make(.constant(try integer(token)), token.position)
        case .float:
            next()
            guard let number = Double(token.text) else { throw fail("this is no number") }
            return try make(.constant(.double(number)), token.position)
        case .symbol where token.text == "(":
            next()
            let inner = try nested { parser throws(TemplateError) in
                try parser.tuple(isInParentheses: true)
            }
            try expect(symbol: ")")
            return inner
        case .symbol where token.text == "[": return try list()
        case .symbol where token.text == "{": return try dict()
        default: throw unexpected(wanted: "an expression")
        }
    }

    private mutating func named(
        _ token: TemplateToken,
        isTarget: Bool
    ) throws(TemplateError) -> TemplateExpression {
        switch token.text {
        case "true", "True": return try make(.constant(true), token.position)
        case "false", "False": return try make(.constant(false), token.position)
        case "none", "None": return try make(.constant(nil), token.position)
        default:
            if isTarget, skip(symbol: ".") {
                let attribute = try expectName().text
                return try make(.namespaceReference(token.text, attribute), token.position)
            }
            return try make(.name(token.text), token.position)
        }
    }

    private func integer(_ token: TemplateToken) throws(TemplateError) -> Value {
        let text = token.text
        let radix: Int =
            switch text.utf8.dropFirst().first.map({ $0 | 0x20 }) {
            case UInt8(ascii: "b"): 2
            case UInt8(ascii: "o"): 8
            case UInt8(ascii: "x"): 16
            default: 10
            }
        if let number = UInt64(radix == 10 ? text : String(text.dropFirst(2)), radix: radix) {
            return Value(number)
        }
        let reason = "integers of more than 64 bits are not supported"
        throw fail(reason, .unsupported, at: token.position)
    }

    private mutating func list() throws(TemplateError) -> TemplateExpression {
        let position = next().position
        return try nested { parser throws(TemplateError) in
            var elements: [TemplateExpression] = []
            while !parser.current.isSymbol("]") {
                if !elements.isEmpty { try parser.expect(symbol: ",") }
                if parser.current.isSymbol("]") { break }
                elements.append(try parser.expression())
            }
            try parser.expect(symbol: "]")
            return try parser.make(.list(elements), position)
        }
    }

    private mutating func dict() throws(TemplateError) -> TemplateExpression {
        let position = next().position
        return try nested { parser throws(TemplateError) in
            var pairs: [(key: TemplateExpression, value: TemplateExpression)] = []
            while !parser.current.isSymbol("}") {
                if !pairs.isEmpty { try parser.expect(symbol: ",") }
                if parser.current.isSymbol("}") { break }
                let key = try parser.expression()
                try parser.expect(symbol: ":")
                pairs.append((key, try parser.expression()))
            }
            try parser.expect(symbol: "}")
            return try parser.make(.dict(pairs), position)
        }
    }

    /// One expression, or several with commas between them, which are a tuple.
    mutating func tuple(
        isTarget: Bool = false,
        allowsCondition: Bool = true,
        until end: String? = nil,
        isInParentheses: Bool = false
    ) throws(TemplateError) -> TemplateExpression {
        let position = current.position
        var elements: [TemplateExpression] = []
        var isTuple = false
        while true {
            if !elements.isEmpty { try expect(symbol: ",") }
            if isTupleEnd(end) { break }
            elements.append(
                isTarget
                    ? try primary(isTarget: end == nil)
                    : try expression(allowsCondition: allowsCondition)
            )
            guard current.isSymbol(",") else { break }
            isTuple = true
        }
        if !isTuple, let only = elements.first { return only }
        if elements.isEmpty, !isInParentheses { throw unexpected(wanted: "an expression") }
        return try make(.tuple(elements), position)
    }

    private func isTupleEnd(_ end: String?) -> Bool {
        switch current.kind {
        case .variableEnd, .blockEnd: true
        case .symbol: current.text == ")"
        case .name: current.text == end
        default: false
        }
    }
}
