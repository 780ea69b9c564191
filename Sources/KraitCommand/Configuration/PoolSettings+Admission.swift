import Krait

extension Setting where Target == PoolDraft {
    /// Which calls a pool takes, and which it makes again.
    static let admission: [Setting] = [
        Setting(
            "attempts",
            .form(.integer(1...100)),
            \.pool.attempts,
            "How often an idempotent call is made in all where its worker is lost."
        ),
        Setting(
            "breaker_failure_rate",
            .form(.number(0.01...2)),
            \.pool.breaker.failureRate,
            "The share of failed calls at which an operation is refused; above 1 never."
        ),
        Setting(
            "breaker_slow_call",
            .optional(.form(.duration)),
            \.pool.breaker.slowCall,
            example: "30s",
            "A call that takes longer is slow; four in five open the breaker as well."
        ),
        Setting(
            "breaker_open_for",
            .form(.duration),
            \.pool.breaker.openFor,
            "How long calls are refused the first time an operation's breaker opens."
        ),
        Setting(
            "rate_limit",
            .optional(.form(.number(0.001...1_000_000))),
            \.pool.rateLimit,
            example: "100.0",
            "Calls a second that the pool takes; more are refused with `rate_limited`."
        ),
        Setting(
            "caller_rate_limit",
            .optional(.form(.number(0.001...1_000_000))),
            \.pool.callerRateLimit,
            example: "10.0",
            "Calls a second that the pool takes of one caller (`krait call --caller`)."
        ),
    ]
}
