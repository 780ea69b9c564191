import Glibc
import Krait
import KraitTestSupport
import Testing

/// That nothing of a run outlives it, however it ends.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ReapTests {
    private static let pool = TestPools.awkward("Stubborn") { pool in
        pool.adapter = .custom("stubborn:Stubborn")
    }

    @Test func `what a worker hid in a session of its own ends with the run`() async throws {
        let log = MemoryLogHandler()
        let logger = Logger(label: "krait", handler: log)
        let mark = Mark()
        let hidden = try await TestPools.running(Self.pool, mark: mark, logger: logger) { krait in
            let id = pid_t(try #require(try await krait.call("run_away").value.int))
            #expect(RunningProcess(id)?.group == id)
            return id
        }
        #expect(await eventually { RunningProcess(hidden) == nil })
        #expect(log.records.contains { $0.message == "reaper.killed" })
        #expect(await eventually { mark.processes.isEmpty })
    }

    @Test func `another run beside it keeps its processes and its folder`() async throws {
        try await TestPools.running(Self.pool) { first in
            let hidden = pid_t(try #require(try await first.call("run_away").value.int))
            try await TestPools.running(Self.pool) { second in
                _ = try await second.call("threads")
            }
            #expect(RunningProcess(hidden) != nil)
            let answer = try await first.call("threads")
            #expect(answer.value["OMP_NUM_THREADS"] != nil)
        }
    }

    /// The daemon is killed while its forkserver is stopped and a grandchild hides: neither the end
    /// of the channel nor a signal to a group ends those.
    @Test func `what a killed daemon could not take along ends with the next one's start`()
        async throws
    {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  awkward:
                    adapter: stubborn:Stubborn
                    path: [\(TestPools.adapters)]
                    workers: 1
                """
            )
            let daemon = try await lab.detach("--config", file)
            let answer = try await lab.krait("call", "run_away", "{}")
            let hidden = pid_t(try #require(Int(answer.output.filter(\.isNumber))))
            let worker = try #require(RunningProcess(hidden)?.parent)
            let forkserver = try #require(RunningProcess(worker)?.parent)
            kill(forkserver, SIGSTOP)
            kill(daemon, SIGKILL)
            #expect(await eventually { RunningProcess(worker) == nil })
            // The two are left, unless the reaper of another test's run comes first.
            // Over its predecessor's leftovers: the record, the sockets, the log.
            let next = try await lab.detach("--config", file)
            #expect(next != daemon)
            #expect(
                await eventually {
                    RunningProcess(hidden) == nil && RunningProcess(forkserver) == nil
                }
            )
            _ = try await lab.krait("call", "threads", "{}")
            try await lab.krait("stop")
        }
    }
}
