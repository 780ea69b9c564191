/// `loop` within a loop: where it is, and what is beside it.
final class TemplateLoop: TemplateObject, KeptByRendering {
    private var cursor: ItemCursor
    private let filter: LoopFilter?
    private let recursion: LoopRecursion?
    private let level: Int
    private var index = -1
    private var current: Item = .absent
    private var previous: Item = .absent
    /// Items that were read ahead, from `aheadIndex` on.
    private var ahead: [Item] = []
    private var aheadIndex = 0
    private var lastChanged: [Item]?
    private let deepest: Int

    init(
        over item: Item,
        _ cursor: ItemCursor,
        filter: LoopFilter?,
        recursion: LoopRecursion?,
        level: Int
    ) throws(TemplateError) {
        (self.cursor, self.filter, self.recursion, self.level) = (cursor, filter, recursion, level)
        deepest = try Elements.depth(over: CollectionOfOne(item))
    }

    func takeApart() { lastChanged = nil }

    override var depth: Int { deepest }

    override var typeName: String { "a loop" }
    override var isCallable: Bool { true }

    /// Goes on to the next item.
    func advance(_ rendering: inout Rendering) throws(TemplateError) -> Item? {
        let item: Item
        if aheadIndex < ahead.count {
            item = ahead[aheadIndex]
            aheadIndex += 1
        } else if let next = try read(&rendering) {
            item = next
        } else {
            return nil
        }
        index += 1
        previous = current
        current = item
        return item
    }

    private func read(_ rendering: inout Rendering) throws(TemplateError) -> Item? {
        try LoopFilter.next(&cursor, filter, &rendering)
    }

    private func peek(_ rendering: inout Rendering) throws(TemplateError) -> Item? {
        if aheadIndex < ahead.count { return ahead[aheadIndex] }
        guard let item = try read(&rendering) else { return nil }
        ahead = [item]
        aheadIndex = 0
        return item
    }

    private func count(_ rendering: inout Rendering) throws(TemplateError) -> Int {
        if filter == nil, let count = cursor.count { return count }
        var rest = Array(ahead[aheadIndex...])
        while let item = try read(&rendering) {
            try rendering.spend(1)
            rest.append(item)
        }
        (ahead, aheadIndex) = (rest, 0)
        return index + 1 + rest.count
    }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        switch name {
        case "index": return .int(index + 1)
        case "index0": return .int(index)
        case "first": return .bool(index == 0)
        case "last":
            if filter == nil, let count = cursor.count { return .bool(index + 1 >= count) }
            return .bool(try peek(&rendering) == nil)
        case "length": return .int(try count(&rendering))
        case "revindex": return .int(try count(&rendering) - index)
        case "revindex0": return .int(try count(&rendering) - index - 1)
        case "depth": return .int(level + 1)
        case "depth0": return .int(level)
        case "previtem":
            guard index > 0 else { return .undefined(Missing("there is no previous item")) }
            return previous
        case "nextitem":
            return try peek(&rendering) ?? .undefined(Missing("there is no next item"))
        case "cycle", "changed":
            return .object(
                BuiltInFunction(name) { [self] arguments, rendering throws(TemplateError) in
                    try call(method: name, arguments, &rendering)
                }
            )
        default: return nil
        }
    }

    /// `loop.cycle(…)` and `loop.changed(…)`.
    func call(
        method name: String,
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let items = arguments.positional
        if name == "cycle" {
            guard !items.isEmpty else {
                throw TemplateError(.value, "loop.cycle wants at least one value")
            }
            return items[max(0, index) % items.count]
        }
        if lastChanged == nil { try rendering.keep(self) }
        if let last = lastChanged, last.count == items.count {
            var isSame = true
            for (old, new) in zip(last, items) where isSame {
                isSame = try old.isEqual(to: new, &rendering)
            }
            if isSame { return .bool(false) }
        }
        lastChanged = items
        return .bool(true)
    }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        guard let recursion else {
            throw TemplateError(
                .value,
                "this loop is not recursive; write recursive behind its list"
            )
        }
        guard let over = try arguments.bound(to: ["iterable"], of: "loop")[0] else {
            throw TemplateError(.value, "loop wants what to go over")
        }
        return try recursion.run(over, level: level + 1, &rendering)
    }
}

/// The `if` of a loop, with the slots that it uses.
struct LoopFilter {
    let code: LoopFilterCode
    let frame: TemplateFrame

    /// The next item that passes.
    static func next(
        _ cursor: inout ItemCursor,
        _ filter: LoopFilter?,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        guard let filter else { return try cursor.next(&rendering) }
        while let item = try cursor.next(&rendering) {
            try rendering.spend(1)
            let before = rendering.frame
            rendering.frame = filter.frame
            for load in filter.code.loads { load.run(&rendering) }
            try filter.code.target.assign(item, &rendering)
            let passes = try filter.code.test.evaluate(&rendering).isTrue(&rendering)
            rendering.frame = before
            if passes { return item }
        }
        return nil
    }
}

final class LoopFilterCode: Sendable {
    let loads: [SlotLoad]
    let target: any AssignableNode
    let test: any EvaluableNode

    init(loads: [SlotLoad], target: any AssignableNode, test: any EvaluableNode) {
        (self.loads, self.target, self.test) = (loads, target, test)
    }
}

/// How a recursive loop calls itself.
struct LoopRecursion {
    let code: LoopNode
    let function: TemplateFunctionCode
    /// The slots around the loop.
    let frame: TemplateFrame

    func run(
        _ over: Item,
        level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let inner = TemplateFrame(slots: function.slotCount, parent: frame)
        let (context, unit) = (rendering.context, rendering.unit)
        return try rendering.entering(inner, context, unit) { rendering throws(TemplateError) in
            for load in function.loads { load.run(&rendering) }
            return .text(
                try rendering.capturing { rendering throws(TemplateError) in
                    _ = try code.run(over: over, recursion: self, level: level, &rendering)
                }
            )
        }
    }
}
