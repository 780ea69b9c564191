import KraitWire

final class ConstantNode: EvaluableNode {
    let value: Value
    init(_ value: Value) { self.value = value }
    func evaluate(_ rendering: inout Rendering) -> Item { Item(value) }
}

/// A name of the function that runs.
final class NameNode: EvaluableNode {
    private let slot: Int
    private let missing: Missing

    init(_ slot: Int, name: String) { (self.slot, missing) = (slot, Missing(name: name)) }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = rendering.frame.slots[slot]
        if case .absent = item { return .undefined(missing) }
        return item
    }
}

/// A name of a function around the one that runs.
final class OuterNameNode: EvaluableNode {
    private let reference: SlotReference
    private let missing: Missing

    init(_ reference: SlotReference, name: String) {
        (self.reference, missing) = (reference, Missing(name: name))
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = reference.read(rendering.frame)
        if case .absent = item { return .undefined(missing) }
        return item
    }
}

final class SequenceNode: EvaluableNode {
    private let parts: [any EvaluableNode]
    private let isTuple: Bool

    init(_ parts: [any EvaluableNode], isTuple: Bool) {
        (self.parts, self.isTuple) = (parts, isTuple)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        var items: [Item] = []
        items.reserveCapacity(parts.count)
        for part in parts { items.append(try part.evaluate(&rendering)) }
        return isTuple ? .tuple(try Elements(items)) : .list(try Elements(items))
    }
}

final class DictNode: EvaluableNode {
    private let pairs: [(any EvaluableNode, any EvaluableNode)]
    init(_ pairs: [(any EvaluableNode, any EvaluableNode)]) { self.pairs = pairs }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        var items: [(Item, Item)] = []
        for (key, value) in pairs {
            items.append((try key.evaluate(&rendering), try value.evaluate(&rendering)))
        }
        return .dict(try ItemDict(items, &rendering))
    }
}

final class ConditionNode: EvaluableNode {
    private let test: any EvaluableNode
    private let then: any EvaluableNode
    private let otherwise: (any EvaluableNode)?
    private static let missing = Missing("the condition does not hold and has no else")

    init(_ test: any EvaluableNode, _ then: any EvaluableNode, _ otherwise: (any EvaluableNode)?) {
        (self.test, self.then, self.otherwise) = (test, then, otherwise)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        if try test.evaluate(&rendering).isTrue(&rendering) { return try then.evaluate(&rendering) }
        if let otherwise { return try otherwise.evaluate(&rendering) }
        // Jinja's strict mode does not reach this one either.
        return rendering.undefinedNames == .lenient ? .undefined(Self.missing) : .text("")
    }
}

final class LogicNode: EvaluableNode {
    private let left: any EvaluableNode
    private let right: any EvaluableNode
    private let isAnd: Bool

    init(_ left: any EvaluableNode, _ right: any EvaluableNode, isAnd: Bool) {
        (self.left, self.right, self.isAnd) = (left, right, isAnd)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let first = try left.evaluate(&rendering)
        return try first.isTrue(&rendering) == isAnd ? right.evaluate(&rendering) : first
    }
}

final class NotNode: EvaluableNode {
    private let inner: any EvaluableNode
    init(_ inner: any EvaluableNode) { self.inner = inner }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        .bool(!(try inner.evaluate(&rendering).isTrue(&rendering)))
    }
}

final class CompareNode: EvaluableNode {
    private let first: any EvaluableNode
    private let rest: [(TemplateExpression.Comparison, any EvaluableNode)]
    private let position: TemplatePosition

    init(
        _ first: any EvaluableNode,
        _ rest: [(TemplateExpression.Comparison, any EvaluableNode)],
        _ position: TemplatePosition
    ) {
        (self.first, self.rest, self.position) = (first, rest, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        var left = try first.evaluate(&rendering)
        for (comparison, node) in rest {
            let right = try node.evaluate(&rendering)
            rendering.position = position
            guard try left.compare(comparison, right, &rendering) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }
}

final class ArithmeticNode: EvaluableNode {
    private let operation: TemplateExpression.Arithmetic
    private let left: any EvaluableNode
    private let right: any EvaluableNode
    private let position: TemplatePosition

    init(
        _ operation: TemplateExpression.Arithmetic,
        _ left: any EvaluableNode,
        _ right: any EvaluableNode,
        _ position: TemplatePosition
    ) {
        (self.operation, self.left, self.right) = (operation, left, right)
        self.position = position
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let first = try left.evaluate(&rendering)
        let second = try right.evaluate(&rendering)
        rendering.position = position
        if case .int(let first) = first, case .int(let second) = second {
            switch operation {
            case .add:
                let (sum, overflows) = first.addingReportingOverflow(second)
                if !overflows { return .int(sum) }
            case .subtract:
                let (difference, overflows) = first.subtractingReportingOverflow(second)
                if !overflows { return .int(difference) }
            default: break
            }
        }
        return try first.applying(operation, second, &rendering)
    }
}

final class SignNode: EvaluableNode {
    private let inner: any EvaluableNode
    private let isNegative: Bool
    private let position: TemplatePosition

    init(_ inner: any EvaluableNode, isNegative: Bool, _ position: TemplatePosition) {
        (self.inner, self.isNegative, self.position) = (inner, isNegative, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try inner.evaluate(&rendering)
        rendering.position = position
        return isNegative ? try item.negated() : try item.positive()
    }
}

final class ConcatNode: EvaluableNode {
    private let parts: [any EvaluableNode]
    private let position: TemplatePosition

    init(_ parts: [any EvaluableNode], _ position: TemplatePosition) {
        (self.parts, self.position) = (parts, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        var bytes: [UInt8] = []
        for part in parts {
            let item = try part.evaluate(&rendering)
            rendering.position = position
            try item.append(to: &bytes, &rendering)
        }
        return .text(try rendering.text(bytes))
    }
}

final class AttributeNode: EvaluableNode {
    let value: any EvaluableNode
    let name: String
    let position: TemplatePosition
    /// Whether Python's maps have a method of that name, which goes before an entry.
    private let isMapMethod: Bool

    init(_ value: any EvaluableNode, _ name: String, _ position: TemplatePosition) {
        (self.value, self.name, self.position) = (value, name, position)
        isMapMethod = MapMethods.names.contains(name)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try value.evaluate(&rendering)
        rendering.position = position
        if case .fields(let map) = item, !isMapMethod, let found = map[name] { return Item(found) }
        return try item.attribute(name, &rendering)
    }
}

final class ElementNode: EvaluableNode {
    private let value: any EvaluableNode
    private let key: any EvaluableNode
    private let position: TemplatePosition

    init(_ value: any EvaluableNode, _ key: any EvaluableNode, _ position: TemplatePosition) {
        (self.value, self.key, self.position) = (value, key, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try value.evaluate(&rendering)
        let key = try key.evaluate(&rendering)
        rendering.position = position
        return try item.element(key, &rendering)
    }
}

final class SliceNode: EvaluableNode {
    private let value: any EvaluableNode
    private let bounds: [(any EvaluableNode)?]
    private let position: TemplatePosition

    init(
        _ value: any EvaluableNode,
        _ bounds: [(any EvaluableNode)?],
        _ position: TemplatePosition
    ) {
        (self.value, self.bounds, self.position) = (value, bounds, position)
    }

    func evaluate(_ rendering: inout Rendering) throws(TemplateError) -> Item {
        let item = try value.evaluate(&rendering)
        var numbers: [Item] = []
        for bound in bounds { numbers.append(try bound?.evaluate(&rendering) ?? .none) }
        rendering.position = position
        return try item.sliced(numbers, &rendering)
    }
}
