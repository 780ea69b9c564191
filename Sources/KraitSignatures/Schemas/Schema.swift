/// A signature: the named and typed inputs and outputs of a prediction, and its instructions.
///
/// Made from text as DSPy takes it, from Swift types (`Schema(of:)`), or from fields. A value:
/// copies are cheap, and every operation gives a new one.
public struct Schema: Sendable, Hashable {
    /// What a prediction is given, in order.
    public internal(set) var inputs: [Field]
    /// What it makes, in order.
    public internal(set) var outputs: [Field]
    /// What the prompt says is to be done.
    public internal(set) var instructions: String
    /// The signature as text that DSPy reads, without descriptions and instructions.
    public internal(set) var text: String
    /// The types that the text may name beside DSPy's.
    public internal(set) var types: [TypeDeclaration]
    /// What was given as instructions, before Python's clean-up; nil where nothing was.
    var givenInstructions: String?

    /// The fields, inputs first.
    public var fields: [Field] { inputs + outputs }

    /// The names alone, as DSPy prints a signature: `question, context -> answer`.
    public var signature: String {
        inputs.map(\.name).joined(separator: ", ") + " -> "
            + outputs.map(\.name).joined(separator: ", ")
    }

    /// The rules by which parts of it are left to Python, each once; empty if Krait knows it whole.
    public var delegationRules: [DelegationRule] {
        var rules: [DelegationRule] = []
        for field in fields {
            for rule in field.type.delegationRules where !rules.contains(rule) {
                rules.append(rule)
            }
        }
        return rules
    }

    /// The field of that name; O(n).
    public func field(_ name: String) -> Field? {
        inputs.first { $0.name == name } ?? outputs.first { $0.name == name }
    }
}

extension Schema: CustomStringConvertible {
    /// The signature's text.
    public var description: String { text }
}
