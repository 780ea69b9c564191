import KraitWire

/// Templates out of templates: blocks, and those that are included, imported or extended.
extension TemplateCompiler {
    mutating func composition(
        _ statement: TemplateStatement,
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        let (scope, position) = (place.scope, statement.position)
        switch statement.kind {
        case .extends(let template):
            guard place.isTop else {
                throw fail("extends stands at the top of a template only", at: position)
            }
            return ExtendsNode(try node(template, scope), position)
        case .include(let template, let ignoresMissing, let withContext):
            return IncludeNode(
                try node(template, scope),
                ignoresMissing: ignoresMissing,
                withContext: withContext,
                locals: scope.locals,
                position
            )
        case .importAll(let template, let name, let withContext):
            let whole = ImportNode.Name(name: name, alias: name, slot: slot(of: name, scope))
            return ImportNode(
                try node(template, scope),
                withContext: withContext,
                locals: scope.locals,
                whole: whole,
                names: [],
                isTopLevel: place.isTop,
                position
            )
        case .importNames(let template, let names, let withContext):
            return ImportNode(
                try node(template, scope),
                withContext: withContext,
                locals: scope.locals,
                whole: nil,
                names: names.map { name in
                    let slot = slot(of: name.alias, scope)
                    return ImportNode.Name(name: name.name, alias: name.alias, slot: slot)
                },
                isTopLevel: place.isTop,
                position
            )
        case .block(let block): return try compile(block, position, in: place)
        default: preconditionFailure("this statement is compiled elsewhere")
        }
    }

    private mutating func compile(
        _ block: TemplateStatement.Block,
        _ position: TemplatePosition,
        in place: Place
    ) throws(TemplateError) -> any RunnableNode {
        guard blocks[block.name] == nil else {
            throw fail("there are two blocks \(block.name)", at: position)
        }
        let function = FunctionSlots(within: nil)
        let scope = TemplateScope(function, within: nil)
        let special = TemplateNames.read(["self", "super"], in: block.body)
        func declare(_ name: String) -> Int? {
            special.contains(name) ? scope.declare(parameter: name).slot : nil
        }
        let (selfSlot, superSlot) = (declare("self"), declare("super"))
        TemplateAnalysis.look(at: block.body, in: scope)
        let before = loops
        loops = 0
        // Set before its body is compiled, so that a block within it of the same name is found.
        blocks[block.name] = TemplateFunctionCode(slotCount: 0, loads: [], body: [])
        let nodes = try compileScope(block.body, in: Place(scope: scope))
        loops = before
        blocks[block.name] = TemplateFunctionCode(
            slotCount: function.count,
            loads: scope.slotLoads,
            body: nodes,
            blockName: block.name,
            selfSlot: selfSlot,
            superSlot: superSlot
        )
        let node = BlockNode(block, locals: block.isScoped ? place.scope.locals : [], position)
        return place.isTop ? output(node, place) : node
    }
}
