import KraitWire

/// The statements between `{%` and `%}`.
extension TemplateParser {
    /// The statement that the current token names, up to its last tag's end.
    mutating func statement() throws(TemplateError) -> [TemplateStatement] {
        guard current.kind == .name else { throw unexpected(wanted: "the name of a tag") }
        let token = next()
        let kind: TemplateStatement.Kind
        switch token.text {
        case "for": kind = try loop()
        case "if": kind = try branches()
        case "set": kind = try set()
        case "with": kind = try with()
        case "print": return try printed(token.position)
        case "macro":
            let name = try expectName().text
            kind = .macro(name, try parameters(), try wholeBody("endmacro"))
        case "call": kind = try callBlock()
        case "filter":
            let filter = try filters(nil, isInline: true)
            kind = .filterBlock(filter, try wholeBody("endfilter"))
        case "include", "import", "from", "extends", "block":
            kind = try composition(token.text)
        case "autoescape": kind = try autoescape(token.position)
        default: kind = try extensionTag(token)
        }
        return [TemplateStatement(kind: kind, position: token.position)]
    }

    private mutating func extensionTag(
        _ token: TemplateToken
    ) throws(TemplateError) -> TemplateStatement.Kind {
        switch token.text {
        case "break" where options.allowsLoopControls: return .breakLoop
        case "continue" where options.allowsLoopControls: return .continueLoop
        case "do" where options.allowsDo: return .evaluate(try tuple())
        case "generation" where options.allowsGeneration:
            return .scope(try wholeBody("endgeneration"))
        case "break", "continue", "do", "generation", "trans", "debug":
            let what = "the tag \(token.text) belongs to an extension of Jinja"
            let remedy = token.text == "trans" || token.text == "debug" ? "not supported" : "not on"
            throw fail("\(what) that is \(remedy) here", .unsupported, at: token.position)
        default:
            let name = token.text.prefix(40)
            guard let ends = endings.last else {
                let known = Self.tags.sorted().joined(separator: ", ")
                let isEnd = name.hasPrefix("end") || name == "else" || name == "elif"
                let reason = isEnd ? "this \(name) ends nothing" : "there is no tag \(name)"
                throw fail("\(reason); there are: \(known)", at: token.position)
            }
            let wanted = ends.map { "{% \($0) %}" }.joined(separator: " or ")
            let reason = "the tag \(name) is not understood here, where \(wanted) may come"
            throw fail(reason, at: token.position)
        }
    }

    private static let tags = [
        "autoescape", "block", "call", "extends", "filter", "for", "from", "if", "import",
        "include", "macro", "print", "raw", "set", "with",
    ]

    /// What may be assigned to: a name, names with commas between, a namespace's attribute.
    private mutating func target(
        until end: String? = nil
    ) throws(TemplateError) -> TemplateExpression {
        let target = try tuple(isTarget: true, until: end)
        try check(target: target)
        return target
    }

    private func check(target: TemplateExpression) throws(TemplateError) {
        switch target.kind {
        case .name, .namespaceReference: return
        case .tuple(let parts), .list(let parts):
            for part in parts { try check(target: part) }
        default:
            throw fail("nothing can be assigned to this; a name is wanted", at: target.position)
        }
    }

    private mutating func loop() throws(TemplateError) -> TemplateStatement.Kind {
        let target = try target(until: "in")
        guard skip(name: "in") else { throw unexpected(wanted: "in") }
        let over = try tuple(allowsCondition: false, until: "recursive")
        let test = skip(name: "if") ? try expression() : nil
        let isRecursive = skip(name: "recursive")
        let content = try body("else", "endfor")
        let otherwise = next().text == "else" ? try wholeBody("endfor") : []
        return .loop(
            TemplateStatement.Loop(
                target: target,
                over: over,
                test: test,
                isRecursive: isRecursive,
                body: content,
                otherwise: otherwise
            )
        )
    }

