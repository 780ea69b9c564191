import KraitWire

extension Run {
    /// Half the load with faults for a long time: nothing may grow.
    func soak() throws(ChaosError) {
        try start()
        workload.isOn = true
        injector.isOn = true
        let seconds = options.seconds ?? 1_800
        let end = ContinuousClock.now + .seconds(seconds)
        var samples: [(holdings: Holdings, queued: Int)] = []
        while ContinuousClock.now < end {
            guard loop.run(for: .seconds(min(5, max(1, seconds / 20)))) else { return }
            let queued = status.view?.pools.values.reduce(0) { $0 + $1.queued } ?? 0
            samples.append((holdings(), queued))
        }
        settle()
        guard !loop.isInterrupted else { return }
        // What is made once comes in the first fifth.
        let steady = samples.dropFirst(samples.count / 5)
        let part = max(1, steady.count / 3)
        let (first, last) = (steady.prefix(part), steady.suffix(part))
        let fields: [(String, ((Holdings, Int)) -> Int)] = [
            ("resident_kib", { $0.0.residentBytes >> 10 }), ("descriptors", { $0.0.descriptors }),
            ("threads", { $0.0.threads }), ("queued", { $0.1 }),
        ]
        for (name, field) in fields {
            let (before, after) = (median(first.map(field)), median(last.map(field)))
            report.figures.append(
                ("soak_\(name)", ["first": .int(Int64(before)), "last": .int(Int64(after))])
            )
            // Of small counts one more or less is more than a share.
            let slack = max(Double(before) * 0.05, name == "queued" ? 200 : 4)
            if Double(after) > Double(before) + slack {
                report.broken.append("\(name) grew from \(before) to \(after)")
            }
        }
        try stop()
    }

    private func median(_ numbers: [Int]) -> Int {
        let sorted = numbers.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}
