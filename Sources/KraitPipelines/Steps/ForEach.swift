import KraitWire

/// Runs its steps on each element of a list, a few at the same time, and keeps the order.
///
/// ```swift
/// ForEach(width: 8) { Predict(Triage.self, on: "general") }       // [Input] → [Output]
/// ```
///
/// No more than `width` elements are under way, so a long list costs no more memory than its
/// outputs. Where one fails, those under way are cancelled and waited for, no other begins, and the
/// run fails with the first error; its path names the element by its index, from 0.
public struct ForEach<Element: Sendable, Result: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "ForEach" }
    /// How many elements are under way at the same time, at least one.
    public let width: Int
    private let steps: Steps<Element, Result>

    /// A step that runs others on each element; a width below 1 is 1.
    public init(width: Int, @PipelineBuilder _ steps: () -> Steps<Element, Result>) {
        self.width = max(1, width)
        self.steps = steps()
    }

    private typealias Outcome = (index: Int, result: Swift.Result<Result, CallError>)

    /// Runs the steps on each element, each in a child task.
    public func run(
        _ input: [Element],
        in context: RunContext
    ) async throws(CallError) -> [Result] {
        var outputs = [Result?](repeating: nil, count: input.count)
        let failure = await withTaskGroup(of: Outcome.self) { group in
            var rest = input.indices.makeIterator()
            func start(_ group: inout TaskGroup<Outcome>) {
                guard let index = rest.next() else { return }
                let (steps, element) = (steps, input[index])
                group.addTask {
                    (index, await Self.outcome(of: steps, "item \(index)", element, context))
                }
            }
            for _ in 0..<width { start(&group) }
            var failure: CallError?
            while let (index, result) = await group.next() {
                switch result {
                case .success(let output):
                    outputs[index] = output
                    if failure == nil { start(&group) }
                case .failure(let error):
                    if failure == nil { failure = error }
                    group.cancelAll()
                }
            }
            return failure
        }
        if let failure { throw failure }
        return outputs.compactMap(\.self)
    }

    private static func outcome(
        of steps: Steps<Element, Result>,
        _ label: String,
        _ element: Element,
        _ context: RunContext
    ) async -> Swift.Result<Result, CallError> {
        do throws(CallError) {
            return .success(try await context.run(steps, as: label, element))
        } catch {
            return .failure(error)
        }
    }

    /// Validates the steps once.
    public func validate(in context: RunContext) throws(CallError) {
        try context.validate(steps, as: "each item")
    }
}
