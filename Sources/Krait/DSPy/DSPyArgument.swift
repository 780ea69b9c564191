import KraitEvaluation
import KraitSignatures
import KraitWire

/// An argument of one of DSPy's objects, or of its call.
///
/// Literals are arguments as they are: `["N": 3, "threshold": 1.0]`.
public indirect enum DSPyArgument: Sendable {
    /// A value as it is.
    case value(Value)
    /// Another object, such as the program that `BestOfN` runs.
    case object(DSPyObject)
    /// A signature.
    case signature(DSPySignature)
    /// A function of this program that a language model may call.
    case tool(Tool)
    /// A metric or a reward.
    case score(DSPyScore)
    /// What makes vectors of texts.
    case embedder(DSPyEmbedder)
    /// The pool's model with settings of its own, such as `["temperature": 0]`.
    case lm(ValueMap)
    /// A `dspy.Example` with the names of those of its fields that are inputs.
    case example(ValueMap, inputs: [String])
    /// Several arguments.
    case list([DSPyArgument])

    /// As a worker takes it.
    func wire() throws(CallError) -> Value {
        switch self {
        case .value(let value): value.asItIs
        case .object(let object): try object.wire()
        case .signature(let signature): ["signature": signature.value]
        case .tool(let tool): ["tool": try tool.told()]
        case .score(let score): try score.wire()
        case .embedder(let embedder): try embedder.wire()
        case .lm(let settings): ["lm": .map(settings)]
        case .example(let fields, let inputs):
            ["example": .map(fields), "inputs": .list(inputs.map(Value.string))]
        case .list(let arguments): .list(try Self.wire(arguments))
        }
    }

    private static func wire(_ arguments: [DSPyArgument]) throws(CallError) -> [Value] {
        var values: [Value] = []
        for argument in arguments { values.append(try argument.wire()) }
        return values
    }

    /// Arguments by name, as a worker takes them.
    static func wire(_ arguments: [String: DSPyArgument]) throws(CallError) -> ValueMap {
        var map: ValueMap = [:]
        for (name, argument) in arguments.sorted(by: { $0.key < $1.key }) {
            map[name] = try argument.wire()
        }
        return map
    }

    /// The functions of this program that it may call.
    var tools: [Tool] {
        switch self {
        case .tool(let tool): [tool]
        case .score(let score): score.tools
        case .embedder(let embedder): embedder.tools
        case .object(let object): object.tools
        case .list(let arguments): arguments.flatMap(\.tools)
        case .value, .signature, .lm, .example: []
        }
    }
}

extension DSPyArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// A text.
    public init(stringLiteral value: String) { self = .value(.string(value)) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .value(.int(value)) }
}

extension DSPyArgument: ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    /// A number.
    public init(floatLiteral value: Double) { self = .value(.double(value)) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .value(.bool(value)) }
}

extension DSPyArgument: ExpressibleByArrayLiteral {
    /// Several arguments.
    public init(arrayLiteral elements: DSPyArgument...) { self = .list(elements) }
}

/// A signature in DSPy's text form, or of a Swift type.
public struct DSPySignature: Sendable, ExpressibleByStringLiteral {
    let value: Value

    /// In DSPy's text form, such as `question -> answer`.
    public init(_ text: String) { value = .string(text) }
    /// In DSPy's text form.
    public init(stringLiteral value: String) { self.init(value) }
    /// As a schema has it.
    public init(_ schema: Schema) { value = schema.wireValue }
    /// Of a Swift type.
    public init<S: Signature>(of signature: S.Type) throws(SchemaError) {
        self.init(try Schema(of: signature))
    }
}

/// What scores a prediction: one of DSPy's metrics, or Swift code that a worker calls back.
public struct DSPyScore: Sendable {
    private enum Form: Sendable {
        case metric(Result<NamedMetric, MetricError>, expected: ValueMap)
        case function(Tool)
    }
    private let form: Form

