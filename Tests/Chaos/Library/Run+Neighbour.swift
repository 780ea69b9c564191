import Glibc
import KraitWire

extension Run {
    /// What a healthy pool does in turn without and with another one's fault.
    func compareNeighbour() throws(ChaosError) {
        try start()
        workload.limits.rests = [:]
        for (name, pool, fault) in [
            ("dead_lm", "lm", { [lab] in lab.stopServer() }),
            ("stalled_lm", "lm", { [lab] in lab.signalServer(SIGSTOP) }),
            (
                "crashing_pool", "faulty",
                { [workload] in workload.send(.leaves, timeout: .seconds(5)) }
            ),
        ] as [(String, String, () -> Void)] {
            guard !loop.isInterrupted else { return }
            try compare(name, pool, fault)
        }
        settle()
        guard !loop.isInterrupted else { return }
        try stop()
    }

    private func compare(
        _ name: String,
        _ pool: String,
        _ fault: @escaping () -> Void
    ) throws(ChaosError) {
        let window: Duration = .seconds(options.seconds ?? 3)
        workload.limits.only = ["neighbour", pool]
        workload.isOn = true
        loop.run(for: .seconds(1))
        var ratios: [Double] = []
        for _ in 0..<5 {
            let without = count(for: window)
            // It is explained by a fault that lasts until all is well again.
            let episodes = explain(pool)
            fault()
            let isRepeated = pool == "faulty"
            if isRepeated { workload.repeatPoison = true }
            loop.run(for: .milliseconds(200))
            let with = count(for: window)
            workload.repeatPoison = false
            if pool == "lm" {
                lab.stopServer()
                try lab.startServer()
            }
            loop.run(for: .seconds(1))
            let moment = ContinuousClock.now
            let patience = moment + .seconds(20)
            loop.run {
                ContinuousClock.now < patience
                    && !((workload.lastOK[pool] ?? moment) > moment
                        && injector.isWhole(since: moment))
            }
            for episode in episodes { injector.close(episode) }
            guard !loop.isInterrupted else { return }
            ratios.append(Double(with) / Double(max(1, without)))
        }
        ratios.sort()
        let median = ratios[ratios.count / 2]
        let rounded = ratios.map { Value.double(($0 * 1_000).rounded() / 1_000) }
        report.figures.append(
            (
                "neighbour_\(name)",
                ["ratio": rounded[ratios.count / 2], "pairs": .list(rounded)]
            )
        )
        if median < 0.95 {
            report.broken.append(
                "the neighbour keeps \(Int(median * 100)) % of its calls beside \(name)"
            )
        }
    }

    private func explain(_ pool: String) -> [Int] {
        if pool == "lm" { return [injector.book(.languageModelDies, pool: pool)] }
        return [injector.book(.poison(.leaves), pool: pool)]
    }

    private func count(for window: Duration) -> Int {
        let before = workload.okCounts["neighbour"] ?? 0
        loop.run(for: window)
        return (workload.okCounts["neighbour"] ?? 0) - before
    }
}
