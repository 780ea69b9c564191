import KraitWire

final class TextNode: RunnableNode {
    private let bytes: [UInt8]
    init(_ text: String) { bytes = Array(text.utf8) }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.output.append(contentsOf: bytes)
        return .goOn
    }
}

/// Text and expressions that are written one behind the other.
final class OutputNode: RunnableNode {
    private let expression: any EvaluableNode
    private let position: TemplatePosition

    init(_ expression: any EvaluableNode, _ position: TemplatePosition) {
        (self.expression, self.position) = (expression, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        rendering.position = position
        switch try expression.evaluate(&rendering) {
        case .text(let text): rendering.output.append(contentsOf: text.utf8)
        case let item:
            rendering.position = position
            var output: [UInt8] = []
            swap(&output, &rendering.output)
            defer { swap(&output, &rendering.output) }
            try item.append(to: &output, &rendering)
        }
        if rendering.output.count > 1 << 16 {
            rendering.position = position
            try rendering.check(length: rendering.output.count)
        }
        return .goOn
    }
}

/// Statements that a template which extends another does not run.
final class UnlessExtendedNode: RunnableNode {
    private let node: any RunnableNode
    /// How many functions are between it and the template's top.
    private let levels: Int

    init(_ node: any RunnableNode, levels: Int) { (self.node, self.levels) = (node, levels) }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let isExtended = rendering.frame.outer(levels).extended != nil
        return isExtended ? .goOn : try node.run(&rendering)
    }
}

final class BranchesNode: RunnableNode {
    private let branches: [(test: any EvaluableNode, body: [any RunnableNode])]
    private let otherwise: [any RunnableNode]

    init(
        _ branches: [(test: any EvaluableNode, body: [any RunnableNode])],
        _ otherwise: [any RunnableNode]
    ) {
        (self.branches, self.otherwise) = (branches, otherwise)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        for branch in branches where try branch.test.evaluate(&rendering).isTrue(&rendering) {
            return try branch.body.run(&rendering)
        }
        return try otherwise.run(&rendering)
    }
}

final class SetNode: RunnableNode {
    private let target: any AssignableNode
    private let value: any EvaluableNode
    private let exported: [(name: String, slot: SlotReference)]
    private let position: TemplatePosition

    init(
        _ target: any AssignableNode,
        _ value: any EvaluableNode,
        exported: [(name: String, slot: SlotReference)],
        _ position: TemplatePosition
    ) {
        (self.target, self.value) = (target, value)
        (self.exported, self.position) = (exported, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        try target.check(&rendering)
        let item = try value.evaluate(&rendering)
        rendering.position = position
        try target.assign(item, &rendering)
        rendering.export(exported)
        return .goOn
    }
}

final class SetBlockNode: RunnableNode {
    private let target: any AssignableNode
    private let scope: ScopeCode
    private let filter: (any EvaluableNode)?
    private let bufferSlot: Int
    private let exported: [(name: String, slot: SlotReference)]

    init(
        _ target: any AssignableNode,
        _ scope: ScopeCode,
        filter: (any EvaluableNode)?,
        bufferSlot: Int,
        exported: [(name: String, slot: SlotReference)]
    ) {
        (self.target, self.scope, self.filter) = (target, scope, filter)
        (self.bufferSlot, self.exported) = (bufferSlot, exported)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let (item, control) = try scope.captured(bufferSlot, filter, &rendering)
        try target.assign(item, &rendering)
        scope.leave(&rendering)
        rendering.export(exported)
        return control
    }
}

final class FilterBlockNode: RunnableNode {
    private let scope: ScopeCode
    private let filter: any EvaluableNode
    private let bufferSlot: Int

    init(_ scope: ScopeCode, _ filter: any EvaluableNode, bufferSlot: Int) {
        (self.scope, self.filter, self.bufferSlot) = (scope, filter, bufferSlot)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let (item, control) = try scope.captured(bufferSlot, filter, &rendering)
        scope.leave(&rendering)
        guard let text = item.string else {
            throw TemplateError(.value, "a block's last filter gives text, not \(item.typeName)")
        }
        rendering.output.append(contentsOf: text.utf8)
        return control
    }
}

/// A body with names of its own.
final class ScopeCode: Sendable {
    let loads: [SlotLoad]
    let body: [any RunnableNode]

    init(loads: [SlotLoad], body: [any RunnableNode]) { (self.loads, self.body) = (loads, body) }

    func enter(_ rendering: inout Rendering) {
        for load in loads { load.run(&rendering) }
    }

    func leave(_ rendering: inout Rendering) {
        for load in loads { rendering.frame.slots[load.slot] = .absent }
    }

    /// What the body writes, filtered.
    fileprivate func captured(
        _ bufferSlot: Int,
        _ filter: (any EvaluableNode)?,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> (Item, LoopControl) {
        enter(&rendering)
        var control = LoopControl.goOn
        let text = try rendering.capturing { rendering throws(TemplateError) in
            control = try body.run(&rendering)
        }
        guard let filter else { return (.text(text), control) }
        rendering.frame.slots[bufferSlot] = .text(text)
        return (try filter.evaluate(&rendering), control)
    }
}

final class ScopeNode: RunnableNode {
    private let scope: ScopeCode
    /// The targets and values of a `with`.
    private let values: [(any AssignableNode, any EvaluableNode)]

    init(_ scope: ScopeCode, values: [(any AssignableNode, any EvaluableNode)] = []) {
        (self.scope, self.values) = (scope, values)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        scope.enter(&rendering)
        for (target, value) in values {
            try target.assign(try value.evaluate(&rendering), &rendering)
        }
        let control = try scope.body.run(&rendering)
        scope.leave(&rendering)
        return control
    }
}

final class EvaluateNode: RunnableNode {
    private let expression: any EvaluableNode
    init(_ expression: any EvaluableNode) { self.expression = expression }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        _ = try expression.evaluate(&rendering)
        return .goOn
    }
}

final class LoopControlNode: RunnableNode {
    private let control: LoopControl
    init(_ control: LoopControl) { self.control = control }
    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl { control }
}

final class MacroNode: RunnableNode {
    private let code: TemplateMacroCode
    private let slot: SlotReference
    private let isExported: Bool

    init(_ code: TemplateMacroCode, _ slot: SlotReference, isExported: Bool) {
        (self.code, self.slot, self.isExported) = (code, slot, isExported)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let item = Item.object(try TemplateMacro(code, &rendering))
        slot.write(item, &rendering)
        if isExported, let name = code.name, rendering.context.isRead {
            rendering.context.set(name, item, isExported: true)
        }
        return .goOn
    }
}

final class CallBlockNode: RunnableNode {
    private let code: TemplateMacroCode
    private let call: CallNode
    private let position: TemplatePosition

    init(_ code: TemplateMacroCode, _ call: CallNode, _ position: TemplatePosition) {
        (self.code, self.call, self.position) = (code, call, position)
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let caller = Item.object(try TemplateMacro(code, &rendering))
        let item = try call.evaluate(&rendering, caller: caller)
        rendering.position = position
        let text = try item.printed(&rendering)
        rendering.output.append(contentsOf: text.utf8)
        return .goOn
    }
}

extension Rendering {
    /// Puts names that were set at a template's top where others find them.
    func export(_ names: [(name: String, slot: SlotReference)]) {
        guard context.isRead else { return }
        for (name, slot) in names { context.set(name, slot.read(frame), isExported: true) }
    }
}
