import KraitWire

/// `{% block %}`, where it stands.
final class BlockNode: RunnableNode {
    private let name: String
    private let isScoped: Bool
    private let isRequired: Bool
    private let locals: [(name: String, slot: SlotReference)]
    private let position: TemplatePosition

    init(
        _ block: TemplateStatement.Block,
        locals: [(name: String, slot: SlotReference)],
        _ position: TemplatePosition
    ) {
        (name, isScoped, isRequired) = (block.name, block.isScoped, block.isRequired)
        (self.locals, self.position) = (locals, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.position = position
        var context = rendering.context
        let stack = context.blocks[name] ?? []
        if isRequired, stack.count <= 1 {
            throw TemplateError(.value, "the block \(name) is required and nobody fills it in")
        }
        guard let code = stack.first else { return .goOn }
        if isScoped {
            let blocks = context.blocks
            context = TemplateContext(within: context, locals: rendering.locals(locals))
            context.blocks = blocks
            try rendering.keep(context)
        }
        try code.runBlock(context, level: 0, &rendering)
        return .goOn
    }
}

final class ExtendsNode: RunnableNode {
    private let template: any EvaluableNode
    private let position: TemplatePosition

    init(_ template: any EvaluableNode, _ position: TemplatePosition) {
        (self.template, self.position) = (template, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.position = position
        guard rendering.frame.extended == nil else {
            throw TemplateError(.value, "a template extends one other at most")
        }
        let name = try template.evaluate(&rendering)
        let unit = try rendering.unit(named: name)
        for (name, block) in unit.blocks {
            rendering.context.blocks[name, default: []].append(block)
        }
        rendering.frame.extended = unit
        return .goOn
    }
}

final class IncludeNode: RunnableNode {
    private let template: any EvaluableNode
    private let ignoresMissing: Bool
    private let withContext: Bool
    private let locals: [(name: String, slot: SlotReference)]
    private let position: TemplatePosition

    init(
        _ template: any EvaluableNode,
        ignoresMissing: Bool,
        withContext: Bool,
        locals: [(name: String, slot: SlotReference)],
        _ position: TemplatePosition
    ) {
        (self.template, self.ignoresMissing) = (template, ignoresMissing)
        (self.withContext, self.locals, self.position) = (withContext, locals, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.position = position
        let name = try template.evaluate(&rendering)
        let found: TemplateUnit?
        if let names = name.listItems ?? Self.tuple(name) {
            found = try rendering.firstUnit(named: names)
            guard found != nil || ignoresMissing else {
                throw TemplateError(.missingTemplate, "none of the templates named is there")
            }
        } else {
            do throws(TemplateError) {
                found = try rendering.unit(named: name)
            } catch {
                guard ignoresMissing, error.kind == .missingTemplate else { throw error }
                found = nil
            }
        }
        guard let found else { return .goOn }
        let context = rendering.contextForOther(found, withContext: withContext, locals)
        try rendering.keep(context)
        try rendering.runRoot(found, context)
        return .goOn
    }

    private static func tuple(_ item: Item) -> [Item]? {
        if case .tuple(let elements) = item { elements.items } else { nil }
    }
}

final class ImportNode: RunnableNode {
    struct Name: Sendable {
        let name: String
        let alias: String
        let slot: SlotReference
    }

    private let template: any EvaluableNode
    private let withContext: Bool
    private let locals: [(name: String, slot: SlotReference)]
    /// Where the whole goes, for `import … as`.
    private let whole: Name?
    private let names: [Name]
    private let isTopLevel: Bool
    private let position: TemplatePosition

    init(
        _ template: any EvaluableNode,
        withContext: Bool,
        locals: [(name: String, slot: SlotReference)],
        whole: Name?,
        names: [Name],
        isTopLevel: Bool,
        _ position: TemplatePosition
    ) {
        (self.template, self.withContext, self.locals) = (template, withContext, locals)
        (self.whole, self.names, self.isTopLevel) = (whole, names, isTopLevel)
        self.position = position
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.position = position
        let name = try template.evaluate(&rendering)
        let unit = try rendering.unit(named: name)
        let context = rendering.contextForOther(unit, withContext: withContext, locals)
        try rendering.keep(context)
        let text = try rendering.capturing { rendering throws(TemplateError) in
            try rendering.runRoot(unit, context)
        }
        var exported: [String: Item] = [:]
        for name in context.exported { exported[name] = context.variables[name] }
        if let whole {
            let module = try TemplateModule(name: unit.name ?? "", text: text, exported: exported)
            put(.object(module), whole, &rendering)
        }
        for name in names {
            let reason = "the template \(unit.name ?? "") does not export \(name.name)"
            put(exported[name.name] ?? .undefined(Missing(reason)), name, &rendering)
        }
        return .goOn
    }

    private func put(_ item: Item, _ name: Name, _ rendering: inout Rendering) {
        name.slot.write(item, &rendering)
        guard isTopLevel, rendering.context.isRead else { return }
        rendering.context.set(name.alias, item, isExported: false)
        rendering.context.exported.remove(name.alias)
    }
}

extension Rendering {
    /// The names of a function as another template sees them.
    func locals(_ names: [(name: String, slot: SlotReference)]) -> [String: Item] {
        var result: [String: Item] = [:]
        for (name, slot) in names {
            let item = slot.read(frame)
            if case .absent = item { continue }
            result[name] = item
        }
        return result
    }

    func unit(named item: Item) throws(TemplateError) -> TemplateUnit {
        if case .undefined(let missing) = item { throw missing.failure }
        guard let name = item.string else {
            throw TemplateError(.value, "a template is named by text, not \(item.typeName)")
        }
        guard let unit = try environment.unit(named: name) else {
            throw TemplateEnvironment.missing(name)
        }
        return unit
    }

    func firstUnit(named names: [Item]) throws(TemplateError) -> TemplateUnit? {
        for item in names {
            if let name = item.string, let unit = try environment.unit(named: name) { return unit }
        }
        return nil
    }

    func contextForOther(
        _ unit: TemplateUnit,
        withContext: Bool,
        _ names: [(name: String, slot: SlotReference)]
    ) -> TemplateContext {
        withContext
            ? TemplateContext(within: context, locals: locals(names))
            : TemplateContext(values: ValueMap(), isRead: true)
    }

    /// Runs a template from its top, and those that it extends.
    mutating func runRoot(
        _ unit: TemplateUnit,
        _ context: TemplateContext
    ) throws(TemplateError) {
        for (name, block) in unit.blocks { context.blocks[name] = [block] }
        var next: TemplateUnit? = unit
        var count = 0
        while let current = next {
            count += 1
            try check(extensions: count)
            let frame = TemplateFrame(slots: current.root.slotCount, parent: nil)
            try entering(frame, context, current) { rendering throws(TemplateError) in
                try rendering.runBody(of: current)
            }
            next = frame.extended
        }
    }

    /// Runs the top of the template that is entered already.
    mutating func runBody(of unit: TemplateUnit) throws(TemplateError) {
        if let slot = unit.root.selfSlot { frame.slots[slot] = .object(TemplateSelf(context)) }
        for load in unit.root.loads { load.run(&self) }
        _ = try unit.root.body.run(&self)
    }
}
