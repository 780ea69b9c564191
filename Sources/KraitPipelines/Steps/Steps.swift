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
            try await context.run(step, as: label, input)
        }
    }

    init<Middle>(_ steps: Steps<Input, Middle>, then step: any Step<Middle, Output>) {
        let label = "\(steps.parts.count + 1) \(step.name)"
        let before = steps.body
        parts = steps.parts + [step]
        body = { input, context throws(CallError) in
            try await context.run(step, as: label, before(input, context))
        }
    }

    /// Runs each step on what the one before it gave.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        try await body(input, context)
    }

    /// Validates each step in turn.
    public func validate(in context: RunContext) throws(CallError) {
        for (index, part) in parts.enumerated() {
            try context.validate(part, as: "\(index + 1) \(part.name)")
        }
    }
}

extension RunContext {
    /// Validates a part of a step, so that its error has the path to it.
    func validate(_ part: any Step, as label: String) throws(CallError) {
        let inner = entering(label)
        do {
            try part.validate(in: inner)
        } catch {
            throw error.placed(at: inner.path)
        }
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
