extension ExpressionParser {
    /// The arguments of a call; only those of `Field(…)` are kept.
    mutating func call(of function: Expression) throws(ParseFailure) -> Expression {
        try advance()
        var keywords: [Expression.FieldArgument] = []
        var count = 0
        var hasUnpackedMap = false
        while token.kind != .rightParenthesis {
            if try take(.doubleStar) {
                hasUnpackedMap = true
                keywords.append(.init(name: nil, value: try expression()))
            } else if try take(.star) {
                if hasUnpackedMap { throw unexpected("`*` cannot follow `**`") }
                _ = try expression()
            } else {
                let value = try namedExpression()
                if try take(.equals) {
                    guard case .name(let name) = value.kind, isBareName(value) else {
                        throw unexpected("only a name can stand before `=`")
                    }
                    keywords.append(.init(name: name, value: try expression()))
                } else if token.kind == .forKeyword || token.kind == .asyncKeyword {
                    try comprehension()
                    guard count == 0, token.kind == .rightParenthesis else {
                        throw unexpected("a generator expression needs parentheses here")
                    }
                } else if !keywords.isEmpty {
                    throw unexpected("a positional argument cannot follow a keyword argument")
                }
            }
            count += 1
            guard try take(.comma) else { break }
        }
        try expect(.rightParenthesis, "`)` or `,`")
        let range = function.range.lowerBound..<lastEnd
        if case .name("Field") = function.kind {
            return Expression(kind: .fieldCall(keywords), range: range)
        }
        return Expression(kind: .other("a call"), range: range)
    }

    /// `lambda a, b=1: c`.
    mutating func lambda() throws(ParseFailure) -> Expression {
        let start = token.start
        try advance()
        _ = try parameters(until: .colon, areAnnotated: false)
        try expect(.colon, "`:` after the parameters of `lambda`")
        _ = try expression()
        return Expression(kind: .other("a lambda"), range: start..<lastEnd)
    }

    /// A parameter list by Python's rules.
    ///
    /// What it returns are the parameters that DSPy makes fields of: those before any `*`, and of a
    /// list with `/` those behind it.
    mutating func parameters(until close: Token.Kind, areAnnotated: Bool) throws(ParseFailure)
        -> [Parameter]
    {
        var list = ParameterList()
        while token.kind != close {
            let first = token
            switch token.kind {
            case .slash:
                try advance()
                guard list.takeSlash() else {
                    throw .syntax("`/` cannot stand here", at: first.start..<first.end)
                }
            case .star:
                try advance()
                if !list.takeStar(isBare: token.kind == .comma || token.kind == close) {
                    throw .syntax("only one `*` is allowed", at: first.start..<first.end)
                }
                if token.kind == .name {
                    try starredParameter(areAnnotated: areAnnotated, allowsUnpacking: true)
                } else if token.kind != .comma, token.kind != close {
                    throw unexpected("expected a name")
                }
            case .doubleStar:
                try advance()
                guard token.kind == .name else { throw unexpected("expected a name") }
                try starredParameter(areAnnotated: areAnnotated, allowsUnpacking: false)
                guard !list.awaitsName else {
                    throw .syntax("a bare `*` needs a name behind it", at: first.start..<first.end)
                }
                _ = try take(.comma)
                guard token.kind == close else { throw unexpected("nothing can follow `**`") }
                return list.fields
            case .name: try parameter(into: &list, areAnnotated: areAnnotated)
            case .rightParenthesis where close == .end && !list.awaitsName:
                // The list may end before its text does; what follows is the caller's to judge.
                return list.fields
            default: throw unexpectedParameter()
            }
            guard try take(.comma) else { break }
        }
        guard !list.awaitsName else {
            throw unexpected("a bare `*` needs a name behind it")
        }
        return list.fields
    }

    private mutating func parameter(into list: inout ParameterList, areAnnotated: Bool)
        throws(ParseFailure)
    {
        let start = token.start
        let name = name(token)
        try advance()
        var annotation: Expression?
        if areAnnotated, try take(.colon) {
            if token.kind == .comma || token.kind == .end {
                throw unexpected(
                    "a type is missing after the colon",
                    remedy: "name one, such as `str`"
                )
            }
            annotation = try expression()
        }
        let range = start..<lastEnd
        let hasDefault = try take(.equals)
        if hasDefault { _ = try expression() }
        guard
            list.take(
                Parameter(name: name, annotation: annotation, range: range),
                hasDefault: hasDefault
            )
        else {
            throw .syntax(
                "a field without a default follows one with a default",
                remedy: "remove the default: DSPy ignores it",
                at: range
            )
        }
    }

    /// `*name` or `**name`; the stars are taken.
    private mutating func starredParameter(areAnnotated: Bool, allowsUnpacking: Bool)
        throws(ParseFailure)
    {
        try advance()
        if areAnnotated, try take(.colon) {
            if allowsUnpacking, try take(.star) {
                _ = try arithmetic()
            } else {
                _ = try expression()
            }
        }
        if token.kind == .equals { throw unexpected("a parameter with a star has no default") }
    }

    private func unexpectedParameter() -> ParseFailure {
        switch token.kind {
        case .comma:
            unexpected("a field name is missing before the comma", remedy: "remove the comma")
        case .statementKeyword, .asyncKeyword, .awaitKeyword, .ifKeyword, .elseKeyword, .orKeyword,
            .andKeyword, .notKeyword, .inKeyword, .isKeyword, .lambdaKeyword, .forKeyword,
            .yieldKeyword, .fromKeyword, .noneKeyword, .trueKeyword, .falseKeyword:
            unexpected(
                "`\(text(token))` is a Python keyword and cannot name a field",
                remedy: "use another name, such as `\(text(token).lowercased())_`"
            )
        default: unexpected("expected a field name")
        }
    }
}

/// The order that Python asks of parameters.
private struct ParameterList {
    private(set) var fields: [Parameter] = []
    /// A bare `*` has come and no name since.
    private(set) var awaitsName = false
    private var hasSlash = false
    private var hasStar = false
    private var hasDefault = false

    mutating func takeSlash() -> Bool {
        guard !hasSlash, !hasStar, !fields.isEmpty else { return false }
        hasSlash = true
        fields.removeAll()
        return true
    }

    mutating func takeStar(isBare: Bool) -> Bool {
        guard !hasStar else { return false }
        hasStar = true
        awaitsName = isBare
        return true
    }

    mutating func take(_ parameter: Parameter, hasDefault: Bool) -> Bool {
        if hasStar {
            awaitsName = false
            return true
        }
        if hasDefault { self.hasDefault = true }
        guard hasDefault || !self.hasDefault else { return false }
        fields.append(parameter)
        return true
    }
}
