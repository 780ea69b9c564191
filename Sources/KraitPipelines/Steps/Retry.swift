import KraitWire

/// Runs its steps again where they fail with what may pass.
///
/// ```swift
/// Retry(attempts: 3) { Predict(Triage.self, on: "general") }
/// ```
///
/// Here the program itself says that the steps may run more than once; a pool's own retries are for
/// calls that are marked idempotent. Between attempts it waits as `Attempts` says, never beyond the
/// run's time: it then fails with the error there is. The path names the attempt, from 1.
public struct Retry<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Retry" }
    private let attempts: Attempts
    private let steps: Steps<Input, Output>

    /// A step that is tried so often in all, with the usual waits.
    public init(attempts: Int, @PipelineBuilder _ steps: () -> Steps<Input, Output>) {
        self.init(Attempts(attempts), steps)
    }

    /// A step that is tried as these attempts say.
    public init(_ attempts: Attempts, @PipelineBuilder _ steps: () -> Steps<Input, Output>) {
        self.attempts = attempts
        self.steps = steps()
    }

    /// Runs the steps until they succeed, or fail for good.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        var number = 1
        while true {
            do throws(CallError) {
                return try await context.run(steps, as: "attempt \(number)", input)
            } catch {
                let random = Double.random(in: 0..<1)
                guard let wait = attempts.wait(after: error, attempt: number, random: random),
                    !Task.isCancelled, try await context.pause(for: wait)
                else { throw error }
                number += 1
            }
        }
    }

    /// The steps, which are the same each time.
    public var outline: StepOutline {
        StepOutline(
            .repeated,
            [.init("each attempt", steps)],
            note: "at most \(attempts.limit) attempts"
        )
    }
}

/// How often something is tried, what for, and how long is waited in between.
public struct Attempts: Sendable, Hashable {
    /// How many attempts there are in all, at least one.
    public var limit: Int
    /// The longest wait before the second attempt; it doubles with each.
    public var firstWait: Duration
    /// What no wait is longer than, unless an error says when to come back.
    public var longestWait: Duration
    /// The errors that another attempt may not meet.
    public var codes: Set<CallError.Code>

    /// What may well pass by itself: a worker lost, a queue full, an answer that did not fit, an
    /// exception.
    public static let passing: Set<CallError.Code> = [
        .workerCrashed, .workerSilent, .queueFull, .rateLimited, .circuitOpen, .faulted,
        .invalidOutput, .poolFailed,
    ]

    /// Attempts that differ from the usual where it is said.
    public init(
        _ limit: Int,
        firstWait: Duration = .milliseconds(200),
        longestWait: Duration = .seconds(10),
        for codes: Set<CallError.Code> = Attempts.passing
    ) {
        self.limit = max(1, limit)
        self.firstWait = firstWait
        self.longestWait = longestWait
        self.codes = codes
    }

    /// How long to wait before the next attempt; nil where there is none.
    ///
    /// The wait is drawn between nothing and twice as much as before, so that many that failed
    /// together do not come back together; an error that says when to come back is heeded.
    ///
    /// - Parameters:
    ///   - attempt: which attempt failed, from 1.
    ///   - random: a number from 0 up to 1.
    public func wait(after error: CallError, attempt: Int, random: Double) -> Duration? {
        guard attempt < limit, codes.contains(error.code) else { return nil }
        var ceiling = firstWait
        for _ in 1..<attempt where ceiling < longestWait { ceiling *= 2 }
        return max(min(ceiling, longestWait) * random, error.retryAfter ?? .zero)
    }
}
