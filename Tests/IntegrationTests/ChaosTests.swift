import Glibc
import Krait
import KraitTestSupport
import KraitWorkers
import Testing

/// A short chaos: the whole of `krait-chaos` against the real daemon, with few calls.
///
/// What takes how long is the long run's business (`make chaos`).
@Suite(.serialized, .timeLimit(.minutes(3))) struct ChaosTests {
    private func chaos(_ arguments: String...) async throws -> (code: Int32, report: Value?) {
        try await withTemporaryDirectory { folder in
            let program = CommandLab.program + "-chaos"
            let mark = Mark()
            let run = try Program(
                program,
                arguments + ["--json"],
                environment: mark.environment.merging(["TMPDIR": folder]) { $1 },
                folder: folder
            )
            let code = try await run.end(within: .seconds(150))
            if code != 0 { Issue.record("\(run.output)\n\(run.errors)") }
            // Nothing of it is left: neither a process nor a folder.
            #expect(await eventually(within: .seconds(10)) { mark.processes.isEmpty })
            let left = SmallFile.names(in: folder).filter { $0.hasPrefix("krait-chaos") }
            #expect(left == [])
            return (code, try? Value(json: run.output))
        }
    }

    @Test func `no fault loses, doubles or mixes up a call, or goes without an explanation`()
        async throws
    {
        let faults = "kill,forkserver,poison,rogue,hang-up"
        let (code, report) = try await chaos(
            "--calls",
            "3000",
            "--seconds",
            "8",
            "--seed",
            "7",
            "--faults",
            faults,
            "--light",
            "--heartbeat",
            "2000"
        )
        #expect(code == 0)
        let figures = try #require(report)
        for name in ["lost", "duplicate", "mixedUp", "unreadable", "unexplained"] {
            #expect(figures[name] == 0, "\(name)")
        }
        #expect(figures["ok"]?.int.map { $0 > 100 } == true)
        #expect(figures["recovery_ms"]?.map?.isEmpty == false)
        #expect(figures["processes_left"] == 0)
        #expect(figures["files_left"] == 0)
    }

    @Test(.needsOwnClient) func `a daemon that is killed leaves nothing`() async throws {
        let (code, report) = try await chaos(
            "--mode",
            "daemon",
            "--kills",
            "2",
            "--seed",
            "3",
            "--faults",
            "kill",
            "--light"
        )
        #expect(code == 0)
        #expect(report?["daemon_kills"] == 2)
    }

    @Test(arguments: [SIGINT, SIGKILL])
    func `interrupted or killed, it takes its daemon with it`(signal: Int32) async throws {
        try await withTemporaryDirectory { folder in
            let mark = Mark()
            let run = try Program(
                CommandLab.program + "-chaos",
                ["--faults", "stop,disk", "--light"],
                environment: mark.environment.merging(["TMPDIR": folder]) { $1 },
                folder: folder
            )
            // The daemon, its forkservers and their workers, and the language model's server.
            #expect(await eventually { mark.processes.count > 12 })
            kill(run.id, signal)
            #expect(try await run.end() == (signal == SIGINT ? 130 : -SIGKILL), "\(run.errors)")
            #expect(await eventually(within: .seconds(20)) { mark.processes.isEmpty })
            let left = SmallFile.names(in: folder).filter { $0.hasPrefix("krait-chaos") }
            #expect(left == [])
        }
    }

    @Test func `what it does not understand it refuses`() async throws {
        try await withTemporaryDirectory { folder in
            for arguments in [["--mode", "peace"], ["--calls", "0"], ["--faults", "x"], ["-x"]] {
                let run = try Program(
                    CommandLab.program + "-chaos",
                    arguments,
                    environment: TestPools.environment,
                    folder: folder
                )
                #expect(try await run.end() == 2)
                #expect(run.errors.hasPrefix("krait-chaos: "))
            }
        }
    }
}
