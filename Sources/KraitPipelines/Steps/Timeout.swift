import KraitWire

/// Gives its steps so much time and no more.
///
/// ```swift
/// Timeout(.seconds(5)) { Predict(Triage.self, on: "general") }
/// ```
///
/// Calls within have what is left of the time. When it is over the steps are cancelled and waited
/// for, and the run fails with `deadline_exceeded` and the path to the step that was under way: a
/// closure that does not heed cancellation takes as long as it takes.
public struct Timeout<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Timeout" }
    private let time: Duration
    private let steps: Steps<Input, Output>

    /// A step whose parts have this time together.
    public init(_ time: Duration, @PipelineBuilder _ steps: () -> Steps<Input, Output>) {
        self.time = time
        self.steps = steps()
    }

    /// Runs the steps beside a clock.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        let steps = steps
        return try await context.limited(to: time) { context throws(CallError) in
            try await steps.run(input, in: context)
        }
    }

    /// The steps.
    public var outline: StepOutline {
        StepOutline(.sequence, steps.outline.parts, note: "within \(time)")
    }
}
