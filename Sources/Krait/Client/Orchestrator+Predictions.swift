import KraitPipelines
import KraitSignatures
import KraitWire

extension Orchestrator {
    /// Predicts the outputs of a signature from its inputs, as `dspy.Predict` does.
    ///
    /// - Parameter pool: the pool to ask; nil leaves it to the router.
    /// - Throws: `invalid_input` where the inputs do not fit, `invalid_output` where the answer
    ///   does not, and whatever `call` throws.
    public func predict<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> S.Output {
        try await Predict(signature, on: pool).run(input, in: RunContext(self, options: options))
    }

    /// Predicts the outputs of a signature in DSPy's text form, such as
    /// `question, context: list[str] -> answer`.
    public func predict(
        _ signature: String,
        _ inputs: ValueMap,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> ValueMap {
        try await Predict(signature, on: pool).run(inputs, in: RunContext(self, options: options))
    }

    /// Predicts the outputs of a signature after reasoning about them, as `dspy.ChainOfThought`
    /// does.
    public func chainOfThought<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> Reasoned<S.Output> {
        try await ChainOfThought(signature, on: pool).withReasoning
            .run(input, in: RunContext(self, options: options))
    }

    /// Predicts after reasoning; the text form of a signature.
    ///
    /// `reasoning` is among the outputs.
    public func chainOfThought(
        _ signature: String,
        _ inputs: ValueMap,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> ValueMap {
        try await ChainOfThought(signature, on: pool)
            .run(inputs, in: RunContext(self, options: options))
    }

    /// Runs a pipeline.
    ///
    /// - Parameters:
    ///   - options: what its calls start from; a timeout is the whole run's.
    ///   - trace: collects each step with its route and time, where it is given.
    ///   - listener: told how the run goes, and given what its last step streams.
    public func run<Input: Sendable, Output: Sendable>(
        _ pipeline: Pipeline<Input, Output>,
        _ input: Input,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil,
        listener: RunListener = RunListener()
    ) async throws(CallError) -> Output {
        try await pipeline.run(
            input,
            through: self,
            options: options,
            trace: trace,
            listener: listener
        )
    }
}
