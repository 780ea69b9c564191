import KraitWire

/// Steps with a name: a program that can be run, and a step of a larger one.
///
/// ```swift
/// let support = Pipeline("support") {
///     ChainOfThought(Triage.self, on: "general")
///     When(\Triage.Output.isUrgent) {
///         Transform { (triage: Triage.Output) in Polish.Output(reply: triage.reply) }
///     } otherwise: {
///         Transform { (triage: Triage.Output) in Polish.Input(reply: triage.reply) }
///         Predict(Polish.self)
///     }
/// }
/// ```
public struct Pipeline<Input: Sendable, Output: Sendable>: Step {
    /// What the pipeline is called in paths, in traces and on the command line.
    public let name: String
    private let steps: Steps<Input, Output>

    /// A pipeline of these steps, from what the first one takes to what the last one gives.
    public init(_ name: String, @PipelineBuilder _ steps: () -> Steps<Input, Output>) {
        self.name = name
        self.steps = steps()
    }

    /// Runs the pipeline by itself.
    ///
    /// - Parameters:
    ///   - input: what the first step takes.
    ///   - caller: who answers the steps' calls.
    ///   - options: what every call starts from: a session, LM settings. A timeout is the whole
    ///     run's, and each call has what is left of it.
    ///   - trace: where the run is recorded; it can be read also after the run has failed.
    ///   - listener: told how the run goes, and given what its last step streams.
    /// - Throws: what the first failing step threw, with the path to it; a cancelled run is
    ///   `cancelled`, one whose time is over `deadline_exceeded`.
    public func run(
        _ input: Input,
        through caller: any Caller,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil,
        listener: RunListener = RunListener()
    ) async throws(CallError) -> Output {
        let context = RunContext(caller, options: options, trace: trace, listener: listener)
        return try await run(input, in: context)
    }

    /// Runs the pipeline as a step of the run that the context belongs to, or begins a run.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        if context.place != nil { return try await steps.run(input, in: context) }
        guard let timeout = context.options.timeout else {
            return try await context.run(steps, as: name, input, isLast: true)
        }
        return try await context.limited(to: timeout) { context throws(CallError) in
            try await context.run(steps, as: name, input, isLast: true)
        }
    }

    /// Throws the first mistake that can be found without running: what does not parse, what nobody
    /// offers.
    public func validate(
        through caller: any Caller,
        options: CallOptions = CallOptions()
    ) throws(CallError) {
        try validate(in: RunContext(caller, options: options))
    }

    /// Validates each step; see `Step`.
    public func validate(in context: RunContext) throws(CallError) {
        if context.place != nil { return try steps.validate(in: context) }
        let inner = context.entering(name)
        do {
            try steps.validate(in: inner)
        } catch {
            throw error.placed(at: inner.path)
        }
    }

    /// The steps.
    public var outline: StepOutline { steps.outline }
}
