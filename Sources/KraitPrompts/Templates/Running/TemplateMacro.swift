/// What a macro or a call block is made of.
final class TemplateMacroCode: Sendable {
    let name: String?
    let parameters: [Parameter]
    let function: TemplateFunctionCode
    let callerSlot: Int?
    let namedSlot: Int?
    let restSlot: Int?

    struct Parameter: Sendable {
        let name: String
        let slot: Int
        let defaultValue: (any EvaluableNode)?
    }

    init(
        name: String?,
        parameters: [Parameter],
        function: TemplateFunctionCode,
        callerSlot: Int?,
        namedSlot: Int?,
        restSlot: Int?
    ) {
        (self.name, self.parameters, self.function) = (name, parameters, function)
        (self.callerSlot, self.namedSlot, self.restSlot) = (callerSlot, namedSlot, restSlot)
    }

    var description: String { name.map { "the macro \($0)" } ?? "the call block" }
}

/// A macro with the slots around it.
final class TemplateMacro: TemplateObject {
    private let code: TemplateMacroCode
    private let frame: TemplateFrame
    private let context: TemplateContext
    private let unit: TemplateUnit

    init(_ code: TemplateMacroCode, _ rendering: inout Rendering) throws(TemplateError) {
        self.code = code
        (frame, context, unit) = (rendering.frame, rendering.context, rendering.unit)
        var outer: TemplateFrame? = frame
        while let kept = outer {
            try kept.keep(&rendering)
            outer = kept.parent
        }
    }

    override var typeName: String { code.description }
    override var isCallable: Bool { true }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        switch name {
        case "name": return code.name.map { .text($0) } ?? Item.none
        case "arguments":
            return .tuple(try Elements(code.parameters.map { .text($0.name) }))
        case "catch_kwargs": return .bool(code.namedSlot != nil)
        case "catch_varargs": return .bool(code.restSlot != nil)
        case "caller": return .bool(code.callerSlot != nil)
        default: return nil
        }
    }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let inner = TemplateFrame(slots: code.function.slotCount, parent: frame)
        try bind(arguments, to: inner, &rendering)
        let code = code
        return try rendering.entering(inner, context, unit) { rendering throws(TemplateError) in
            for load in code.function.loads { load.run(&rendering) }
            for parameter in code.parameters {
                guard case .absent = inner.slots[parameter.slot] else { continue }
                inner.slots[parameter.slot] =
                    try parameter.defaultValue?.evaluate(&rendering)
                    ?? .undefined(Missing("the parameter \(parameter.name) was not given"))
            }
            return .text(
                try rendering.capturing { rendering throws(TemplateError) in
                    _ = try code.function.body.run(&rendering)
                }
            )
        }
    }

    private func bind(
        _ arguments: CallArguments,
        to inner: TemplateFrame,
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        var named = arguments.named
        func take(_ name: String) -> Item? {
            guard let index = named.firstIndex(where: { $0.name == name }) else { return nil }
            return named.remove(at: index).item
        }
        for (index, parameter) in code.parameters.enumerated() {
            if index < arguments.positional.count {
                inner.slots[parameter.slot] = arguments.positional[index]
            } else if let item = take(parameter.name) {
                inner.slots[parameter.slot] = item
            }
        }
        if let slot = code.callerSlot {
            inner.slots[slot] = take("caller") ?? .undefined(Missing("there is no caller"))
        }
        if let slot = code.namedSlot {
            var pairs: [(Item, Item)] = []
            for (name, item) in named { pairs.append((.text(name), item)) }
            inner.slots[slot] = .dict(try ItemDict(pairs, &rendering))
        } else if let first = named.first {
            let remedy = TemplateError.remedy(for: first.name, among: code.parameters.map(\.name))
            throw TemplateError(.value, "\(code.description) takes no \(first.name)\(remedy)")
        }
        let rest = arguments.positional.dropFirst(code.parameters.count)
        if let slot = code.restSlot {
            inner.slots[slot] = .tuple(try Elements(Array(rest)))
        } else if !rest.isEmpty {
            let most = code.parameters.count
            let reason = "\(code.description) takes \(most) argument\(most == 1 ? "" : "s") at most"
            throw TemplateError(.value, reason)
        }
    }
}

/// A template that was imported: its text, and what it exports.
final class TemplateModule: TemplateObject {
    private let text: String
    private let exported: [String: Item]
    private let name: String

    init(name: String, text: String, exported: [String: Item]) throws(TemplateError) {
        (self.name, self.text, self.exported) = (name, text, exported)
        deepest = try Elements.depth(over: exported.values)
    }

    private let deepest: Int
    override var depth: Int { deepest }
    override var typeName: String { "the template \(name)" }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? { exported[name] }

    override func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        bytes.append(contentsOf: text.utf8)
    }
}

/// A block as `self.name` and `super` give it.
final class TemplateBlockReference: TemplateObject {
    private let name: String
    private let stack: [(TemplateFunctionCode)]
    private let level: Int
    private let context: TemplateContext

    init(_ name: String, _ context: TemplateContext, level: Int) {
        (self.name, self.context, self.level) = (name, context, level)
        stack = context.blocks[name] ?? []
    }

    override var typeName: String { "the block \(name)" }
    override var isCallable: Bool { true }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        guard name == "super" else { return nil }
        return Self.parent(of: self.name, context, level: level)
    }

    /// The block of that name in the template that is extended, as `super` gives it.
    static func parent(of name: String, _ context: TemplateContext, level: Int) -> Item {
        guard level + 1 < context.blocks[name]?.count ?? 0 else {
            return .undefined(Missing("no template that is extended has a block \(name)"))
        }
        return .object(TemplateBlockReference(name, context, level: level + 1))
    }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let (code, context, level) = (stack[level], context, level)
        return .text(
            try rendering.capturing { rendering throws(TemplateError) in
                try code.runBlock(context, level: level, &rendering)
            }
        )
    }
}

/// `self`: the blocks of the template.
final class TemplateSelf: TemplateObject {
    private let context: TemplateContext

    init(_ context: TemplateContext) { self.context = context }

    override func attribute(
        _ name: String,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? { try element(.text(name), &rendering) }

    override func element(
        _ key: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        guard let name = key.string, context.blocks[name] != nil else { return nil }
        return .object(TemplateBlockReference(name, context, level: 0))
    }
}

extension TemplateFunctionCode {
    /// Runs this block at its place in the chain of templates.
    func runBlock(
        _ context: TemplateContext,
        level: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        let frame = TemplateFrame(slots: slotCount, parent: nil)
        let unit = rendering.unit
        try rendering.entering(frame, context, unit) { rendering throws(TemplateError) in
            if let selfSlot { frame.slots[selfSlot] = .object(TemplateSelf(context)) }
            if let superSlot, let blockName {
                frame.slots[superSlot] =
                    TemplateBlockReference.parent(of: blockName, context, level: level)
            }
            for load in loads { load.run(&rendering) }
            _ = try body.run(&rendering)
        }
    }
}
