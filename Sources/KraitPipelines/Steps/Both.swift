import KraitWire

/// Gives its input to two steps at the same time, and both their outputs on.
///
/// ```swift
/// Both(Predict(Triage.self, on: "general"), Search(index, top: 3))
/// ```
///
/// Where one side fails, the other is cancelled and waited for, and the run fails with the first
/// error.
public struct Both<Input: Sendable, First: Sendable, Second: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Both" }
    private let first: any Step<Input, First>
    private let second: any Step<Input, Second>

    /// A step of two that take the same.
    public init(_ first: some Step<Input, First>, _ second: some Step<Input, Second>) {
        self.first = first
        self.second = second
    }

    private enum Side: Sendable {
        case first(First)
        case second(Second)
    }

    /// Runs both sides, each in a child task.
    public func run(
        _ input: Input,
        in context: RunContext
    ) async throws(CallError) -> (First, Second) {
        let (first, second) = (first, second)
        var sides: (First?, Second?) = (nil, nil)
        let failure = await withTaskGroup(of: Result<Side, CallError>.self) { group in
            group.addTask { () async -> Result<Side, CallError> in
                await CallError.result { () throws(CallError) in
                    .first(try await context.run(first, as: "first \(first.name)", input))
                }
            }
            group.addTask { () async -> Result<Side, CallError> in
                await CallError.result { () throws(CallError) in
                    .second(try await context.run(second, as: "second \(second.name)", input))
                }
            }
            var failure: CallError?
            for await side in group {
                switch side {
                case .success(.first(let output)): sides.0 = output
                case .success(.second(let output)): sides.1 = output
                case .failure(let error):
                    if failure == nil { failure = error }
                    group.cancelAll()
                }
            }
            return failure
        }
        if let failure { throw failure }
        guard let first = sides.0, let second = sides.1 else {
            preconditionFailure("both sides succeeded without an output")
        }
        return (first, second)
    }

    /// Both sides.
    public var outline: StepOutline {
        StepOutline(
            .parallel,
            [.init("first \(first.name)", first), .init("second \(second.name)", second)]
        )
    }
}
