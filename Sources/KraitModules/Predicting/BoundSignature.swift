import KraitObservability
import KraitPrompts
import KraitSignatures
import KraitWire

/// A signature that native code can predict, with what its inputs are held against.
struct BoundSignature: Sendable {
    /// What is predicted.
    let schema: Schema
    /// What the inputs are held against: without a chain of thought's `reasoning`, which may take
    /// the place of an input.
    private let given: Schema
    private let adapter: TypeAdapter
    /// The input with the conversation so far, where there is one.
    private let history: String?
    /// What the other inputs are held against.
    private let plain: Schema

    /// Keywords of DSPy's modules: an input of that name would never reach the model.
    private static let taken = ["signature", "demos", "config", "lm"]

    /// - Parameter reasoning: whether a chain of thought is to come before the outputs.
    /// - Throws: `.delegated` where it has types of which native code cannot be sure.
    init(_ schema: Schema, reasoning: Bool = false) throws(PredictFailure) {
        guard !schema.outputs.isEmpty else { throw .delegated(.noOutputs) }
        for field in schema.inputs where Self.taken.contains(field.name) {
            throw .refused("DSPy cannot take an input field named `\(field.name)`.")
        }
        history = schema.inputs.first { $0.type == .dspy(.history) }?.name
        for field in schema.fields where field.name != history {
            if let rule = field.type.delegationRules.first ?? field.type.ownRule {
                throw .delegated(rule)
            }
        }
        given = schema
        do {
            self.schema = reasoning ? try schema.reasoned() : schema
            plain = try history.map(schema.deleting) ?? schema
        } catch {
            throw PredictFailure(error)
        }
        adapter = TypeAdapter(types: schema.types)
    }

    /// The inputs as Python would have them; values of plain types go as they came.
    ///
    /// - Throws: `.refused` with the field where they do not fit.
    func inputs(_ values: ValueMap) throws(PredictFailure) -> PythonDict {
        var others = values
        if let history, let value = values[history] {
            try Self.check(history: value, history)
            others[history] = nil
        }
        let rules: [DelegationRule]
        do {
            rules = try plain.validate(inputs: others)
        } catch {
            throw .refused("The inputs do not fit: \(error).")
        }
        if let rule = rules.first { throw .delegated(rule) }
        var inputs = PythonDict(values)
        for field in given.inputs {
            // DSPy knows whether there is a default.
            guard let value = inputs[field.name] else { throw .delegated(.missingInput) }
            if field.isTypeUndefined || field.type.isSimple || field.name == history { continue }
            do {
                let fitted = try adapter.validate(value, as: field.type)
                if field.type.namesDeclaration { inputs[field.name] = fitted }
            } catch {
                switch error {
                case .delegated(let rule): throw .delegated(rule)
                case .raised: throw .refused("The input `\(field.name)` does not fit its type.")
                }
            }
        }
        return inputs
    }

    /// A history is a map of `messages`, each a map; DSPy's class strips the keys' white space.
    private static func check(history value: Value, _ name: String) throws(PredictFailure) {
        guard let map = value.map, map.keys == ["messages"], let turns = map["messages"]?.list,
            turns.allSatisfy({ $0.map != nil })
        else { throw .refused("The input `\(name)` is no map of `messages`, a list of maps.") }
        for turn in turns where turn.map?.keys.contains(where: { $0.stripped != $0 }) == true {
            throw .delegated(.coercion)
        }
    }
}

extension TypeExpression {
    /// Why native code leaves values of the type to Python, beside what the type's text says.
    ///
    /// DSPy's own types adapt to what the model can do; the worker sorts a set's elements by what
    /// `repr` says of them.
    fileprivate var ownRule: DelegationRule? {
        switch self {
        case .dspy: .customType
        case .generic(.dict, let parts) where parts.count != 2: .typeArguments
        case .builtin(.set), .builtin(.frozenset): .setOrder
        case .generic(let container, let parts):
            Self.sets.contains(container.rawValue)
                ? .setOrder : parts.lazy.compactMap(\.ownRule).first
        case .union(let members): members.lazy.filter { $0 != .none }.compactMap(\.ownRule).first
        // By itself `NoneType` is a name that the worker's signatures do not know.
        case .none: .typingName
        default: nil
        }
    }

    private static let sets: Set = ["set", "frozenset", "Set", "MutableSet", "AbstractSet"]

    /// Whether the schema's own look at a value is enough: no keys, no choices, no sizes.
    fileprivate var isSimple: Bool {
        switch self {
        case .any, .builtin(.str), .builtin(.int), .builtin(.float), .builtin(.bool): true
        case .generic(.list, let parts): parts.count == 1 && parts.allSatisfy(\.isSimple)
        default: false
        }
    }

    /// Whether a class that comes with the signature is part of it.
    fileprivate var namesDeclaration: Bool {
        switch self {
        case .declared: true
        case .generic(_, let parts): parts.contains(where: \.namesDeclaration)
        case .union(let members): members.contains(where: \.namesDeclaration)
        default: false
        }
    }
}
