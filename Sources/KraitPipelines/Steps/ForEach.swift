import KraitWire

/// Runs its steps on each element of a list, a few at the same time, and keeps the order.
///
/// ```swift
/// ForEach(width: 8) { Predict(Triage.self, on: "general") }            // [Input] → [Output]
/// ForEach(width: 8) { Predict(Triage.self, on: "general") }.results    // → [Result<…>]
/// ```
///
/// No more than `width` elements are under way, so a long list costs no more memory than its
/// outputs. Where one fails, those under way are cancelled and waited for, no other begins, and the
/// run fails with the first error; its path names the element by its index, from 0. `results`
/// goes on instead, and gives each element's output or error.
public struct ForEach<Element: Sendable, Each: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "ForEach" }
    /// How many elements are under way at the same time, at least one.
    public let width: Int
    fileprivate let steps: Steps<Element, Each>

    /// A step that runs others on each element; a width below 1 is 1.
    public init(width: Int, @PipelineBuilder _ steps: () -> Steps<Element, Each>) {
        self.width = max(1, width)
        self.steps = steps()
    }

    /// The same step, which goes on where an element fails.
    public var results: ForEachResult<Element, Each> { ForEachResult(all: self) }

    /// Runs the steps on each element, each in a child task.
    public func run(_ input: [Element], in context: RunContext) async throws(CallError) -> [Each] {
        try await outcomes(of: input, in: context, untilFailure: true)
            .map { outcome throws(CallError) in try outcome.get() }
    }

    /// The steps, which are the same for each element.
    public var outline: StepOutline {
        StepOutline(.repeated, [.init("each item", steps)], note: "width \(width)")
    }

    fileprivate typealias Outcome = Result<Each, CallError>

    /// What became of each element, in their order.
    ///
    /// - Throws: the first error, where it is to end with that; or that the run was cancelled.
    fileprivate func outcomes(
        of input: [Element],
        in context: RunContext,
        untilFailure: Bool
    ) async throws(CallError) -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: input.count)
        let failure = await withTaskGroup(of: (Int, Outcome).self) { group -> CallError? in
            var rest = input.indices.makeIterator()
            func start(_ group: inout TaskGroup<(Int, Outcome)>) {
                guard let index = rest.next() else { return }
                let (steps, element) = (steps, input[index])
                group.addTask { () async -> (Int, Outcome) in
                    let outcome = await CallError.result { () throws(CallError) in
                        try await context.run(steps, as: "item \(index)", element)
                    }
                    return (index, outcome)
                }
            }
            for _ in 0..<width { start(&group) }
            var failure: CallError?
            while let (index, outcome) = await group.next() {
                outcomes[index] = outcome
                if case .failure(let error) = outcome, failure == nil,
                    untilFailure || Task.isCancelled
                {
                    failure = error
                    group.cancelAll()
                }
                if failure == nil { start(&group) }
            }
            return failure
        }
        if let failure { throw failure }
        return outcomes.compactMap(\.self)
    }
}

/// Runs its steps on each element of a list, and gives each one's output or error: see `ForEach`.
///
/// It fails only where the run itself is cancelled or out of time.
public struct ForEachResult<Element: Sendable, Each: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { all.name }
    fileprivate let all: ForEach<Element, Each>

    /// Runs the steps on each element, each in a child task.
    public func run(
        _ input: [Element],
        in context: RunContext
    ) async throws(CallError) -> [Result<Each, CallError>] {
        try await all.outcomes(of: input, in: context, untilFailure: false)
    }

    /// The steps, which are the same for each element.
    public var outline: StepOutline { all.outline }
}
