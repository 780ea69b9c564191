import Glibc
import Krait
import KraitTestSupport
import KraitWorkers
import Testing

/// The daemon and its commands, as a user runs them.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CommandLineTests {
    @Test func `start, call, status and stop, and nothing is left`() async throws {
        try await CommandLab.open { lab in
            let daemon = try await lab.detach("--pool", "echo=echo:2x4")
            let called = try await lab.krait("call", "echo", #"{"a": [1, 2.0, "é", null]}"#)
            #expect(called.code == 0)
            #expect(called.json == ["a": [1, 2.0, "é", nil]])
            let status = try await lab.krait("status", "--json")
            #expect(status.json?["pid"]?.int == Int(daemon))
            let pool = try #require(status.json?["pools"]?.list?.first)
            #expect(pool["name"] == "echo")
            #expect(pool["state"] == "ready")
            let workers = try #require(pool["workers"]?.list)
            #expect(workers.count == 2)
            for worker in workers {
                #expect(worker["state"] == "ready")
                #expect(worker["slots"] == 4)
                #expect(worker["busy"] == 0)
                #expect(worker["pid"]?.int.flatMap { RunningProcess(pid_t($0)) } != nil)
                #expect(worker["resident_bytes"]?.int.map { $0 > 0 } == true)
            }
            #expect(workers.reduce(0) { $0 + ($1["served"]?.int ?? 0) } == 1)
            let stopped = try await lab.krait("stop")
            #expect(stopped.code == 0, "\(stopped.errors)")
            #expect(lab.mark.processes.isEmpty)
            #expect(lab.remains == [])
            #expect(CommandLab.sharedMemory(of: daemon).isEmpty)
            // Nor anything in the temporary folder but the files of this test itself.
            #expect(!SmallFile.names(in: lab.folder).contains { $0.hasPrefix("krait-") })
            let gone = try await lab.krait("status")
            #expect(gone.code == 3)
        }
    }

    @Test func `a second daemon of the same name is refused, one of another name is not`()
        async throws
    {
        try await CommandLab.open { lab in
            let first = try await lab.detach("--pool", "echo=echo:1x1", "--name", "one")
            let twice = try await lab.krait("start", "--pool", "echo=echo:1x1", "--name", "one")
            #expect(twice.code == 5)
            #expect(twice.errors.contains("already running"))
            #expect(twice.errors.contains("\(first)"))
            let second = try await lab.detach("--pool", "echo=echo:1x1", "--name", "two")
            var pids: Set<Int> = []
            for name in ["one", "two"] {
                let called = try await lab.krait("call", "pid", "{}", "--name", name)
                if let pid = called.json?.int { pids.insert(pid) }
            }
            #expect(pids.count == 2)
            // The end of one leaves the other alone.
            let stopped = try await lab.krait("stop", "--name", "one")
            #expect(stopped.code == 0)
            #expect(RunningProcess(first) == nil && RunningProcess(second) != nil)
            let called = try await lab.krait("call", "pid", "{}", "--name", "two")
            #expect(called.json?.int.map { pids.contains($0) } == true)
            try await lab.krait("stop", "--name", "two")
            #expect(lab.remains == [])
        }
    }

    @Test func `a wrong key of the configuration is refused with its line and the nearest key`()
        async throws
    {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  echo:
                    adapter: echo
                    wrkers: 2
                """
            )
            let ended = try await lab.krait("start", "--config", file)
            #expect(ended.code == 4)
            #expect(ended.errors.contains(":4:"))
            #expect(ended.errors.contains("wrkers"))
            #expect(ended.errors.contains("workers"))
            #expect(lab.remains == [])
        }
    }

    @Test func `what nobody serves fails the call with the nearest name`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x1")
            let operation = try await lab.krait("call", "ecko", "{}")
            #expect(operation.code == 1)
            #expect(operation.errors.contains("unknown_operation"))
            #expect(operation.errors.contains("echo"))
            let pool = try await lab.krait("call", "echo", "{}", "--on", "ecco", "--json")
            #expect(pool.code == 1)
            #expect(pool.json?["error"]?["code"] == "unknown_pool")
            let fault = try await lab.krait("call", "fail", #"{"message": "no such parcel"}"#)
            #expect(fault.code == 1)
            #expect(fault.errors.contains("ValueError"))
            #expect(fault.errors.contains("no such parcel"))
            let asleep = #"{"seconds": 30}"#
            let late = try await lab.krait("call", "asleep", asleep, "--deadline", "1s")
            #expect(late.code == 1)
            #expect(late.errors.contains("deadline_exceeded"))
            try await lab.krait("stop")
        }
    }

    @Test(arguments: [true, false])
    func `a bad adapter keeps the daemon from starting, and says why`(
        isDetached: Bool
    ) async throws {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  cellar:
                    adapter: "awkward:Dies"
                    path: ["\(TestPools.adapters)"]
                  echo:
                    adapter: echo
                    workers: 1
                """
            )
            let began = ContinuousClock.now
            let arguments = ["start", "--config", file] + (isDetached ? ["--detach"] : [])
            let program = try lab.start(arguments)
            #expect(try await program.end() == 5)
            #expect(began.duration(to: .now) < .seconds(20))
            #expect(program.errors.contains("pool_failed"))
            #expect(program.errors.contains("exited with code 7"))
            #expect(program.errors.contains("one last word"))
            #expect(lab.remains == [])
        }
    }

    @Test func `SIGTERM lets a running call finish`() async throws {
        try await CommandLab.open { lab in
            let daemon = try await lab.detach("--pool", "echo=echo:1x2")
            let call = try lab.start(["call", "sleep", #"{"seconds": 1}"#])
            #expect(await isBusy(lab, with: 1))
            kill(daemon, SIGTERM)
            #expect(try await call.end() == 0, "\(call.errors)")
            #expect(call.output == "1.0\n" || call.output == "1\n")
            #expect(await eventually { RunningProcess(daemon) == nil })
            #expect(lab.remains == [])
        }
    }

    /// Whether the one pool comes to have so many calls at its workers.
    private func isBusy(_ lab: CommandLab, with count: Int) async -> Bool {
        await eventually {
            let status = try? await lab.krait("status", "--json")
            let workers = status?.json?["pools"]?.list?.first?["workers"]?.list ?? []
            return workers.reduce(0) { $0 + ($1["busy"]?.int ?? 0) } == count
        }
    }

    @Test(arguments: ["fork", "exec"])
    func `a killed daemon takes idle, busy and unused workers and their children along`(
        start: String
    ) async throws {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  spawns:
                    adapter: "awkward:Spawns"
                    path: ["\(TestPools.adapters)"]
                    workers: 1
                    start: \(start)
                  busy:
                    adapter: echo
                    workers: 1
                    slots: 2
                    start: \(start)
                  unused:
                    adapter: echo
                    workers: 2
                    start: \(start)
                """
            )
            let daemon = try await lab.detach("--config", file)
            let left = try await lab.krait("call", "leave_behind", "{}")
            let grandchild = pid_t(try #require(left.json?.int))
            #expect(RunningProcess(grandchild) != nil)
            let held = try ["sleep", "asleep"].map {
                try lab.start(["call", $0, #"{"seconds": 600}"#, "--on", "busy"])
            }
            let isBusy = await eventually {
                let status = try? await lab.krait("status", "--json")
                let pools = status?.json?["pools"]?.list ?? []
                let workers = pools.first { $0["name"] == "busy" }?["workers"]?.list ?? []
                return workers.first?["busy"] == 2
            }
            #expect(isBusy)
            let count = lab.mark.processes.count
            // Daemon, 3 forkservers, 4 workers, one grandchild and the two commands that wait.
            #expect(count == 11)
            let died = ContinuousClock.now
            kill(daemon, SIGKILL)
            // A daemon's own group is not told of its end: what ends, ends by itself.
            #expect(await eventually { lab.mark.processes.isEmpty })
            let took = died.duration(to: .now)
            report("a killed daemon (start: \(start)), to its last process", took)
            #expect(took < .seconds(2))
            for call in held { #expect(try await call.end() != 0) }
            // The next daemon of the name takes the folder over.
            _ = try await lab.detach("--pool", "echo=echo:1x1")
            try await lab.krait("stop")
            #expect(lab.remains == [])
        }
    }

    @Test func `a daemon that was stopped for a while keeps its workers`() async throws {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  echo:
                    adapter: echo
                    workers: 2
                    heartbeat: 100ms
                """
            )
            let daemon = try await lab.detach("--config", file)
            let before = try await workerIDs(lab)
            kill(daemon, SIGSTOP)
            let began = ContinuousClock.now
            #expect(await eventually { began.duration(to: .now) > .seconds(1) })
            kill(daemon, SIGCONT)
            let called = try await lab.krait("call", "echo", "{}")
            #expect(called.code == 0)
            #expect(try await workerIDs(lab) == before)
            try await lab.krait("stop")
        }
    }

    private func workerIDs(_ lab: CommandLab) async throws -> [Int] {
        let status = try await lab.krait("status", "--json")
        let workers = status.json?["pools"]?.list?.first?["workers"]?.list ?? []
        return workers.compactMap { $0["pid"]?.int }
    }
}
