import KraitWire

/// Takes one of two ways; both lead from the same type to the same type.
///
/// ```swift
/// When(\Triage.Output.isUrgent) {
///     Transform { (triage: Triage.Output) in Polish.Output(reply: triage.reply) }
/// } otherwise: {
///     Transform { (triage: Triage.Output) in Polish.Input(reply: triage.reply) }
///     Predict(Polish.self)
/// }
/// ```
public struct When<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "When" }
    private let condition: @Sendable (Input) -> Bool
    private let then: Steps<Input, Output>
    private let otherwise: Steps<Input, Output>

    /// Takes the first way where the property is true.
    public init(
        _ condition: any KeyPath<Input, Bool> & Sendable,
        @PipelineBuilder then: () -> Steps<Input, Output>,
        @PipelineBuilder otherwise: () -> Steps<Input, Output>
    ) {
        self.init(where: { $0[keyPath: condition] }, then: then, otherwise: otherwise)
    }

    /// Takes the first way where the closure says so.
    public init(
        where condition: @escaping @Sendable (Input) -> Bool,
        @PipelineBuilder then: () -> Steps<Input, Output>,
        @PipelineBuilder otherwise: () -> Steps<Input, Output>
    ) {
        self.condition = condition
        self.then = then()
        self.otherwise = otherwise()
    }

    /// Takes one of the ways; the other is not touched.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        condition(input)
            ? try await then.run(input, in: context.entering("then"))
            : try await otherwise.run(input, in: context.entering("otherwise"))
    }

    /// Both ways.
    public var outline: StepOutline {
        StepOutline(.choice, [.init("then", then), .init("otherwise", otherwise)])
    }
}

extension When where Input == Output {
    /// Takes the way where the property is true, and otherwise passes its input on unchanged.
    public init(
        _ condition: any KeyPath<Input, Bool> & Sendable,
        @PipelineBuilder then: () -> Steps<Input, Output>
    ) {
        self.init(condition, then: then, otherwise: { Pass<Input>() })
    }
}
