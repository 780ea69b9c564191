import CProcessSupport
import Glibc
import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitWorkers

/// The reaper among real processes and folders.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ReaperTests {
    /// A process that has ended, so that its number and start are nobody's.
    private func gone() async throws -> ProcessStamp {
        let id = try spawn("/bin/sleep", ["600"], environment: [:], descriptors: [-1, -1, -1])
        let stamp = try #require(ProcessStamp(id))
        end(id)
        return stamp
    }

    private func sleeper(_ environment: [String: String]) async throws -> pid_t {
        let id = try spawn(
            "/bin/sleep",
            ["600"],
            environment: environment,
            descriptors: [-1, -1, -1]
        )
        // Right after an exec a process can be seen without an environment.
        let path = "/proc/\(id)/environ"
        if !environment.isEmpty {
            try #require(await eventually { SmallFile.bytes(path)?.isEmpty == false })
        }
        return id
    }

    private func end(_ id: pid_t) {
        var status: Int32 = 0
        kill(id, SIGKILL)
        waitpid(id, &status, 0)
    }

    /// Whether the child has been killed; reaps it if so.
    private func isKilled(_ id: pid_t) -> Bool {
        var status: Int32 = 0
        return waitpid(id, &status, WNOHANG) == id && status & 0x7F == SIGKILL
    }

    private func reaper(
        run: String = "mine",
        folder: String = "/nowhere",
        log: MemoryLogHandler = MemoryLogHandler()
    ) -> Reaper {
        Reaper(
            RunMark(run: run),
            events: EventSink(logger: Logger(label: "krait", handler: log)),
            folders: [folder]
        )
    }

    @Test func `processes of a dead run end, stopped ones too, and no others`() async throws {
        let dead = RunMark(run: "a", owner: try await gone()).text
        let living = RunMark(run: "b").text
        let doomed = [
            try await sleeper(["KRAIT_RUN": dead]),
            try await sleeper(["A": "1", "KRAIT_RUN": dead, "Z": "2"]),
        ]
        let spared = [
            try await sleeper(["KRAIT_RUN": living]), try await sleeper(["MY_KRAIT_RUN": dead]),
            try await sleeper(["A": "KRAIT_RUN=\(dead)"]),
            try await sleeper(["KRAIT_RUN": "\(dead) "]), try await sleeper([:]),
        ]
        defer { for id in spared { end(id) } }
        kill(doomed[1], SIGSTOP)
        let findings = reaper().sweep()
        // Another test's run may have been there first: they do what this one does.
        for id in doomed { #expect(await eventually { isKilled(id) }) }
        for id in spared { #expect(!isKilled(id) && !findings.killed.contains(id)) }
        #expect(findings.scanned > 5)
        print("measured: a sweep over \(findings.scanned) processes: \(findings.duration)")
    }

    @Test func `a run that is over loses what is left of it, and no other run does`() async throws {
        let mine = try await sleeper(["KRAIT_RUN": RunMark(run: "mine").text])
        let other = try await sleeper(["KRAIT_RUN": RunMark(run: "other").text])
        defer { end(other) }
        kill(mine, SIGSTOP)
        let log = MemoryLogHandler()
        let findings = reaper(log: log).sweepOwnRun()
        #expect(findings.killed == [mine])
        #expect(log.records.map(\.message) == ["reaper.killed"])
        #expect(log.records.first?.metadata[.count] == 1)
        #expect(log.records.first?.metadata[.reason] == "pids \(mine)")
        #expect(await eventually { isKilled(mine) })
        #expect(!isKilled(other))
    }

    @Test func `folders of dead runs go, with what belongs in them`() async throws {
        try await withTemporaryDirectory { base in try await checkFolders(in: base) }
    }

    private func checkFolders(in base: String) async throws {
        let dead = try await gone()
        func make(_ owner: ProcessStamp, mode: mode_t = 0o700, file: String? = nil) -> String {
            var name = RunName()
            name.owner = owner
            let path = "\(base)/\(name.text)"
            #expect(mkdir(path, mode) == 0 && chmod(path, mode) == 0)
            if let file { close(open("\(path)/\(file)", O_CREAT | O_WRONLY, 0o600)) }
            return path
        }
        let left = [make(dead), make(dead, file: "router.sock")]
        let kept = [
            make(.current, file: "router.sock"), make(dead, file: "precious.txt"),
            make(dead, mode: 0o777),
        ]
        let held = make(dead)
        let lock = open(held, O_RDONLY | O_DIRECTORY)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        var link = RunName()
        link.owner = dead
        #expect(symlink("/tmp", "\(base)/\(link.text)") == 0)
        #expect(mkdir("\(base)/krait-somebody", 0o700) == 0)

        let log = MemoryLogHandler()
        let findings = reaper(folder: base, log: log).sweep()
        #expect(Set(findings.removed).isSuperset(of: left))
        for path in left { #expect(access(path, F_OK) != 0) }
        for path in kept + [held, "\(base)/\(link.text)", "\(base)/krait-somebody"] {
            #expect(access(path, F_OK) == 0, "\(path)")
        }
        #expect(access("\(kept[1])/precious.txt", F_OK) == 0)
        #expect(log.records.contains { $0.message == "reaper.removed" })
    }

    @Test func `shared memory of dead runs goes, and of living ones stays`() async throws {
        var name = RunName()
        let living = "/dev/shm/\(name.text)"
        name.owner = try await gone()
        let dead = "/dev/shm/\(name.text)"
        for path in [living, dead] { close(open(path, O_CREAT | O_WRONLY, 0o600)) }
        defer { unlink(living) }
        reaper().sweep()
        #expect(access(dead, F_OK) != 0 && access(living, F_OK) == 0)
    }
}
