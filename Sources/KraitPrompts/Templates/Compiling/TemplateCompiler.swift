import KraitWire

/// Makes nodes with slots of what was written.
struct TemplateCompiler {
    /// Where a statement stands.
    struct Place {
        var scope: TemplateScope
        /// Whether names that are set are the template's own: at its top, or in an `if` there.
        var isTop = false
        /// Whether a template that extends another leaves output out.
        var isLeftOutIfExtended = false

        func inner(_ scope: TemplateScope) -> Place {
            Place(scope: scope, isTop: false, isLeftOutIfExtended: isLeftOutIfExtended)
        }
    }

    let name: String?
    var blocks: [String: TemplateFunctionCode] = [:]
    private var spaces = 0
    /// Names that the values are asked for, where each is first read.
    var readNames: [TemplateName] = []
    var isLenientHere = false
    var loops = 0
    /// Whether what is compiled stands in a branch, and not in a scope within one.
    var isInBranch = false

    static func compile(
        _ statements: [TemplateStatement],
        name: String?
    ) throws(TemplateError) -> (unit: TemplateUnit, names: [TemplateName]) {
        var compiler = TemplateCompiler(name: name)
        let function = FunctionSlots(within: nil)
        let scope = TemplateScope(function, within: nil)
        var selfSlot: Int?
        if TemplateNames.read(["self"], in: statements).contains("self") {
            selfSlot = scope.declare(parameter: "self").slot
        }
        TemplateAnalysis.look(at: statements, in: scope)
        let extends = TemplateNames.contains(in: statements) {
            if case .extends = $0 { true } else { false }
        }
        let place = Place(scope: scope, isTop: true, isLeftOutIfExtended: extends)
        let body = try compiler.compile(statements, in: place)
        let root = TemplateFunctionCode(
            slotCount: function.count,
            loads: scope.slotLoads,
            body: body,
            selfSlot: selfSlot
        )
        let isRead = TemplateNames.contains(in: statements) { kind in
            switch kind {
            case .include, .importAll, .importNames, .extends, .block: true
            default: false
            }
        }
        let unit = TemplateUnit(
            name: name,
            root: root,
            blocks: compiler.blocks,
            readsVariables: isRead
        )
        return (unit, compiler.readNames)
    }

    private init(name: String?) { self.name = name }

    func fail(_ reason: String, at position: TemplatePosition) -> TemplateError {
        TemplateError(.syntax, reason, at: position)
    }

