import KraitWire

/// Arguments that are ready to be computed.
final class ArgumentNodes: Sendable {
    let positional: [any EvaluableNode]
    let named: [(name: String, value: any EvaluableNode)]
    let rest: (any EvaluableNode)?
    let namedRest: (any EvaluableNode)?

    init(
        positional: [any EvaluableNode],
        named: [(name: String, value: any EvaluableNode)],
        rest: (any EvaluableNode)?,
        namedRest: (any EvaluableNode)?
    ) {
        (self.positional, self.named) = (positional, named)
        (self.rest, self.namedRest) = (rest, namedRest)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> CallArguments {
        var result = CallArguments()
        for node in positional { result.positional.append(try node.evaluate(&rendering)) }
        if let rest {
            let item = try rest.evaluate(&rendering)
            result.positional += try ItemCursor.items(of: item, &rendering)
        }
        for (name, node) in named { result.named.append((name, try node.evaluate(&rendering))) }
        guard let namedRest else { return result }
        let item = try namedRest.evaluate(&rendering)
        guard let pairs = item.mapPairs else {
            throw TemplateError(.value, "** wants a map, not \(item.typeName)")
        }
        try rendering.spend(pairs.count)
        for (key, value) in pairs {
            guard let name = key.string else {
                throw TemplateError(.value, "** wants a map with texts as keys")
            }
            guard result.named(name) == nil else {
                throw TemplateError(.value, "the argument \(name) is given twice")
            }
            result.named.append((name, value))
        }
        return result
    }
}

final class CallNode: EvaluableNode {
    private let callee: any EvaluableNode
    private let arguments: ArgumentNodes
    private let position: TemplatePosition

    init(_ callee: any EvaluableNode, _ arguments: ArgumentNodes, _ position: TemplatePosition) {
        (self.callee, self.arguments, self.position) = (callee, arguments, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        try evaluate(&rendering, caller: nil)
    }

    func evaluate(_ rendering: inout Rendering, caller: Item?) throws(TemplateError) -> Item {
        if let method = callee as? AttributeNode {
            let receiver = try method.value.evaluate(&rendering)
            if let call = receiver.method(named: method.name) {
                let given = try given(caller, &rendering)
                rendering.position = position
                return try call(given, &rendering)
            }
            rendering.position = method.position
            let callee = try receiver.attribute(method.name, &rendering)
            return try call(callee, caller, &rendering)
        }
        return try call(try callee.evaluate(&rendering), caller, &rendering)
    }

    private func given(
        _ caller: Item?,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> CallArguments {
        var given = try arguments.evaluate(&rendering)
        if let caller { given.named.append(("caller", caller)) }
        return given
    }

    private func call(
        _ item: Item,
        _ caller: Item?,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        let given = try given(caller, &rendering)
        rendering.position = position
        switch item {
        case .object(let object): return try object.call(given, &rendering)
        case .undefined(let missing): throw missing.failure
        default: throw TemplateError(.value, "\(item.typeName) cannot be called")
        }
    }
}

final class FilterNode: EvaluableNode {
    private let value: any EvaluableNode
    private let filter: TemplateFilters.Filter
    private let arguments: ArgumentNodes
    private let position: TemplatePosition

    init(
        _ value: any EvaluableNode,
        _ filter: @escaping TemplateFilters.Filter,
        _ arguments: ArgumentNodes,
        _ position: TemplatePosition
    ) {
        (self.value, self.filter) = (value, filter)
        (self.arguments, self.position) = (arguments, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try value.evaluate(&rendering)
        let given = try arguments.evaluate(&rendering)
        rendering.position = position
        return try filter(item, given, &rendering)
    }
}

/// What is an error as soon as it is reached.
final class FailingNode: EvaluableNode {
    private let error: TemplateError
    init(_ error: TemplateError) { self.error = error }
    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item { throw error }
}

final class TestNode: EvaluableNode {
    private let value: any EvaluableNode
    private let test: TemplateTests.Test
    private let arguments: ArgumentNodes
    private let position: TemplatePosition

    init(
        _ value: any EvaluableNode,
        _ test: @escaping TemplateTests.Test,
        _ arguments: ArgumentNodes,
        _ position: TemplatePosition
    ) {
        (self.value, self.test) = (value, test)
        (self.arguments, self.position) = (arguments, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try value.evaluate(&rendering)
        let given = try arguments.evaluate(&rendering)
        rendering.position = position
        return .bool(try test(item, given, &rendering))
    }
}
