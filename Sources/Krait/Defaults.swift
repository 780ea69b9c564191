/// The one table of defaults; documentation and `--help` are checked against it.
public enum Defaults {
    /// Worker processes in a pool.
    public static let workers = 2
    /// DSPy mostly waits for a language model, so a worker serves many calls at once.
    public static let slots = 16
    /// Calls that may wait for a slot of a pool.
    public static let queueLimit = 10_000
    /// How long a call may take in all.
    public static let timeout: Duration = .seconds(120)
    /// The interval of a worker's heartbeats.
    public static let heartbeat: Duration = .seconds(1)
    /// How long an adapter's import, and then a worker's start, may take.
    public static let startTimeout: Duration = .seconds(60)
    /// How long after it failed a pool is tried again, at first.
    public static let recoverAfter: Duration = .seconds(30)
    /// How long a stopping daemon waits for the calls that run.
    public static let drainTimeout: Duration = .seconds(30)
    /// How often an idempotent call is made in all.
    public static let attempts = 3
    /// Bytes of shared memory for a pool's arguments, and as many for each worker's results.
    public static let arena = 1 << 30
    /// Bytes that may go beside one call, and beside its answer.
    public static let payloadLimit = 2 << 30
    /// The share of failures at which an operation's breaker opens.
    public static let breakerFailureRate = 0.5
    /// How long an open breaker refuses the first time.
    public static let breakerOpenFor: Duration = .seconds(5)
    /// How long an optimization may take in all.
    public static let optimizationTimeout: Duration = .seconds(7 * 24 * 3_600)
    /// The share of the training rows that an optimization holds out to score before and after.
    public static let holdout = 0.2
    /// How many rows of an optimization are under way at once.
    public static let optimizerThreads = 8
}