    private mutating func branches() throws(TemplateError) -> TemplateStatement.Kind {
        var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let test = try tuple(allowsCondition: false)
            branches.append((test, try body("elif", "else", "endif")))
            switch next().text {
            case "elif": continue
            case "else": return .branches(branches, try wholeBody("endif"))
            default: return .branches(branches, [])
            }
        }
    }

    private mutating func set() throws(TemplateError) -> TemplateStatement.Kind {
        let target = try target()
        if skip(symbol: "=") { return .set(target, try tuple()) }
        let filter = current.isSymbol("|") ? try filters(nil) : nil
        return .setBlock(target, filter: filter, try wholeBody("endset"))
    }

    private mutating func with() throws(TemplateError) -> TemplateStatement.Kind {
        var pairs: [(TemplateExpression, TemplateExpression)] = []
        while current.kind != .blockEnd {
            if !pairs.isEmpty { try expect(symbol: ",") }
            let name = try target()
            try expect(symbol: "=")
            pairs.append((name, try expression()))
        }
        return .with(pairs, try wholeBody("endwith"))
    }

    private mutating func printed(
        _ position: TemplatePosition
    ) throws(TemplateError) -> [TemplateStatement] {
        var result: [TemplateStatement] = []
        while current.kind != .blockEnd {
            if !result.isEmpty { try expect(symbol: ",") }
            result.append(TemplateStatement(kind: .output(try expression()), position: position))
        }
        return result
    }

    private mutating func parameters() throws(TemplateError) -> TemplateParameters {
        var result = TemplateParameters()
        try expect(symbol: "(")
        while !current.isSymbol(")") {
            if !result.names.isEmpty { try expect(symbol: ",") }
            let token = try expectName("the name of a parameter")
            guard !result.names.contains(token.text) else {
                throw fail("the parameter \(token.text) is there twice", at: token.position)
            }
            result.names.append(token.text)
            if skip(symbol: "=") {
                result.defaults.append(try expression())
            } else if !result.defaults.isEmpty {
                throw fail("a parameter without a default follows one that has one")
            }
        }
        try expect(symbol: ")")
        return result
    }

    private mutating func callBlock() throws(TemplateError) -> TemplateStatement.Kind {
        let names = current.isSymbol("(") ? try parameters() : TemplateParameters()
        let callee = try expression()
        guard case .call = callee.kind else {
            throw fail("a call of a macro is wanted here", at: callee.position)
        }
        return .callBlock(names, callee, try wholeBody("endcall"))
    }

    private mutating func autoescape(
        _ position: TemplatePosition
    ) throws(TemplateError) -> TemplateStatement.Kind {
        guard case .constant(false) = try expression().kind else {
            let reason = "autoescape is not supported; prompts are plain text"
            throw fail(reason, .unsupported, at: position)
        }
        return .scope(try wholeBody("endautoescape"))
    }

    // MARK: Templates out of templates

    private mutating func composition(
        _ tag: String
    ) throws(TemplateError) -> TemplateStatement.Kind {
        switch tag {
        case "block": return try block()
        case "extends": return .extends(try expression())
        case "include":
            let template = try expression()
            var ignoresMissing = false
            if current.isName("ignore"), following.isName("missing") {
                next()
                next()
                ignoresMissing = true
            }
            let withContext = context() ?? true
            return .include(template, ignoresMissing: ignoresMissing, withContext: withContext)
        case "import":
            let template = try expression()
            guard skip(name: "as") else { throw unexpected(wanted: "as") }
            let name = try expectName().text
            return .importAll(template, as: name, withContext: context() ?? false)
        default: return try importNames()
        }
    }

    /// `with context` or `without context`, where one stands here.
    private mutating func context() -> Bool? {
        guard current.isName("with") || current.isName("without"), following.isName("context")
        else { return nil }
        let isWith = next().text == "with"
        next()
        return isWith
    }

    private mutating func importNames() throws(TemplateError) -> TemplateStatement.Kind {
        let template = try expression()
        guard skip(name: "import") else { throw unexpected(wanted: "import") }
        var names: [(name: String, alias: String)] = []
        while true {
            if !names.isEmpty { try expect(symbol: ",") }
            if let withContext = context() {
                return .importNames(template, names, withContext: withContext)
            }
            let token = try expectName()
            guard !token.text.hasPrefix("_") else {
                let reason = "names that begin with an underscore are not imported"
                throw fail(reason, at: token.position)
            }
            let alias = skip(name: "as") ? try expectName().text : token.text
            names.append((token.text, alias))
            if let withContext = context() {
                return .importNames(template, names, withContext: withContext)
            }
            guard current.isSymbol(",") else {
                return .importNames(template, names, withContext: false)
            }
        }
    }

    private mutating func block() throws(TemplateError) -> TemplateStatement.Kind {
        let name = try expectName().text
        let isScoped = skip(name: "scoped")
        let isRequired = skip(name: "required")
        if current.isSymbol("-") {
            throw fail("the name of a block has no hyphens; write an underscore")
        }
        let content = try wholeBody("endblock")
        if isRequired {
            for statement in content {
                guard case .text(let text) = statement.kind,
                    text.unicodeScalars.allSatisfy(TemplateSpace.isSpace)
                else { throw fail("a required block holds white space and comments only") }
            }
        }
        _ = skip(name: name)
        return .block(
            TemplateStatement.Block(
                name: name,
                isScoped: isScoped,
                isRequired: isRequired,
                body: content
            )
        )
    }
}
