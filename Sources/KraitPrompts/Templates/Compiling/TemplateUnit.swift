/// A compiled template: what `TextTemplate` holds.
final class TemplateUnit: Sendable {
    let name: String?
    let root: TemplateFunctionCode
    let blocks: [String: TemplateFunctionCode]
    /// Whether what it sets at its top is read by blocks, includes or imports.
    let readsVariables: Bool

    init(
        name: String?,
        root: TemplateFunctionCode,
        blocks: [String: TemplateFunctionCode],
        readsVariables: Bool
    ) {
        (self.name, self.root, self.blocks) = (name, root, blocks)
        self.readsVariables = readsVariables
    }
}

/// What has slots of its own: a template's root, a block, a macro, a recursive loop.
final class TemplateFunctionCode: Sendable {
    let slotCount: Int
    let loads: [SlotLoad]
    let body: [any RunnableNode]
    /// The template that it stands in; nil for its root, which is entered by the template.
    let blockName: String?
    /// The slots of `self` and `super`, where a block uses them.
    let selfSlot: Int?
    let superSlot: Int?

    init(
        slotCount: Int,
        loads: [SlotLoad],
        body: [any RunnableNode],
        blockName: String? = nil,
        selfSlot: Int? = nil,
        superSlot: Int? = nil
    ) {
        (self.slotCount, self.loads, self.body) = (slotCount, loads, body)
        (self.blockName, self.selfSlot, self.superSlot) = (blockName, selfSlot, superSlot)
    }
}

/// Where a name's value is: a slot of the function itself, or of one around it.
struct SlotReference: Sendable, Hashable {
    var outer: Int
    var slot: Int

    @inline(__always)
    func read(_ frame: TemplateFrame) -> Item {
        outer == 0 ? frame.slots[slot] : frame.outer(outer).slots[slot]
    }

    @inline(__always)
    func write(_ item: Item, _ rendering: inout Rendering) {
        if outer == 0 {
            rendering.frame.slots[slot] = item
        } else {
            rendering.frame.outer(outer).slots[slot] = item
        }
    }
}

/// What is put into a slot when its scope begins.
struct SlotLoad: Sendable {
    enum Source: Sendable {
        /// The name's value in the context.
        case context(String)
        case slot(SlotReference)
        case nothing
    }

    let slot: Int
    let source: Source

    func run(_ rendering: inout Rendering) {
        switch source {
        case .context(let name):
            rendering.frame.slots[slot] =
                rendering.context.resolve(name, rendering.environment)
        case .slot(let reference): rendering.frame.slots[slot] = reference.read(rendering.frame)
        case .nothing: rendering.frame.slots[slot] = .absent
        }
    }
}

/// An expression that is ready to run.
protocol EvaluableNode: AnyObject, Sendable {
    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item
}

/// A statement that is ready to run.
protocol RunnableNode: AnyObject, Sendable {
    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl
}

/// Whether a loop goes on behind a statement.
enum LoopControl {
    case goOn, breakLoop, continueLoop
}

extension [any RunnableNode] {
    @inline(__always)
    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        for node in self {
            let control = try node.run(&rendering)
            if control != .goOn { return control }
        }
        return .goOn
    }
}

/// Everything that rendering needs beside the template and its values.
final class TemplateEnvironment: Sendable {
    let options: TemplateOptions
    let loader: (any TemplateLoader)?
    private let cache: TemplateCache

    init(options: TemplateOptions, loader: (any TemplateLoader)?, cache: TemplateCache) {
        (self.options, self.loader, self.cache) = (options, loader, cache)
    }

    /// The template of that name, or nil where the loader has none.
    func unit(named name: String) throws(TemplateError) -> TemplateUnit? {
        guard let loader else {
            let reason = "there is no loader for the template \(name.prefix(80)); give one"
            throw TemplateError(.missingTemplate, reason)
        }
        guard let text = loader.text(of: name) else { return nil }
        return try cache.unit(of: text, name: name, options: options)
    }

    static func missing(_ name: String) -> TemplateError {
        TemplateError(.missingTemplate, "there is no template \(name.prefix(80))")
    }
}
