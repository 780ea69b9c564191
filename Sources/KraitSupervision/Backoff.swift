/// How long to wait before the next try: exponential, with full jitter.
///
/// Full jitter (anything between nothing and the exponential bound) keeps many that failed together
/// from trying together again. Pure: the random number comes from the caller, so that a simulation
/// can repeat it.
package struct Backoff: Sendable, Equatable {
    /// The bound of the first wait.
    package let base: Duration
    /// By how much the bound grows with each failure.
    package let factor: Double
    /// The bound of all waits.
    package let maximum: Duration
    /// How long a try must last for the next failure to count as the first.
    package let stableAfter: Duration
    /// Failures since the last stable try.
    package private(set) var failures = 0
    /// The bound of the next wait.
    private var bound: Duration

    package init(
        base: Duration = .milliseconds(100),
        factor: Double = 2,
        maximum: Duration = .seconds(30),
        stableAfter: Duration = .seconds(60)
    ) {
        precondition(base > .zero && maximum >= base && factor >= 1, "a backoff must not shrink")
        self.base = base
        self.factor = factor
        self.maximum = maximum
        self.stableAfter = stableAfter
        bound = base
    }

    /// What failed had lasted for `lasted`; gives the time to wait before the next try.
    ///
    /// - Parameter random: A random number in `0..<1`.
    package mutating func failed(after lasted: Duration, random: Double) -> Duration {
        precondition((0..<1).contains(random), "the random number is in 0..<1")
        if lasted >= stableAfter {
            failures = 0
            bound = base
        }
        defer {
            failures += 1
            bound = min(maximum, bound * factor)
        }
        return bound * random
    }
}
