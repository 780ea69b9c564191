import KraitWire

/// Gives its input to two steps at the same time, and the output of the one that is first on.
///
/// ```swift
/// Race(Predict(Triage.self, on: "large"), Predict(Triage.self, on: "small"))
/// ```
///
/// The slower one is cancelled and waited for. Where one fails, the other's output is taken; where
/// both do, the run fails with the error that came last. More than two are a race within a race.
public struct Race<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Race" }
    private let first: any Step<Input, Output>
    private let second: any Step<Input, Output>

    /// A step of two that take and give the same.
    public init(_ first: some Step<Input, Output>, _ second: some Step<Input, Output>) {
        self.first = first
        self.second = second
    }

    /// Runs both sides, each in a child task.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        let runners = [("first \(first.name)", first), ("second \(second.name)", second)]
        let outcome = await withTaskGroup(of: Result<Output, CallError>.self) { group in
            for (label, step) in runners {
                group.addTask { () async -> Result<Output, CallError> in
                    await CallError.result { () throws(CallError) in
                        try await context.run(step, as: label, input)
                    }
                }
            }
            var winner: Result<Output, CallError>?
            for await outcome in group {
                if case .success = winner { continue }
                winner = outcome
                if case .success = outcome { group.cancelAll() }
            }
            return winner
        }
        guard let outcome else { preconditionFailure("a race ended without an outcome") }
        return try outcome.get()
    }

    /// Both sides.
    public var outline: StepOutline {
        StepOutline(
            .parallel,
            [.init("first \(first.name)", first), .init("second \(second.name)", second)],
            note: "the first answer wins"
        )
    }
}
