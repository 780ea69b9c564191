import KraitWire

/// Expressions with operators, the loosest first: `if`, `or`, `and`, `not`, comparisons, `+ -`,
/// `~`, `* / // %`, `**`, signs, then what is written behind a value.
extension TemplateParser {
    private enum Level: Int {
        case or, and, not, compare, sum, concat, product, power
    }

    mutating func expression(
        allowsCondition: Bool = true
    ) throws(TemplateError) -> TemplateExpression {
        try nested { parser throws(TemplateError) in
            var result = try parser.operation(Level.or.rawValue)
            while allowsCondition, parser.skip(name: "if") {
                let test = try parser.operation(Level.or.rawValue)
                let otherwise = parser.skip(name: "else") ? try parser.expression() : nil
                result = try parser.make(
                    .condition(test: test, then: result, otherwise: otherwise),
                    result.position
                )
            }
            return result
        }
    }

    /// An operation of operators that bind at least as tightly as `minimum`.
    private mutating func operation(_ minimum: Int) throws(TemplateError) -> TemplateExpression {
        var left: TemplateExpression
        if minimum <= Level.not.rawValue, current.isName("not") {
            let position = next().position
            let inner = try nested { parser throws(TemplateError) in
                try parser.operation(Level.not.rawValue)
            }
            left = try make(.not(inner), position)
        } else {
            left = try signed(allowsFilters: true)
        }
        while let (level, name) = operatorHere(), level.rawValue >= minimum {
            let position = current.position
            switch level {
            case .compare: left = try comparison(left)
            case .concat:
                var parts = [left]
                while skip(symbol: "~") { parts.append(try operation(Level.product.rawValue)) }
                left = try make(.concat(parts), position)
            default:
                next()
                let right = try operation(level.rawValue + 1)
                left = try make(Self.kind(name, left, right), position)
            }
        }
        return left
    }

    private func operatorHere() -> (Level, String)? {
        let token = current
        switch (token.kind, token.text) {
        case (.name, "or"): return (.or, token.text)
        case (.name, "and"): return (.and, token.text)
        case (.name, "in"): return (.compare, token.text)
        case (.name, "not"): return following.isName("in") ? (.compare, token.text) : nil
        case (.symbol, "=="), (.symbol, "!="), (.symbol, "<"), (.symbol, "<="), (.symbol, ">"),
            (.symbol, ">="):
            return (.compare, token.text)
        case (.symbol, "+"), (.symbol, "-"): return (.sum, token.text)
        case (.symbol, "~"): return (.concat, token.text)
        case (.symbol, "*"), (.symbol, "/"), (.symbol, "//"), (.symbol, "%"):
            return (.product, token.text)
        case (.symbol, "**"): return (.power, token.text)
        default: return nil
        }
    }

    private static func kind(
        _ name: String,
        _ left: TemplateExpression,
        _ right: TemplateExpression
    ) -> TemplateExpression.Kind {
        switch name {
        case "or": .or(left, right)
        case "and": .and(left, right)
        default:
            .binary(TemplateExpression.Arithmetic(rawValue: name) ?? .add, left, right)
        }
    }

    private mutating func comparison(
        _ first: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        var rest: [(TemplateExpression.Comparison, TemplateExpression)] = []
        let position = current.position
        while let (level, name) = operatorHere(), level == .compare {
            next()
            if name == "not" { next() }
            let comparison: TemplateExpression.Comparison =
                switch name {
                case "==": .equal
                case "!=": .notEqual
                case "<": .less
                case "<=": .lessOrEqual
                case ">": .greater
                case ">=": .greaterOrEqual
                case "in": .isIn
                default: .isNotIn
                }
            rest.append((comparison, try operation(Level.sum.rawValue)))
        }
        return try make(.compare(first, rest), position)
    }

    private mutating func signed(allowsFilters: Bool) throws(TemplateError) -> TemplateExpression {
        let token = current
        var result: TemplateExpression
        if token.isSymbol("-") || token.isSymbol("+") {
            next()
            let inner = try nested { parser throws(TemplateError) in
                try parser.signed(allowsFilters: false)
            }
            result = try make(
                token.text == "-" ? .negated(inner) : .positive(inner),
                token.position
            )
        } else {
            result = try primary()
        }
        result = try postfix(result)
        guard allowsFilters else { return result }
        while true {
            if current.isSymbol("|") {
                result = try filters(result)
            } else if current.isName("is") {
                result = try test(result)
            } else if current.isSymbol("(") {
                result = try call(result)
            } else {
                return result
            }
        }
    }

    // MARK: Behind a value

