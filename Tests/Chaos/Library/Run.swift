import Glibc
import KraitTestSupport
import KraitWire

/// One run of a mode, from an empty folder to a report.
package final class Run {
    let options: Options
    let lab: Lab
    let loop: Loop
    let plans: [PoolPlan]
    let workload: Workload
    let status: StatusWatch
    let injector: Injector
    var report: Report
    private let began = ContinuousClock.now

    /// Sets the stage; nothing of Krait runs yet.
    package init(
        _ options: Options,
        places: Lab.Places,
        interruptions: Int32,
        hasMounts: Bool
    ) throws(ChaosError) {
        self.options = options
        report = Report(options)
        lab = try Lab(places, hasMounts: hasMounts)
        loop = Loop(interruptions: interruptions)
        do {
            try lab.startServer()
        } catch {
            lab.close()
            throw error
        }
        plans = PoolPlan.all(
            share: options.isLight ? 0.1 : options.mode == .soak ? 0.5 : 1,
            adapters: lab.places.scripts,
            endpoint: lab.endpoint
        )
        workload = Workload(plans: plans, loop: loop, seed: options.seed &* 2 &+ 1)
        status = StatusWatch(loop: loop)
        injector = Injector(
            lab: lab,
            workload: workload,
            status: status,
            plans: plans,
            heartbeat: options.heartbeat,
            kinds: options.faults.filter { hasMounts || !$0.needsMounts },
            loop: loop,
            seed: options.seed
        )
        if !hasMounts, options.faults.contains(where: \.needsMounts) {
            report.skipped.append("disk, shm: mounting a small file system needs root")
        }
        if options.isVerbose { injector.isTelling = true }
    }

    /// Does what the mode says, and takes everything away.
    ///
    /// - Returns: nil where it was interrupted.
    package func perform() throws(ChaosError) -> Report? {
        defer { lab.close() }
        try lab.configure(plans, heartbeat: options.heartbeat)
        switch options.mode {
        case .load: try load()
        case .recovery: try measureRecovery()
        case .daemon: try killDaemons()
        case .neighbour: try compareNeighbour()
        case .soak: try soak()
        }
        guard !loop.isInterrupted else { return nil }
        report.seconds = began.duration(to: .now) / .seconds(1)
        report.ledger = workload.ledger
        report.recoveries = injector.recoveries
        report.broken += injector.failures
        report.judge()
        return report
    }

    // MARK: Parts of every mode

    func start() throws(ChaosError) {
        try lab.startDaemon()
        try status.connect(to: lab.controlSocket)
        try workload.connect(to: lab.controlSocket) { [unowned self] in daemonHungUp() }
    }

    private func daemonHungUp() {
        guard let daemon = lab.daemon, !isDaemonExpectedToDie else { return }
        let isThere = ProcessEntry(daemon.id) != nil
        report.broken.append(
            "the daemon \(isThere ? "closed a connection" : "is gone"); the end of its log:\n"
                + logTail()
        )
        loop.stop()
    }

    var isDaemonExpectedToDie: Bool { options.mode == .daemon }

    func logTail() -> String {
        let lines = (wholeFile(lab.log) ?? "").split(separator: "\n")
        return lines.suffix(20).joined(separator: "\n")
    }

    /// Lets what is under way come to its end, and waits until every pool is whole.
    func settle() {
        // Some faults are over when a call gets through again, so calls go on meanwhile.
        workload.limits.calls = nil
        injector.isOn = false
        loop.run { !injector.isAtRest }
        workload.isOn = false
        injector.undoAll()
        loop.run { !workload.ledger.open.isEmpty }
        let moment = ContinuousClock.now
        let patience = moment + .seconds(15)
        loop.run { !injector.isWhole(since: moment) && ContinuousClock.now < patience }
        guard !loop.isInterrupted else { return }
        if !injector.isWhole(since: moment) {
            report.broken.append("not every pool is whole after the faults")
        }
        // A slot that stays taken by a call that nobody waits for is lost for good.
        loop.run { !injector.isIdle(since: moment) && ContinuousClock.now < patience }
        if !injector.isIdle(since: moment) {
            report.broken.append("there are calls in the pools though none is open")
        }
    }

    /// What the daemon holds.
    struct Holdings: Equatable {
        var descriptors: Int
        var threads: Int
        var residentBytes: Int
        var processes: Int
    }

    func holdings() -> Holdings {
        let daemon = lab.daemon.flatMap { ProcessEntry($0.id) }
        return Holdings(
            descriptors: daemon?.descriptors ?? 0,
            threads: daemon?.threads ?? 0,
            residentBytes: daemon?.residentBytes ?? 0,
            processes: lab.mark.processes.count
        )
    }

    /// Stops the daemon; what is left of it is broken.
    func stop() throws(ChaosError) {
        status.hangUp()
        _ = workload.hangUp()
        let left = try lab.stopDaemon()
        report.figures.append(("processes_left", .int(Int64(left.processes.count))))
        report.figures.append(("files_left", .int(Int64(left.files.count))))
        if !left.processes.isEmpty {
            report.broken.append("processes left: \(left.processes.joined(separator: "; "))")
        }
        if !left.files.isEmpty {
            report.broken.append("files left: \(left.files.joined(separator: " "))")
        }
    }
}
