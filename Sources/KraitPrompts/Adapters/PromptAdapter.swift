import KraitSignatures
import KraitWire

/// Puts fields into messages and finds them in completions, as one of DSPy's adapters does.
///
/// `format` gives DSPy's messages byte for byte and `parse` its fields, or the same class of error
/// about the same field; where that is not certain both throw `.delegated` with a rule. What
/// depends on the signature alone is made once and kept, for 256 signatures at most.
///
/// DSPy's formats are ambiguous: a value that holds a line `[[ ## answer ## ]]`, or in XML a tag,
/// looks to a model like the end of its field. `isStrict` refuses such values with `.ambiguous`;
/// without it they are written as DSPy writes them.
public struct PromptAdapter: Sendable, Hashable {
    /// Which of DSPy's adapters.
    public var kind: AdapterKind
    /// Whether calls of tools in a history become messages of the API's own kind.
    public var usesNativeFunctionCalling: Bool
    /// Whether values that could be read as structure are refused.
    public var isStrict: Bool

    /// An adapter with DSPy's defaults: of the three only JSONAdapter calls functions natively.
    public init(
        _ kind: AdapterKind,
        usesNativeFunctionCalling: Bool? = nil,
        isStrict: Bool = false
    ) {
        self.kind = kind
        self.usesNativeFunctionCalling = usesNativeFunctionCalling ?? (kind == .json)
        self.isStrict = isStrict
    }

    /// DSPy's ChatAdapter.
    public static let chat = PromptAdapter(.chat)
    /// DSPy's JSONAdapter.
    public static let json = PromptAdapter(.json)
    /// DSPy's XMLAdapter.
    public static let xml = PromptAdapter(.xml)

    /// The messages for a prediction: system, demos, history, inputs.
    ///
    /// Demos without an input or without an output are left out, incomplete ones come first; inputs
    /// that are no fields of the signature are left out, missing ones too. Cost: linear in the
    /// values.
    package func format(_ schema: Schema, demos: [PythonDict] = [], inputs: PythonDict)
        throws(PromptError) -> [Message]
    {
        let plan = PlanCache.plan(schema, kind)
        let texts = try plan.texts
        let writer = MessageWriter(plan: plan, adapter: self, texts: texts)
        var messages: [Message] = []
        messages.reserveCapacity(2 + 2 * demos.count)
        messages.append(Message(.system, texts.system))
        if !demos.isEmpty { try writer.append(demos: demos, to: &messages) }
        if let index = plan.historyIndex {
            try writer.append(history: inputs[plan.inputs[index].name], to: &messages)
        }
        let request = try writer.user(inputs, skipping: plan.historyIndex, isRequest: true)
        if !request.isEmpty { messages.append(try writer.message(request)) }
        return messages
    }

    /// The output fields that a completion holds, in the signature's order.
    ///
    /// A field that is missing takes its default, or `None` where its type allows that. Throws
    /// `.unparsable` for what DSPy answers with `AdapterParseError`. Cost: linear in the text.
    package func parse(_ schema: Schema, _ completion: String) throws(PromptError)
        -> PythonDict
    {
        let plan = PlanCache.plan(schema, kind)
        switch kind {
        case .chat: return try ChatParser(plan).parse(completion)
        case .json: return try JSONCompletionParser(plan).parse(completion)
        case .xml: return try XMLCompletionParser(plan).parse(completion)
        }
    }
}

extension PythonDict {
    /// A wire's map as Python has it.
    package init(_ map: ValueMap) {
        self.init(uniqueEntries: map.entries.map { (.string($0.key), PythonValue($0.value)) })
    }
}
