import KraitPooling

extension PoolConfiguration {
    /// What a declared pool asks for.
    init(_ pool: PythonPool) {
        self.init(
            workers: pool.workers,
            queueLimit: pool.queueLimit,
            breaker: BreakerPolicy(
                failureRate: pool.breaker.failureRate,
                slowCall: pool.breaker.slowCall,
                openFor: pool.breaker.openFor
            ),
            retries: RetryPolicy(attempts: pool.attempts),
            rate: pool.rateLimit.map { RateLimit(perSecond: $0) },
            callerRate: pool.callerRateLimit.map { RateLimit(perSecond: $0) }
        )
    }
}
