import KraitPooling

extension PythonPool {
    /// How the pool decides.
    var decisions: PoolConfiguration {
        PoolConfiguration(
            workers: workers,
            guests: remoteWorkers,
            queueLimit: queueLimit,
            breaker: BreakerPolicy(
                failureRate: breaker.failureRate,
                slowCall: breaker.slowCall,
                openFor: breaker.openFor
            ),
            retries: RetryPolicy(attempts: attempts),
            rate: rateLimit.map { RateLimit(perSecond: $0) },
            callerRate: callerRateLimit.map { RateLimit(perSecond: $0) },
            recycling: RecyclingPolicy(
                maximumAge: maxAge,
                maximumCalls: maxCalls,
                maximumResidentBytes: maxMemory,
                // What a call may take, so that none is cut short that keeps to its pool's rules.
                patience: timeout
            ),
            recovery: RecoveryDelay(base: recoverAfter)
        )
    }
}
