/// A `for`.
final class LoopNode: RunnableNode {
    private let target: any AssignableNode
    private let over: any EvaluableNode
    private let filter: LoopFilterCode?
    /// The slot of `loop`, where the body uses it.
    private let loopSlot: Int?
    private let body: ScopeCode
    private let otherwise: ScopeCode?
    /// For a recursive loop: the function that it calls itself as.
    private let function: TemplateFunctionCode?
    private let position: TemplatePosition

    struct Parts {
        var target: any AssignableNode
        var over: any EvaluableNode
        var filter: LoopFilterCode?
        var loopSlot: Int?
        var body: ScopeCode
        var otherwise: ScopeCode?
        var function: TemplateFunctionCode?
    }

    init(_ parts: Parts, _ position: TemplatePosition) {
        (target, over, filter, loopSlot) =
            (parts.target, parts.over, parts.filter, parts.loopSlot)
        (body, otherwise, function) = (parts.body, parts.otherwise, parts.function)
        self.position = position
    }

    func run(_ rendering: inout Rendering) throws(TemplateError) -> LoopControl {
        let item = try over.evaluate(&rendering)
        rendering.position = position
        guard let function else {
            return try run(over: item, recursion: nil, level: 0, &rendering)
        }
        let recursion = LoopRecursion(code: self, function: function, frame: rendering.frame)
        let text = try recursion.run(item, level: 0, &rendering)
        rendering.output.append(contentsOf: (text.string ?? "").utf8)
        return .goOn
    }

    func run(
        over item: Item,
        recursion: LoopRecursion?,
        level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> LoopControl {
        var cursor = try ItemCursor(item, &rendering)
        let filter = filter.map { LoopFilter(code: $0, frame: rendering.frame) }
        var isEmpty = true
        if let loopSlot {
            if filter != nil { try rendering.frame.keep(&rendering) }
            let loop = try TemplateLoop(
                over: item,
                cursor,
                filter: filter,
                recursion: recursion,
                level: level
            )
            while let next = try loop.advance(&rendering) {
                isEmpty = false
                rendering.frame.slots[loopSlot] = .object(loop)
                guard try runBody(next, &rendering) else { break }
            }
        } else {
            while let next = try LoopFilter.next(&cursor, filter, &rendering) {
                isEmpty = false
                guard try runBody(next, &rendering) else { break }
            }
        }
        body.leave(&rendering)
        if let loopSlot { rendering.frame.slots[loopSlot] = .absent }
        guard isEmpty, let otherwise else { return .goOn }
        otherwise.enter(&rendering)
        let control = try otherwise.body.run(&rendering)
        otherwise.leave(&rendering)
        return control
    }

    /// Runs the body for one item; false where the loop ends there.
    private func runBody(
        _ item: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Bool {
        rendering.position = position
        try rendering.spend(1)
        try rendering.check(length: rendering.output.count)
        try target.assign(item, &rendering)
        for load in body.loads { load.run(&rendering) }
        return try body.body.run(&rendering) != .breakLoop
    }
}

/// What can be assigned to.
protocol AssignableNode: AnyObject, Sendable {
    func assign(_ item: Item, _ rendering: inout Rendering) throws(TemplateError)
    /// Refuses what cannot be assigned to before the value is computed.
    func check(_ rendering: inout Rendering) throws(TemplateError)
}

final class SlotTarget: AssignableNode {
    private let slot: SlotReference
    init(_ slot: SlotReference) { self.slot = slot }
    func assign(_ item: Item, _ rendering: inout Rendering) { slot.write(item, &rendering) }
    func check(_ rendering: inout Rendering) {}
}

final class NamespaceTarget: AssignableNode {
    private let slot: SlotReference
    private let attribute: String
    private let position: TemplatePosition

    init(_ slot: SlotReference, _ attribute: String, _ position: TemplatePosition) {
        (self.slot, self.attribute, self.position) = (slot, attribute, position)
    }

    private func namespace(
        _ rendering: inout Rendering
    ) throws(TemplateError) -> TemplateNamespace {
        if case .object(let object as TemplateNamespace) = slot.read(rendering.frame) {
            return object
        }
        rendering.position = position
        throw TemplateError(.value, "only a namespace's attributes can be set; write namespace()")
    }

    func check(_ rendering: inout Rendering) throws(TemplateError) { _ = try namespace(&rendering) }

    func assign(_ item: Item, _ rendering: inout Rendering) throws(TemplateError) {
        try namespace(&rendering).set(attribute, item)
    }
}

final class TupleTarget: AssignableNode {
    private let targets: [any AssignableNode]
    private let position: TemplatePosition

    init(_ targets: [any AssignableNode], _ position: TemplatePosition) {
        (self.targets, self.position) = (targets, position)
    }

    func check(_ rendering: inout Rendering) throws(TemplateError) {
        for target in targets { try target.check(&rendering) }
    }

    func assign(_ item: Item, _ rendering: inout Rendering) throws(TemplateError) {
        let items = try ItemCursor.items(of: item, &rendering)
        guard items.count == targets.count else {
            rendering.position = position
            let reason = "\(targets.count) names are given \(items.count) values"
            throw TemplateError(.value, reason)
        }
        for (target, item) in zip(targets, items) { try target.assign(item, &rendering) }
    }
}
