/// How often, and after what pauses, a call whose worker went away is made again.
package struct RetryPolicy: Sendable, Equatable {
    /// How often a call is made in all; 1 is never again.
    package var attempts: Int
    /// The pause before the second attempt is a random share of `base`, that before each later one
    /// of twice as much, up to `maximum`.
    package var delay: RestartDelay
    /// Each accepted call allows this many retries: 0.1 is one retry for ten calls.
    package var budget: Double
    /// So many calls may wait for their next attempt, beyond the queue's own limit.
    package var room: Int

    package init(
        attempts: Int = 3,
        delay: RestartDelay = RestartDelay(base: .milliseconds(20), maximum: .seconds(1)),
        budget: Double = 0.1,
        room: Int = 1_024
    ) {
        self.attempts = attempts
        self.delay = delay
        self.budget = budget
        self.room = room
    }

    /// The pause after `attempts`; `random` is from 0 up to 1.
    func pause(afterAttempts attempts: Int, random: Double) -> Duration {
        // `RestartDelay` does not pause after a first failure.
        delay.delay(afterFailures: attempts + 1, random: random)
    }
}

/// Keeps retries a small share of the calls, so that they cannot become the load that breaks what
/// has just begun to recover.
struct RetryBudget: Equatable {
    /// What may be saved up, and what a pool begins with so that its first calls can be retried.
    static let maximum = 100.0
    private let share: Double
    private(set) var saved = maximum / 10

    init(share: Double) { self.share = share }

    mutating func callAccepted() { saved = min(Self.maximum, saved + share) }

    /// Whether there may be one more retry now; it is then paid for.
    mutating func spend() -> Bool {
        guard saved >= 1 else { return false }
        saved -= 1
        return true
    }
}
