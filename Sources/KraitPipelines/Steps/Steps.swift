import KraitWire

/// Steps one after the other: what a block of steps is.
public struct Steps<Input: Sendable, Output: Sendable>: Step {
    /// The steps' own names in order, with arrows between them.
    public var name: String { parts.map(\.name).joined(separator: " → ") }
    private let parts: [any Step]
    private let body: @Sendable (Input, RunContext) async throws(CallError) -> Output

    init(first step: any Step<Input, Output>) {
        let label = "1 \(step.name)"
        parts = [step]
        body = { input, context throws(CallError) in
            try await context.run(step, as: label, input, isLast: true)
        }
    }

    init<Middle>(_ steps: Steps<Input, Middle>, then step: any Step<Middle, Output>) {
        let label = "\(steps.parts.count + 1) \(step.name)"
        let before = steps.body
        parts = steps.parts + [step]
        body = { input, context throws(CallError) in
            let middle = try await before(input, context.notLast)
            return try await context.run(step, as: label, middle, isLast: true)
        }
    }

    /// Runs each step on what the one before it gave.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        try await body(input, context)
    }

    /// The steps, numbered from 1.
    public var outline: StepOutline {
        StepOutline(
            .sequence,
            parts.enumerated().map { .init("\($0.offset + 1) \($0.element.name)", $0.element) }
        )
    }
}

/// Puts the steps of a block one after the other.
///
/// Each step takes exactly what the one before it gives; where it does not, that line of the block
/// does not compile. A line is read by itself, so the closure of a `Transform` names its
/// parameter's type.
@resultBuilder
public enum PipelineBuilder {
    /// Begins a block.
    public static func buildPartialBlock<S: Step>(first: S) -> Steps<S.Input, S.Output> {
        Steps(first: first)
    }

    /// Begins a block with the steps of another, as if they stood here.
    public static func buildPartialBlock<Input, Output>(
        first: Steps<Input, Output>
    ) -> Steps<Input, Output> {
        first
    }

    /// Adds a step that takes what the block gives so far.
    public static func buildPartialBlock<Input, S: Step>(
        accumulated: Steps<Input, S.Input>,
        next: S
    ) -> Steps<Input, S.Output> {
        Steps(accumulated, then: next)
    }

    /// Refuses a step that takes something else: chosen only where the other does not fit.
    @available(
        *,
        unavailable,
        message: "this step does not take what the step before it gives"
    )
    public static func buildPartialBlock<Input, Output, S: Step>(
        accumulated: Steps<Input, Output>,
        next: S
    ) -> Steps<Input, S.Output> {
        preconditionFailure("cannot be called")
    }
}
