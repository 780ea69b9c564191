import KraitWire

extension Run {
    /// How long one loss is felt under load: each alone, and far enough apart that no backoff of
    /// the last counts.
    func measureRecovery() throws(ChaosError) {
        try start()
        workload.isOn = true
        loop.run(for: .seconds(6))
        let rounds = 5
        let cases: [(kind: FaultKind, pool: String, bound: Duration)] = [
            (.killWorker, "forks", .milliseconds(300)), (.killWorker, "execs", .seconds(2)),
            (.stopWorker, "forks", options.heartbeat * 3),
        ]
        for (kind, pool, bound) in cases {
            var felt: [Int] = []
            for _ in 0..<rounds {
                guard let duration = injector.strike(kind, pool) else { return }
                felt.append(milliseconds(duration))
                // A worker that has lived so long is not one that failed to start.
                guard loop.run(for: .seconds(6)) else { return }
            }
            felt.sort()
            let median = felt[rounds / 2]
            report.figures.append(
                (
                    "\(kind)_\(pool)_ms",
                    [
                        "median": .int(Int64(median)), "worst": .int(Int64(felt[rounds - 1])),
                        "bound": .int(Int64(milliseconds(bound))),
                    ]
                )
            )
            if median > milliseconds(bound) {
                report.broken.append(
                    "after \(kind) in \(pool) it takes \(median) ms until the pool is whole, "
                        + "more than \(milliseconds(bound))"
                )
            }
        }
        settle()
        guard !loop.isInterrupted else { return }
        try stop()
    }
}