    mutating func compile(
        _ statements: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> [any RunnableNode] {
        var nodes: [any RunnableNode] = []
        for statement in statements { nodes.append(try compile(statement, in: place)) }
        return nodes
    }

    /// The body of a scope of its own.
    mutating func compileScope(
        _ statements: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> [any RunnableNode] {
        let before = isInBranch
        isInBranch = false
        defer { isInBranch = before }
        return try compile(statements, in: place)
    }

    private mutating func compile(
        _ statement: TemplateStatement,
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let (scope, position) = (place.scope, statement.position)
        switch statement.kind {
        case .text(let text): return output(TextNode(text), place)
        case .output(let expression):
            return output(OutputNode(try node(expression, scope), position), place)
        case .loop(let loop): return try compile(loop, position, in: place)
        case .branches(let branches, let otherwise):
            let before = isInBranch
            isInBranch = true
            defer { isInBranch = before }
            var compiled: [(test: any EvaluableNode, body: [any RunnableNode])] = []
            for branch in branches {
                compiled.append((try node(branch.test, scope), try compile(branch.body, in: place)))
            }
            return BranchesNode(compiled, try compile(otherwise, in: place))
        case .set(let target, let value):
            return SetNode(
                try self.target(target, scope),
                try node(value, scope),
                exported: exported(target, place),
                position
            )
        case .setBlock(let target, let filter, let body):
            return try setBlock(target, filter, body, in: place)
        case .with(let pairs, let body): return try with(pairs, body, in: place)
        case .macro(let name, let parameters, let body):
            let code = try macro(name, parameters, body, position, in: place)
            return MacroNode(code, slot(of: name, scope), isExported: place.isTop)
        case .callBlock(let parameters, let callee, let body):
            let code = try macro(nil, parameters, body, position, in: place)
            guard let call = try node(callee, scope) as? CallNode else {
                throw fail("a call of a macro is wanted here", at: position)
            }
            return CallBlockNode(code, call, position)
        case .filterBlock(let filter, let body): return try filterBlock(filter, body, in: place)
        case .scope(let body): return ScopeNode(try scopeCode(body, in: place).code)
        case .evaluate(let expression): return EvaluateNode(try node(expression, scope))
        case .breakLoop, .continueLoop:
            guard loops > 0 else {
                throw fail("break and continue stand in loops only", at: position)
            }
            if case .breakLoop = statement.kind { return LoopControlNode(.breakLoop) }
            return LoopControlNode(.continueLoop)
        case .include, .importAll, .importNames, .extends, .block:
            return try composition(statement, in: place)
        }
    }

    func output(_ node: any RunnableNode, _ place: Place) -> any RunnableNode {
        guard place.isLeftOutIfExtended else { return node }
        return UnlessExtendedNode(node, levels: place.scope.function.level)
    }

    // MARK: Scopes

    /// A body with names of its own, and the scope of those.
    private mutating func scopeCode(
        _ body: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> (code: ScopeCode, scope: TemplateScope) {
        let scope = TemplateScope(place.scope.function, within: place.scope)
        TemplateAnalysis.look(at: body, in: scope)
        let nodes = try compileScope(body, in: place.inner(scope))
        return (ScopeCode(loads: scope.slotLoads, body: nodes), scope)
    }

    private mutating func with(
        _ pairs: [(TemplateExpression, TemplateExpression)],
        _ body: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let scope = TemplateScope(place.scope.function, within: place.scope)
        for (target, _) in pairs {
            for name in TemplateNames.names(of: target) { scope.declare(parameter: name) }
        }
        TemplateAnalysis.look(at: body, in: scope)
        var values: [(any AssignableNode, any EvaluableNode)] = []
        for (target, value) in pairs {
            values.append((try self.target(target, scope), try node(value, place.scope)))
        }
        let nodes = try compileScope(body, in: place.inner(scope))
        return ScopeNode(ScopeCode(loads: scope.slotLoads, body: nodes), values: values)
    }

    private mutating func setBlock(
        _ target: TemplateExpression,
        _ filter: TemplateExpression?,
        _ body: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let scope = TemplateScope(place.scope.function, within: place.scope)
        TemplateAnalysis.look(at: body, in: scope)
        if let filter { TemplateAnalysis.look(at: filter, in: scope) }
        var inner = place.inner(scope)
        inner.isLeftOutIfExtended = false
        let nodes = try compileScope(body, in: inner)
        let buffer = scope.function.unnamedSlot()
        return SetBlockNode(
            try self.target(target, place.scope),
            ScopeCode(loads: scope.slotLoads, body: nodes),
            filter: try filter.map { filter throws(TemplateError) in
                try node(filter, scope, buffer: buffer)
            },
            bufferSlot: buffer,
            exported: exported(target, place)
        )
    }

    private mutating func filterBlock(
        _ filter: TemplateExpression,
        _ body: [TemplateStatement],
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let scope = TemplateScope(place.scope.function, within: place.scope)
        TemplateAnalysis.look(at: body, in: scope)
        TemplateAnalysis.look(at: filter, in: scope)
        let nodes = try compileScope(body, in: place.inner(scope))
        let buffer = scope.function.unnamedSlot()
        return FilterBlockNode(
            ScopeCode(loads: scope.slotLoads, body: nodes),
            try node(filter, scope, buffer: buffer),
            bufferSlot: buffer
        )
    }

    private func exported(
        _ target: TemplateExpression,
        _ place: Place
    ) -> [(name: String, slot: SlotReference)] {
        guard place.isTop else { return [] }
        return TemplateNames.names(of: target).map { ($0, slot(of: $0, place.scope)) }
    }

    func slot(of name: String, _ scope: TemplateScope) -> SlotReference {
        guard let place = scope.place(of: name) else {
            preconditionFailure("a name was compiled that nobody looked at")
        }
        return scope.reference(place)
    }

    mutating func target(
        _ target: TemplateExpression,
        _ scope: TemplateScope
    ) throws(TemplateError) -> any AssignableNode {
        switch target.kind {
        case .name(let name): return SlotTarget(slot(of: name, scope))
        case .namespaceReference(let name, let attribute):
            return NamespaceTarget(slot(of: name, scope), attribute, target.position)
        case .tuple(let parts), .list(let parts):
            var targets: [any AssignableNode] = []
            for part in parts { targets.append(try self.target(part, scope)) }
            return TupleTarget(targets, target.position)
        default: throw fail("nothing can be assigned to this", at: target.position)
        }
    }

    // MARK: Loops

    private mutating func compile(
        _ loop: TemplateStatement.Loop,
        _ position: TemplatePosition,
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let targets = TemplateNames.names(of: loop.target)
        guard !targets.contains("loop"), !TemplateNames.setsLoop(loop.body + loop.otherwise) else {
            throw fail("loop is what tells where a loop is, and cannot be set", at: position)
        }
        let outer = place.scope
        let function = loop.isRecursive ? FunctionSlots(within: outer.function) : outer.function
        let usesLoop =
            loop.isRecursive || !TemplateNames.read(["loop"], in: loop.body).isEmpty
            || TemplateNames.contains(in: loop.body) {
                if case .block(let block) = $0 { block.isScoped } else { false }
            }
        let scope = TemplateScope(function, within: outer)
        let loopSlot = usesLoop ? scope.declare(parameter: "loop").slot : nil
        for name in targets { scope.declare(parameter: name) }
        TemplateAnalysis.look(at: loop.body, in: scope)
        let over = try node(loop.over, outer)
        let filter = try loop.test.map { test throws(TemplateError) in
            try loopFilter(loop.target, test, function, within: outer)
        }
        loops += 1
        let body = try compileScope(loop.body, in: place.inner(scope))
        loops -= 1
        var otherwise: ScopeCode?
        if !loop.otherwise.isEmpty {
            let scope = TemplateScope(function, within: outer)
            TemplateAnalysis.look(at: loop.otherwise, in: scope)
            let nodes = try compileScope(loop.otherwise, in: place.inner(scope))
            otherwise = ScopeCode(loads: scope.slotLoads, body: nodes)
        }
        let loads = scope.slotLoads
        let code = ScopeCode(loads: loads, body: body)
        let own = TemplateFunctionCode(slotCount: function.count, loads: [], body: [])
        return LoopNode(
            LoopNode.Parts(
                target: try target(loop.target, scope),
                over: over,
                filter: filter,
                loopSlot: loopSlot,
                body: code,
                otherwise: otherwise,
                function: loop.isRecursive ? own : nil
            ),
            position
        )
    }

    private mutating func loopFilter(
        _ target: TemplateExpression,
        _ test: TemplateExpression,
        _ function: FunctionSlots,
        within outer: TemplateScope
    ) throws(TemplateError) -> LoopFilterCode {
        spaces += 1
        let scope = TemplateScope(function, within: outer, space: spaces)
        for name in TemplateNames.names(of: target) { scope.declare(parameter: name) }
        TemplateAnalysis.look(at: test, in: scope)
        return LoopFilterCode(
            loads: scope.slotLoads,
            target: try self.target(target, scope),
            test: try node(test, scope)
        )
    }

    // MARK: Macros

    private mutating func macro(
        _ name: String?,
        _ parameters: TemplateParameters,
        _ body: [TemplateStatement],
        _ position: TemplatePosition,
        in place: Place
    ) throws(TemplateError) -> TemplateMacroCode {
        let function = FunctionSlots(within: place.scope.function)
        let scope = TemplateScope(function, within: place.scope)
        for name in parameters.names { scope.declare(parameter: name) }
        let special = TemplateNames.read(["caller", "kwargs", "varargs"], in: body)
        let first = parameters.names.count - parameters.defaults.count
        if special.contains("caller"), let index = parameters.names.firstIndex(of: "caller"),
            index < first
        {
            throw fail("the parameter caller wants a default, or is left out", at: position)
        }
        func declare(_ name: String) -> Int? {
            guard special.contains(name), !parameters.names.contains(name) else { return nil }
            return scope.declare(parameter: name).slot
        }
        let (caller, named, rest) = (declare("caller"), declare("kwargs"), declare("varargs"))
        for expression in parameters.defaults { TemplateAnalysis.look(at: expression, in: scope) }
        TemplateAnalysis.look(at: body, in: scope)
        var compiled: [TemplateMacroCode.Parameter] = []
        for (index, name) in parameters.names.enumerated() {
            let value = index >= first ? try node(parameters.defaults[index - first], scope) : nil
            let slot = slot(of: name, scope).slot
            compiled.append(.init(name: name, slot: slot, defaultValue: value))
        }
        let before = loops
        loops = 0
        let nodes = try compileScope(body, in: Place(scope: scope))
        loops = before
        return TemplateMacroCode(
            name: name,
            parameters: compiled,
            function: TemplateFunctionCode(
                slotCount: function.count,
                loads: scope.slotLoads,
                body: nodes
            ),
            callerSlot: caller,
            namedSlot: named,
            restSlot: rest
        )
    }
}