    /// One of DSPy's metrics, such as `EM`; an unknown name is refused when it is used.
    ///
    /// - Parameters:
    ///   - field: which field is compared, of both sides.
    ///   - expected: fields laid over the example, such as the answer that a reward looks for; a
    ///     reward has the call's inputs alone.
    public static func metric(
        _ name: String,
        field: String = "answer",
        expected: ValueMap = [:]
    ) -> DSPyScore {
        let metric = Result { () throws(MetricError) in try NamedMetric(name, field: field) }
        return DSPyScore(form: .metric(metric, expected: expected))
    }

    /// Swift code, called with an example (for a reward, the call's inputs) and a prediction.
    ///
    /// Several may run at once. What it throws fails this one score.
    ///
    /// - Parameter name: which no other tool of the call has.
    public static func function(
        _ name: String,
        _ body: @escaping @Sendable (ValueMap, ValueMap) async throws -> Double
    ) -> DSPyScore {
        let sides: Value = ["example": ["type": "object"], "prediction": ["type": "object"]]
        let schema: Value = ["type": "object", "properties": sides]
        let tool = Tool(name, "Scores a prediction.", parameters: schema) { given in
            let sides = (given["example"]?.map ?? [:], given["prediction"]?.map ?? [:])
            return .double(try await body(sides.0, sides.1))
        }
        return DSPyScore(form: .function(tool))
    }

    var tools: [Tool] { if case .function(let tool) = form { [tool] } else { [] } }

    func wire() throws(CallError) -> Value {
        switch form {
        case .function(let tool): return ["metric": ["tool": try tool.told()]]
        case .metric(.failure(let error), _): throw .misfit("metric", "\(error)")
        case .metric(.success(let metric), let expected):
            var map: ValueMap = ["metric": .string(metric.name), "field": .string(metric.field)]
            map["example"] = expected.isEmpty ? nil : .map(expected)
            return .map(map)
        }
    }
}

/// What makes vectors of texts: a model at the pool's endpoint, or Swift code.
public struct DSPyEmbedder: Sendable {
    private enum Form: Sendable {
        case model(String, dimensions: Int?)
        case function(Tool)
    }
    private let form: Form

    /// A model at the pool's endpoint, such as `openai/text-embedding-3-small`.
    public static func model(_ name: String, dimensions: Int? = nil) -> DSPyEmbedder {
        DSPyEmbedder(form: .model(name, dimensions: dimensions))
    }

    /// Swift code: a vector for each text, in their order.
    ///
    /// - Parameter name: which no other tool of the call has.
    public static func function(
        _ name: String = "embed",
        _ body: @escaping @Sendable ([String]) async throws -> [[Float]]
    ) -> DSPyEmbedder {
        let texts: Value = ["type": "array", "items": ["type": "string"]]
        let schema: Value = ["type": "object", "properties": ["texts": texts]]
        let tool = Tool(name, "Vectors of texts.", parameters: schema) { given in
            let texts = given["texts"]?.list?.compactMap(\.string) ?? []
            let vectors = try await body(texts)
            return .list(vectors.map { .list($0.map { .double(Double($0)) }) })
        }
        return DSPyEmbedder(form: .function(tool))
    }

    var tools: [Tool] { if case .function(let tool) = form { [tool] } else { [] } }

    func wire() throws(CallError) -> Value {
        switch form {
        case .function(let tool): return ["embedder": ["tool": try tool.told()]]
        case .model(let name, let dimensions):
            var map: ValueMap = ["model": .string(name)]
            map["dimensions"] = dimensions.map { .int(Int64($0)) }
            return ["embedder": .map(map)]
        }
    }
}

extension Tool {
    /// The tool as a spec tells of it: a session that is made anew needs no other word of it.
    func told() throws(CallError) -> Value {
        [
            "name": .string(name), "description": .string(description),
            "parameters": try parameters,
        ]
    }
}

extension Value {
    /// The value as data, also where it looks like one of a spec's forms.
    var asItIs: Value {
        switch self {
        case .map, .list: ["plain": self]
        default: self
        }
    }
}
