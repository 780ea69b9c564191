import Glibc
import KraitTestSupport
import KraitWire

extension Run {
    /// Kills the daemon at random moments under load: nothing of it may outlive it by 2 s, and the
    /// next one must find its place.
    func killDaemons() throws(ChaosError) {
        var random = SplitMix64(seed: options.seed)
        var longest: Duration = .zero
        var cut = 0
        for kill in 0..<options.kills {
            let before = remains()
            if Int.random(in: 0..<4, using: &random) == 0 {
                // Also while it starts.
                try lab.startDaemon(
                    killedAfter: .milliseconds(Int.random(in: 0...600, using: &random))
                )
                longest = max(longest, awaitEnd(of: kill, since: .now))
                continue
            }
            try start()
            report.broken += leftovers(of: before).map { "after kill \(kill) is left: \($0)" }
            workload.isOn = true
            injector.isOn = true
            loop.run(for: .milliseconds(Int.random(in: 0...800, using: &random)))
            guard !loop.isInterrupted else { return }
            lab.daemon?.signal(SIGKILL)
            let died = ContinuousClock.now
            workload.isOn = false
            injector.undoAll()
            status.hangUp()
            cut += workload.hangUp()
            longest = max(longest, awaitEnd(of: kill, since: died))
        }
        report.figures.append(("daemon_kills", .int(Int64(options.kills))))
        report.figures.append(("calls_cut_by_kills", .int(Int64(cut))))
        report.figures.append(("last_process_gone_ms", .int(Int64(milliseconds(longest)))))
        // The last one starts over what the others left, and ends in good order.
        try lab.startDaemon()
        try stop()
    }

    /// Waits until no process of the killed daemon is left, and says how long that took.
    private func awaitEnd(of kill: Int, since died: ContinuousClock.Instant) -> Duration {
        var left = runProcesses
        while !left.isEmpty, died.duration(to: .now) < .seconds(2) {
            pause(.milliseconds(5))
            left = runProcesses
        }
        if !left.isEmpty {
            let words = left.map { "\($0.id) \($0.arguments.joined(separator: " "))" }
            report.broken.append("2 s after kill \(kill): \(words.joined(separator: "; "))")
        }
        return died.duration(to: .now)
    }

    /// The files of the dead with what tells them from later ones of their names.
    private func remains() -> [String: [Int]] {
        let folders = [lab.runDirectory, lab.temporary] + (lab.hasMounts ? ["/dev/shm"] : [])
        return folders.flatMap(ProcessTable.tree(in:)).reduce(into: [:]) { files, path in
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return }
            // A daemon that died leaves its log to be read.
            if path.contains("daemon.log") { return }
            files[path] = [Int(status.st_ino), status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    /// Which of them are still there.
    private func leftovers(of dead: [String: [Int]]) -> [String] {
        let now = remains()
        return dead.filter { now[$0.key] == $0.value }.map(\.key).sorted()
    }

    /// What runs for the daemon: all of the run but the language model's server and a rogue.
    private var runProcesses: [ProcessEntry] {
        lab.mark.processes.filter { process in
            let words = process.arguments
            return !words.contains("krait_worker.offline_lm")
                && !words.contains { $0.hasSuffix("/rogue.py") }
        }
    }
}