    mutating func postfix(
        _ expression: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        var result = expression
        while true {
            let position = current.position
            if skip(symbol: ".") {
                let token = next()
                switch token.kind {
                case .name: result = try make(.attribute(result, token.text), position)
                case .integer:
                    let index = Value(UInt64(token.text) ?? .max)
                    let key = try make(.constant(index), token.position)
                    result = try make(.element(result, key), position)
                default:
                    throw fail("a name or a number is wanted behind the dot", at: token.position)
                }
            } else if skip(symbol: "[") {
                result = try subscripted(result, position)
            } else if current.isSymbol("(") {
                result = try call(result)
            } else {
                return result
            }
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression,
        _ position: TemplatePosition
    ) throws(TemplateError) -> TemplateExpression {
        var keys: [TemplateExpression] = []
        var bounds: [TemplateExpression?]?
        while !current.isSymbol("]") {
            if !keys.isEmpty || bounds != nil { try expect(symbol: ",") }
            guard bounds == nil else { break }
            var parts: [TemplateExpression?] = []
            if !current.isSymbol(":") { parts.append(try expression()) } else { parts.append(nil) }
            while parts.count < 3, skip(symbol: ":") {
                let isEmpty = [":", "]", ","].contains { current.isSymbol($0) }
                parts.append(isEmpty ? nil : try expression())
            }
            if parts.count == 1, let key = parts[0] {
                keys.append(key)
            } else {
                bounds = parts
            }
        }
        try expect(symbol: "]")
        if let bounds {
            guard keys.isEmpty else {
                throw fail("a slice among other keys is not supported", .unsupported, at: position)
            }
            return try make(.slice(value, bounds), position)
        }
        let key = keys.count == 1 ? keys[0] : try make(.tuple(keys), position)
        return try make(.element(value, key), position)
    }

    private mutating func call(
        _ callee: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        let position = current.position
        return try make(.call(callee, try arguments()), position)
    }

    mutating func arguments() throws(TemplateError) -> TemplateArguments {
        let position = current.position
        try expect(symbol: "(")
        var result = TemplateArguments()
        var isFirst = true
        let order = "arguments come in this order: values, *list, name=value, **map"
        while !current.isSymbol(")") {
            if !isFirst {
                try expect(symbol: ",")
                if current.isSymbol(")") { break }
            }
            isFirst = false
            if skip(symbol: "*") {
                guard result.rest == nil, result.namedRest == nil else {
                    throw fail(order, at: position)
                }
                result.rest = try expression()
            } else if skip(symbol: "**") {
                guard result.namedRest == nil else { throw fail(order, at: position) }
                result.namedRest = try expression()
            } else if current.kind == .name, following.isSymbol("=") {
                guard result.namedRest == nil else { throw fail(order, at: position) }
                let name = next().text
                next()
                guard !result.named.contains(where: { $0.name == name }) else {
                    throw fail("\(name) is given twice", at: position)
                }
                result.named.append((name, try expression()))
            } else {
                guard result.rest == nil, result.namedRest == nil, result.named.isEmpty else {
                    throw fail(order, at: position)
                }
                result.positional.append(try expression())
            }
        }
        try expect(symbol: ")")
        return result
    }

    private mutating func dottedName() throws(TemplateError) -> String {
        var name = try expectName().text
        while skip(symbol: ".") { name += "." + (try expectName().text) }
        return name
    }

    /// One filter or several in a row; `isInline` where the first has no `|` before it.
    mutating func filters(
        _ expression: TemplateExpression?,
        isInline: Bool = false
    ) throws(TemplateError) -> TemplateExpression {
        var result = expression
        var isFirst = isInline
        while isFirst || current.isSymbol("|") {
            if !isFirst { next() }
            isFirst = false
            let position = current.position
            let name = try dottedName()
            let given = current.isSymbol("(") ? try arguments() : TemplateArguments()
            result = try make(.filter(result, name, given), position)
        }
        guard let result else { throw unexpected(wanted: "a filter") }
        return result
    }

    private mutating func test(
        _ value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        let position = next().position
        let isNegated = skip(name: "not")
        let name = try dottedName()
        var given = TemplateArguments()
        if current.isSymbol("(") {
            given = try arguments()
        } else if beginsArgument {
            guard !current.isName("is") else {
                throw fail("tests with is cannot be chained; join them with and")
            }
            given.positional = [try postfix(try primary())]
        }
        let result = try make(.test(value, name, given), position)
        return isNegated ? try make(.not(result), position) : result
    }

    private var beginsArgument: Bool {
        switch current.kind {
        case .string, .integer, .float: true
        case .name: !["else", "or", "and"].contains(current.text)
        case .symbol: current.text == "[" || current.text == "{"
        default: false
        }
    }
}
