/// How a pool decides: every limit it keeps.
package struct PoolConfiguration: Sendable, Equatable {
    package var workers: Int
    /// How many workers that somebody starts elsewhere it takes beside its own.
    package var guests: Int
    /// How many calls may wait for a slot.
    package var queueLimit: Int
    /// How many workers may be on their way up at once.
    package var startsAtOnce: Int
    /// After how many failed starts in a row, with no worker ready, the pool gives up.
    package var maximumStartFailures: Int
    /// A worker that lived this long is not counted as one that failed to start well.
    package var stableAfter: Duration
    package var backoff: RestartDelay
    /// How long a worker may be at a call that nobody waits for, before it is ended.
    package var abandonedGrace: Duration
    package var breaker: BreakerPolicy
    package var retries: RetryPolicy
    /// How many calls the pool takes in a time, and how many of one caller; nil for any number.
    package var rate: RateLimit?
    package var callerRate: RateLimit?
    /// How long a call that ended workers is suspected.
    package var quarantine: Duration
    /// When workers are replaced although nothing is wrong with them.
    package var recycling: RecyclingPolicy
    /// When a pool that failed is tried again.
    package var recovery: RecoveryDelay

    package init(
        workers: Int,
        guests: Int = 0,
        queueLimit: Int = 10_000,
        startsAtOnce: Int = 4,
        maximumStartFailures: Int = 5,
        stableAfter: Duration = .seconds(5),
        backoff: RestartDelay = RestartDelay(),
        abandonedGrace: Duration = .seconds(5),
        breaker: BreakerPolicy = BreakerPolicy(),
        retries: RetryPolicy = RetryPolicy(),
        rate: RateLimit? = nil,
        callerRate: RateLimit? = nil,
        quarantine: Duration = .seconds(600),
        recycling: RecyclingPolicy = RecyclingPolicy(),
        recovery: RecoveryDelay = RecoveryDelay()
    ) {
        self.workers = workers
        self.guests = guests
        self.queueLimit = queueLimit
        self.startsAtOnce = startsAtOnce
        self.maximumStartFailures = maximumStartFailures
        self.stableAfter = stableAfter
        self.backoff = backoff
        self.abandonedGrace = abandonedGrace
        self.breaker = breaker
        self.retries = retries
        self.rate = rate
        self.callerRate = callerRate
        self.quarantine = quarantine
        self.recycling = recycling
        self.recovery = recovery
    }
}

/// How long to wait before a worker is started again: the first time not at all, then
/// exponentially longer with full jitter (a random share of the bound, so that workers that fail
/// together do not come back together).
package struct RestartDelay: Sendable, Equatable {
    package var base: Duration
    package var maximum: Duration

    package init(base: Duration = .milliseconds(100), maximum: Duration = .seconds(10)) {
        self.base = base
        self.maximum = maximum
    }

    /// The delay after `failures` in a row; `random` is from 0 up to 1.
    package func delay(afterFailures failures: Int, random: Double) -> Duration {
        guard failures > 1 else { return .zero }
        let doublings = min(failures - 2, 16)
        return min(base * (1 << doublings), maximum) * random
    }
}
