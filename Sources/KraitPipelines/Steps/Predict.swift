import KraitSignatures
import KraitWire

/// Asks for the outputs of a signature: DSPy's `Predict`, or native code registered for the
/// signature.
///
/// ```swift
/// Predict(Triage.self, on: "general")              // Triage.Input → Triage.Output
/// Predict("question, context: list[str] -> answer") // ValueMap → ValueMap
/// ```
///
/// Without `on` it goes where the router's policy says: native code for the signature if there is
/// some, or else a pool. Errors, beside the call's own: `invalid_input` with the field, before
/// anything is sent; `invalid_output` with the field, where the reply does not fit the signature's
/// types.
public struct Predict<Input: Sendable, Output: Sendable>: Step {
    /// `Predict`, and the signature's name or fields.
    public var name: String { "Predict(\(prediction.name))" }
    private let prediction: Prediction<Input, Output>

    /// A prediction of a typed signature.
    public init<S: Signature>(_ signature: S.Type, on pool: String? = nil)
    where Input == S.Input, Output == S.Output {
        prediction = Prediction("predict", signature, on: pool)
    }

    /// Makes one call.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        try await prediction.run(input, in: context)
    }

    /// Finds a signature that does not hold, and an operation or pool that nobody offers.
    public func validate(in context: RunContext) throws(CallError) {
        try prediction.validate(in: context)
    }

    /// The operation and the pool.
    public var outline: StepOutline { StepOutline(note: prediction.note) }
}

extension Predict where Input == ValueMap, Output == ValueMap {
    /// A prediction of a signature as DSPy writes it, such as `question -> answer: str`.
    public init(_ signature: String, instructions: String? = nil, on pool: String? = nil) {
        prediction = Prediction(
            "predict",
            text: signature,
            instructions: instructions,
            on: pool
        )
    }
}

/// Asks for the outputs of a signature after some reasoning: DSPy's `ChainOfThought`.
///
/// ```swift
/// ChainOfThought(Triage.self, on: "general")                  // Triage.Input → Triage.Output
/// ChainOfThought(Triage.self, on: "general").withReasoning    // → Reasoned<Triage.Output>
/// ```
///
/// The untyped one has `reasoning` among its outputs. Errors are those of `Predict`.
public struct ChainOfThought<Input: Sendable, Output: Sendable>: Step {
    /// `ChainOfThought`, and the signature's name or fields.
    public var name: String { "ChainOfThought(\(prediction.name))" }
    private let prediction: Prediction<Input, Output>

    private init(_ prediction: Prediction<Input, Output>) { self.prediction = prediction }

    /// A prediction of a typed signature.
    public init<S: Signature>(_ signature: S.Type, on pool: String? = nil)
    where Input == S.Input, Output == S.Output {
        prediction = Prediction("chain_of_thought", signature, on: pool)
    }

    /// The same step, giving the reasoning beside the output.
    public var withReasoning: ChainOfThought<Input, Reasoned<Output>> {
        ChainOfThought<Input, Reasoned<Output>>(
            prediction.mapping { outputs, output in
                Reasoned(reasoning: outputs["reasoning"]?.string ?? "", output: output)
            }
        )
    }

    /// Makes one call.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        try await prediction.run(input, in: context)
    }

    /// Finds a signature that does not hold, and an operation or pool that nobody offers.
    public func validate(in context: RunContext) throws(CallError) {
        try prediction.validate(in: context)
    }

    /// The operation and the pool.
    public var outline: StepOutline { StepOutline(note: prediction.note) }
}

extension ChainOfThought where Input == ValueMap, Output == ValueMap {
    /// A prediction of a signature as DSPy writes it, such as `question -> answer: str`.
    public init(_ signature: String, instructions: String? = nil, on pool: String? = nil) {
        prediction = Prediction(
            "chain_of_thought",
            text: signature,
            instructions: instructions,
            on: pool
        )
    }
}

/// An output and the reasoning that led to it.
public struct Reasoned<Output: Sendable>: Sendable {
    /// What the model wrote before its answer; empty where it wrote nothing.
    public var reasoning: String
    /// The answer.
    public var output: Output

    /// An output with its reasoning.
    public init(reasoning: String, output: Output) {
        self.reasoning = reasoning
        self.output = output
    }
}

extension Reasoned: Encodable where Output: Encodable {}
extension Reasoned: Decodable where Output: Decodable {}
extension Reasoned: Equatable where Output: Equatable {}
