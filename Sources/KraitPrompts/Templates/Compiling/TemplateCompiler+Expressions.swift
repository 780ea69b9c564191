import KraitWire

extension TemplateCompiler {
    /// The expression, ready to run; `buffer` is the slot that a block's filter is applied to.
    mutating func node(
        _ expression: TemplateExpression,
        _ scope: TemplateScope,
        buffer: Int? = nil
    ) throws(TemplateError) -> any EvaluableNode {
        let position = expression.position
        switch expression.kind {
        case .constant(let value): return ConstantNode(value)
        case .name(let name): return self.name(name, position, scope)
        case .namespaceReference: throw fail("this can only be assigned to", at: position)
        case .list(let parts): return SequenceNode(try nodes(parts, scope), isTuple: false)
        case .tuple(let parts): return SequenceNode(try nodes(parts, scope), isTuple: true)
        case .dict(let pairs):
            var compiled: [(any EvaluableNode, any EvaluableNode)] = []
            for pair in pairs {
                compiled.append((try node(pair.key, scope), try node(pair.value, scope)))
            }
            return DictNode(compiled)
        case .condition(let test, let then, let otherwise):
            let before = isInBranch
            isInBranch = true
            defer { isInBranch = before }
            return ConditionNode(
                try node(test, scope),
                try node(then, scope),
                try optional(otherwise, scope)
            )
        case .or(let left, let right):
            return LogicNode(try node(left, scope), try node(right, scope), isAnd: false)
        case .and(let left, let right):
            return LogicNode(try node(left, scope), try node(right, scope), isAnd: true)
        case .not(let inner): return NotNode(try node(inner, scope))
        case .compare(let first, let rest):
            var compiled: [(TemplateExpression.Comparison, any EvaluableNode)] = []
            for (comparison, part) in rest { compiled.append((comparison, try node(part, scope))) }
            return CompareNode(try node(first, scope), compiled, position)
        case .binary(let operation, let left, let right):
            if operation == .power, case .negated(let inner) = left.kind,
                case .constant = inner.kind, !right.isConstant
            {
                // As in Jinja, whose Python text for it is `-2 ** x`, with the sign outside.
                let (base, exponent) = (try node(inner, scope), try node(right, scope))
                let power = ArithmeticNode(operation, base, exponent, position)
                return SignNode(power, isNegative: true, position)
            }
            let (left, right) = (try node(left, scope), try node(right, scope))
            return ArithmeticNode(operation, left, right, position)
        case .negated(let inner):
            return SignNode(try node(inner, scope), isNegative: true, position)
        case .positive(let inner):
            return SignNode(try node(inner, scope), isNegative: false, position)
        case .concat(let parts): return ConcatNode(try nodes(parts, scope), position)
        case .attribute, .element, .slice, .call, .filter, .test:
            return try behind(expression, scope, buffer: buffer)
        }
    }

    /// What is written behind a value.
    private mutating func behind(
        _ expression: TemplateExpression,
        _ scope: TemplateScope,
        buffer: Int?
    ) throws(TemplateError) -> any EvaluableNode {
        let position = expression.position
        switch expression.kind {
        case .attribute(let value, let name):
            return AttributeNode(try node(value, scope), name, position)
        case .element(let value, let key):
            return ElementNode(try node(value, scope), try node(key, scope), position)
        case .slice(let value, let bounds):
            var compiled: [(any EvaluableNode)?] = []
            for bound in bounds { compiled.append(try optional(bound, scope)) }
            return SliceNode(try node(value, scope), compiled, position)
        case .call(let callee, let given):
            return CallNode(try node(callee, scope), try arguments(given, scope), position)
        case .filter(let value, let name, let given):
            guard let filter = TemplateFilters.table[name] else {
                let error = Self.unknown("filter", name, TemplateFilters.unsupported, at: position)
                // Jinja too finds these only when they are reached.
                guard isInBranch else { throw error }
                return FailingNode(error)
            }
            let input: any EvaluableNode
            if let value {
                isLenientHere = name == "default" || name == "d"
                input = try node(value, scope, buffer: buffer)
                isLenientHere = false
            } else {
                input = NameNode(buffer ?? 0, name: name)
            }
            return FilterNode(input, filter, try arguments(given, scope), position)
        case .test(let value, let name, let given):
            guard let test = TemplateTests.table[name] else {
                let error = Self.unknown("test", name, [], at: position)
                guard isInBranch else { throw error }
                return FailingNode(error)
            }
            isLenientHere = name == "defined" || name == "undefined"
            let input = try node(value, scope)
            isLenientHere = false
            return TestNode(input, test, try arguments(given, scope), position)
        default: preconditionFailure("this expression is compiled elsewhere")
        }
    }

    static func unknown(
        _ what: String,
        _ name: String,
        _ unsupported: Set<String>,
        at position: TemplatePosition
    ) -> TemplateError {
        if unsupported.contains(name) {
            let reason = "the \(what) \(name) is Jinja's and is not supported here"
            return TemplateError(.unsupported, reason, at: position)
        }
        let names = what == "filter" ? TemplateFilters.names : TemplateTests.names
        let remedy = TemplateError.remedy(for: name, among: names, listsAll: false)
        return TemplateError(.syntax, "there is no \(what) \(name)\(remedy)", at: position)
    }

    private mutating func name(
        _ name: String,
        _ position: TemplatePosition,
        _ scope: TemplateScope
    ) -> any EvaluableNode {
        if !isLenientHere, scope.asksValues(for: name), TemplateGlobals.table[name] == nil {
            readNames.append(TemplateName(name: name, position: position))
        }
        isLenientHere = false
        let reference = slot(of: name, scope)
        return reference.outer == 0
            ? NameNode(reference.slot, name: name) : OuterNameNode(reference, name: name)
    }

    private mutating func optional(
        _ expression: TemplateExpression?,
        _ scope: TemplateScope
    ) throws(TemplateError) -> (any EvaluableNode)? {
        guard let expression else { return nil }
        return try node(expression, scope)
    }

    private mutating func nodes(
        _ expressions: [TemplateExpression],
        _ scope: TemplateScope
    ) throws(TemplateError) -> [any EvaluableNode] {
        var nodes: [any EvaluableNode] = []
        for expression in expressions { nodes.append(try node(expression, scope)) }
        return nodes
    }

    private mutating func arguments(
        _ given: TemplateArguments,
        _ scope: TemplateScope
    ) throws(TemplateError) -> ArgumentNodes {
        var named: [(name: String, value: any EvaluableNode)] = []
        for (name, value) in given.named { named.append((name, try node(value, scope))) }
        return ArgumentNodes(
            positional: try nodes(given.positional, scope),
            named: named,
            rest: try optional(given.rest, scope),
            namedRest: try optional(given.namedRest, scope)
        )
    }
}

/// A name that a template asks its values for, and where.
struct TemplateName: Sendable, Hashable {
    var name: String
    var position: TemplatePosition
}

extension TemplateScope {
    /// Whether the name is looked up in the values that the template is given.
    func asksValues(for name: String) -> Bool {
        guard let place = place(of: name) else { return false }
        var scope: TemplateScope? = self
        while let current = scope {
            switch current.load(at: place) {
            case .context: return true
            case .outer(let outer) where outer != place:
                return current.parent?.asksValues(for: name) ?? false
            case .some: return false
            case nil: scope = current.parent
            }
        }
        return false
    }
}
