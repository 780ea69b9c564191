import KraitWire

/// An expression as it was written, before names have slots.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case constant(Value)
        case name(String)
        /// `namespace.attribute` as the target of an assignment.
        case namespaceReference(String, String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case dict([(key: TemplateExpression, value: TemplateExpression)])
        case condition(
            test: TemplateExpression,
            then: TemplateExpression,
            otherwise: TemplateExpression?
        )
        case or(TemplateExpression, TemplateExpression)
        case and(TemplateExpression, TemplateExpression)
        case not(TemplateExpression)
        case compare(TemplateExpression, [(Comparison, TemplateExpression)])
        case binary(Arithmetic, TemplateExpression, TemplateExpression)
        case negated(TemplateExpression)
        case positive(TemplateExpression)
        case concat([TemplateExpression])
        case attribute(TemplateExpression, String)
        case element(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, [TemplateExpression?])
        case call(TemplateExpression, TemplateArguments)
        /// Without an expression: the filter of a block.
        case filter(TemplateExpression?, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments)
    }

    enum Comparison: Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn
    }

    enum Arithmetic: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case modulo = "%"
        case power = "**"
    }

    var kind: Kind
    var position: TemplatePosition
    /// How deep the expressions in it are nested.
    var depth: Int

    /// Whether it is made of literals only.
    var isConstant: Bool {
        switch kind {
        case .name, .namespaceReference: false
        default: parts.allSatisfy(\.isConstant)
        }
    }

    /// The expressions right inside.
    var parts: [TemplateExpression] {
        switch kind {
        case .constant, .name, .namespaceReference: []
        case .list(let parts), .tuple(let parts), .concat(let parts): parts
        case .dict(let pairs): pairs.flatMap { [$0.key, $0.value] }
        case .condition(let test, let then, let otherwise):
            [test, then] + (otherwise.map { [$0] } ?? [])
        case .or(let left, let right), .and(let left, let right), .binary(_, let left, let right):
            [left, right]
        case .not(let part), .negated(let part), .positive(let part), .attribute(let part, _):
            [part]
        case .compare(let first, let rest): [first] + rest.map(\.1)
        case .element(let part, let key): [part, key]
        case .slice(let part, let bounds): [part] + bounds.compactMap { $0 }
        case .call(let part, let arguments), .test(let part, _, let arguments):
            [part] + arguments.parts
        case .filter(let part, _, let arguments): (part.map { [$0] } ?? []) + arguments.parts
        }
    }
}

/// What stands between the parentheses of a call.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*list`.
    var rest: TemplateExpression?
    /// `**map`.
    var namedRest: TemplateExpression?

    var parts: [TemplateExpression] {
        positional + named.map(\.value) + [rest, namedRest].compactMap { $0 }
    }
}

/// The parameters of a macro or a call block.
struct TemplateParameters: Sendable {
    var names: [String] = []
    /// Of the last parameters.
    var defaults: [TemplateExpression] = []
}

/// A statement as it was written.
struct TemplateStatement: Sendable {
    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        case loop(Loop)
        case branches([(test: TemplateExpression, body: [TemplateStatement])], [TemplateStatement])
        case set(TemplateExpression, TemplateExpression)
        case setBlock(TemplateExpression, filter: TemplateExpression?, [TemplateStatement])
        case with([(TemplateExpression, TemplateExpression)], [TemplateStatement])
        case macro(String, TemplateParameters, [TemplateStatement])
        case callBlock(TemplateParameters, TemplateExpression, [TemplateStatement])
        case filterBlock(TemplateExpression, [TemplateStatement])
        case scope([TemplateStatement])
        case include(TemplateExpression, ignoresMissing: Bool, withContext: Bool)
        case importAll(TemplateExpression, as: String, withContext: Bool)
        case importNames(
            TemplateExpression,
            [(name: String, alias: String)],
            withContext: Bool
        )
        case extends(TemplateExpression)
        case block(Block)
        case evaluate(TemplateExpression)
        case breakLoop
        case continueLoop
    }

    struct Loop: Sendable {
        var target: TemplateExpression
        var over: TemplateExpression
        var test: TemplateExpression?
        var isRecursive: Bool
        var body: [TemplateStatement]
        var otherwise: [TemplateStatement]
    }

    struct Block: Sendable {
        var name: String
        var isScoped: Bool
        var isRequired: Bool
        var body: [TemplateStatement]
    }

    var kind: Kind
    var position: TemplatePosition
}
