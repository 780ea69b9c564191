import CProcessSupport
import Glibc
import KraitObservability

/// Ends what dead runs have left: processes, folders of sockets, shared memory.
///
/// A run that is killed takes its processes along by lifelines and by the kernel's death signals.
/// What escapes those (a forkserver that was stopped, what a worker started in a session of its
/// own) carries the run's mark, and is found by it. Nothing is touched whose owner lives, that is
/// another user's, or that is of another process namespace, where numbers mean other processes.
package struct Reaper: Sendable {
    private let mark: RunMark
    private let events: EventSink
    private let folders: [String]

    /// How often dead runs are looked for.
    package static let interval: Duration = .seconds(30)

    /// - Parameters:
    ///   - mark: of the run this is part of.
    ///   - folders: where folders of sockets are made.
    package init(
        _ mark: RunMark,
        events: EventSink,
        folders: [String] = Reaper.temporaryFolders
    ) {
        self.mark = mark
        self.events = events
        self.folders = folders
    }

    /// The folders in which runs make folders.
    package static var temporaryFolders: [String] {
        let chosen = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        return Array(Set([chosen ?? "/tmp", "/tmp"])).sorted()
    }

    /// What a sweep did.
    package struct Findings: Sendable, Equatable {
        package var killed: [pid_t] = []
        package var removed: [String] = []
        /// How many processes were looked at.
        package var scanned = 0
        package var duration: Duration = .zero
    }

    /// Ends what the runs of dead processes have left.
    ///
    /// Costs about 10 µs for each process of the machine.
    @discardableResult
    package func sweep() -> Findings {
        let began = ContinuousClock.now
        var findings = Findings()
        kill(.deadRuns, &findings)
        removeFolders(&findings)
        removeSegments(&findings)
        findings.duration = began.duration(to: .now)
        tell(findings)
        return findings
    }

    /// Ends what is left of this run, whose pools have ended.
    @discardableResult
    package func sweepOwnRun() -> Findings {
        let began = ContinuousClock.now
        var findings = Findings()
        kill(.run(mark), &findings)
        findings.duration = began.duration(to: .now)
        tell(findings)
        return findings
    }

    private func tell(_ findings: Findings) {
        let duration = LogValue.string("\(findings.duration)")
        if !findings.killed.isEmpty {
            let list = findings.killed.prefix(20).map(String.init).joined(separator: " ")
            events.emit(
                .reaperKilled,
                metadata: [
                    .count: .integer(findings.killed.count), .reason: "pids \(list)",
                    .duration: duration,
                ]
            )
        }
        if !findings.removed.isEmpty {
            let list = findings.removed.prefix(20).joined(separator: " ")
            events.emit(
                .reaperRemoved,
                metadata: [
                    .count: .integer(findings.removed.count), .path: .string(list),
                    .duration: duration,
                ]
            )
        }
    }

    // MARK: Processes

    /// How often is looked again for what was started while others were killed.
    private static let mostRounds = 50

    private func kill(_ aim: ReaperDecision.Aim, _ findings: inout Findings) {
        var killed: Set<ProcessStamp> = []
        for _ in 0..<Self.mostRounds {
            let found = ProcessScan.marked(scanned: &findings.scanned)
            var hasNew = false
            for process in found where !killed.contains(process.process) && isDoomed(process, aim) {
                guard end(process, aim) else { continue }
                killed.insert(process.process)
                findings.killed.append(process.process.id)
                hasNew = true
            }
            if !hasNew { return }
        }
    }

    private func isDoomed(
        _ process: ReaperDecision.MarkedProcess,
        _ aim: ReaperDecision.Aim
    ) -> Bool {
        ReaperDecision.isDoomed(process, aim: aim, itself: .current) { $0.isAlive }
    }

    /// Kills a process, and no later one of its number.
    private func end(
        _ process: ReaperDecision.MarkedProcess,
        _ aim: ReaperDecision.Aim
    ) -> Bool {
        let handle = krait_pidfd_open(process.process.id)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        // What the handle stands for is the process that was seen only if it is still there now.
        guard let present = ProcessScan.look(process.process.id), present == process,
            isDoomed(present, aim)
        else { return false }
        return krait_pidfd_send_signal(handle, SIGKILL) == 0
    }

    // MARK: Files

    /// What Krait puts into the folder of a run: the socket, and sessions that end with the run.
    package static let files =
        ["router.sock"] + ["", "-wal", "-shm"].map { "sessions.sqlite\($0)" }

    private func isLeft(_ name: String) -> Bool {
        guard let name = RunName(name) else { return false }
        return ReaperDecision.isLeft(name, user: geteuid(), itself: .current) { $0.isAlive }
    }

    private func removeFolders(_ findings: inout Findings) {
        for base in folders {
            for name in SmallFile.names(in: base) where isLeft(name) {
                let path = "\(base)/\(name)"
                let isOurs = holding(path, O_DIRECTORY) { folder, status in
                    guard status.st_mode & 0o077 == 0 else { return false }
                    for name in Self.files { _ = unlinkat(folder, name, 0) }
                    // With anything else in it, it stays.
                    return rmdir(path) == 0
                }
                if isOurs { findings.removed.append(path) }
            }
        }
    }

    private func removeSegments(_ findings: inout Findings) {
        for name in SmallFile.names(in: "/dev/shm") where isLeft(name) {
            let path = "/dev/shm/\(name)"
            let isOurs = holding(path, O_NONBLOCK) { _, status in
                status.st_mode & S_IFMT == S_IFREG && unlink(path) == 0
            }
            if isOurs { findings.removed.append(path) }
        }
    }

    /// Runs `body` with a file of this user's that is no link and that nobody holds the lock of.
    private func holding(
        _ path: String,
        _ flags: Int32,
        _ body: (Int32, stat) -> Bool
    ) -> Bool {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
            flock(descriptor, LOCK_EX | LOCK_NB) == 0
        else { return false }
        return body(descriptor, status)
    }
}
