import KraitWire

extension Run {
    /// Calls under the mix of faults, as many as asked for; then all must be as before.
    func load() throws(ChaosError) {
        try start()
        // Connections, threads and buffers that are made once and kept.
        workload.isOn = true
        loop.run(for: .seconds(2))
        workload.isOn = false
        loop.run { !workload.ledger.open.isEmpty }
        let before = holdings()
        let target = workload.ledger.sent + options.calls
        workload.limits.calls = target
        workload.isOn = true
        injector.isOn = true
        let end = options.seconds.map { ContinuousClock.now + .seconds($0) }
        loop.run { workload.ledger.sent < target && end.map { .now < $0 } ?? true }
        settle()
        guard !loop.isInterrupted else { return }
        // The last descriptors of a worker are closed right after its successor has begun.
        let patience = ContinuousClock.now + .seconds(5)
        loop.run { holdings().descriptors > before.descriptors && .now < patience }
        compare(before, holdings())
        report.figures.append(
            ("slowest_status_ms", .int(Int64(milliseconds(status.slowest))))
        )
        try stop()
    }

    private func compare(_ before: Holdings, _ after: Holdings) {
        func figure(_ name: String, _ before: Int, _ after: Int) {
            report.figures.append(
                (name, ["before": .int(Int64(before)), "after": .int(Int64(after))])
            )
        }
        figure("descriptors", before.descriptors, after.descriptors)
        figure("threads", before.threads, after.threads)
        figure("processes", before.processes, after.processes)
        figure("resident_kib", before.residentBytes >> 10, after.residentBytes >> 10)
        if after.descriptors > before.descriptors {
            report.broken.append(
                "descriptors leaked: \(before.descriptors), then \(after.descriptors)"
            )
        }
        if after.processes > before.processes {
            report.broken.append("processes leaked: \(before.processes), then \(after.processes)")
        }
    }
}
