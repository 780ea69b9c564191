import KraitWire

/// Takes another way where the first one fails.
///
/// ```swift
/// Try {
///     Predict(Triage.self, on: "large")
/// } otherwise: {
///     Predict(Triage.self, on: "small")
/// }
/// ```
///
/// Any error leads to the other way, except that the run itself was cancelled or is out of time.
/// Where the other way fails too, its error is the run's; a trace holds both. For a place that
/// cannot take calls, as opposed to steps that fail, see an orchestrator's `Fallback`.
public struct Try<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Try" }
    private let steps: Steps<Input, Output>
    private let otherwise: Steps<Input, Output>

    /// Two ways from the same type to the same type.
    public init(
        @PipelineBuilder _ steps: () -> Steps<Input, Output>,
        @PipelineBuilder otherwise: () -> Steps<Input, Output>
    ) {
        self.steps = steps()
        self.otherwise = otherwise()
    }

    /// Runs the first way, and the other where that fails.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        do throws(CallError) {
            return try await context.run(steps, as: "try", input)
        } catch {
            let isOver = context.deadline.map { $0 <= .now } ?? false
            if Task.isCancelled || isOver { throw error }
        }
        return try await context.run(otherwise, as: "otherwise", input, isLast: true)
    }

    /// Both ways.
    public var outline: StepOutline {
        StepOutline(.choice, [.init("try", steps), .init("otherwise", otherwise)])
    }
}
