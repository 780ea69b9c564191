import Glibc
import Krait
import KraitTestSupport
import Testing

/// How a daemon ends, in good order and not, and that closed pipes end nobody.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ShutdownTests {
    @Test func `a second SIGTERM fails the calls that run, and leaves nothing`() async throws {
        try await CommandLab.open { lab in
            let daemon = try lab.start(["start", "--pool", "echo=echo:1x2"])
            #expect(await isReady(lab))
            let held = try ["sleep", "asleep"].map {
                try lab.start(["call", $0, #"{"seconds": 600}"#, "--json"])
            }
            #expect(await isBusy(lab, with: 2))
            kill(daemon.id, SIGTERM)
            // It drains: nothing new is taken, what runs goes on.
            let isDraining = await eventually {
                let refused = try? await lab.krait("call", "echo", "{}", "--json")
                return refused?.json?["error"]?["code"] == "shutting_down"
            }
            #expect(isDraining)
            #expect(RunningProcess(daemon.id) != nil)
            #expect(await isBusy(lab, with: 2))
            kill(daemon.id, SIGTERM)
            for call in held {
                #expect(try await call.end() == 1, "\(call.errors)")
                let code = try Value(json: call.output)["error"]?["code"]
                #expect(code == "shutting_down")
            }
            #expect(try await daemon.end() == 130)
            #expect(lab.mark.processes.isEmpty)
            #expect(lab.remains == [])
        }
    }

    @Test func `a drain ends at its time limit, and the calls that still run say so`()
        async throws
    {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                drain_timeout: 300ms
                pools:
                  echo:
                    adapter: echo
                    workers: 1
                    slots: 2
                """
            )
            let daemon = try lab.start(["start", "--config", file])
            #expect(await isReady(lab))
            let held = try lab.start(["call", "sleep", #"{"seconds": 600}"#, "--json"])
            #expect(await isBusy(lab, with: 1))
            kill(daemon.id, SIGTERM)
            #expect(try await held.end() == 1)
            #expect(try Value(json: held.output)["error"]?["code"] == "shutting_down")
            #expect(try await daemon.end() == 0, "\(daemon.errors)")
            #expect(lab.remains == [])
        }
    }

    @Test func `SIGKILL while it drains leaves no process`() async throws {
        try await CommandLab.open { lab in
            let daemon = try await lab.detach("--pool", "echo=echo:2x2")
            let held = try lab.start(["call", "asleep", #"{"seconds": 600}"#])
            #expect(await isBusy(lab, with: 1))
            kill(daemon, SIGTERM)
            #expect(await eventually { await state(lab) == "draining" })
            kill(daemon, SIGKILL)
            #expect(try await held.end() != 0)
            #expect(await eventually { lab.mark.processes.isEmpty })
        }
    }

    @Test(arguments: ["1", "2"])
    func `a daemon whose output nobody reads any more serves on`(
        descriptor: String
    ) async throws {
        try await CommandLab.open { lab in
            // `head` goes after the first line of the daemon's log.
            let shell = try lab.shell(
                "\"$KRAIT\" start --pool echo=echo:1x2 --log-level trace "
                    + (descriptor == "1" ? "2>&1 | head -1" : "2>&1 >/dev/null | head -1")
            )
            #expect(await isReady(lab))
            for line in ["one", "two"] {
                let printed = try await lab.krait("call", "print", #"{"text": "\#(line)"}"#)
                #expect(printed.code == 0, "\(printed.errors)")
            }
            let stopped = try await lab.krait("stop")
            #expect(stopped.code == 0, "\(stopped.errors)")
            #expect(try await shell.end() == 0)
            #expect(shell.errors == "")
            #expect(shell.output.split(separator: "\n").count == 1)
            #expect(lab.remains == [])
        }
    }

    @Test(arguments: ["status", "status --json", "config", "call echo '{\"a\": 1}'", "--help"])
    func `a command whose reader has gone ends in silence`(command: String) async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x1")
            // 6 is a pipe whose one reader, 5, has gone before the command begins to write.
            let shell = try lab.shell(
                "mkfifo pipe; exec 5<>pipe 6>pipe 5<&-; \"$KRAIT\" \(command) >&6"
            )
            #expect(try await shell.end() == 141)
            #expect(shell.errors == "")
            try await lab.krait("stop")
        }
    }

    // MARK: What is waited for

    private func isReady(_ lab: CommandLab) async -> Bool {
        await eventually { await state(lab) == "ready" }
    }

    private func state(_ lab: CommandLab) async -> String? {
        let status = try? await lab.krait("status", "--json")
        return status?.json?["pools"]?.list?.first?["state"]?.string
    }

    private func isBusy(_ lab: CommandLab, with count: Int) async -> Bool {
        await eventually {
            let status = try? await lab.krait("status", "--json")
            let workers = status?.json?["pools"]?.list?.first?["workers"]?.list ?? []
            return workers.reduce(0) { $0 + ($1["busy"]?.int ?? 0) } == count
        }
    }
}

extension CommandLab {
    /// Runs a line of bash, in which `$KRAIT` is the built program.
    fileprivate func shell(_ line: String) throws -> Program {
        let own = "\(folder)/shell"
        #expect(mkdir(own, 0o700) == 0)
        let environment = mark.environment.merging(
            [
                "KRAIT_RUN_DIRECTORY": runDirectory, "KRAIT_PYTHON": TestPools.python,
                "TMPDIR": folder, "KRAIT": Self.program,
            ]
        ) { $1 }
        return try Program(
            "/bin/bash",
            ["-c", "cd \(own); \(line)"],
            environment: environment,
            folder: own
        )
    }
}
