import Glibc
import Krait
import KraitTestSupport
import Testing

/// A daemon's pools changed from a shell, and what it tells of them.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SteeringCommandLineTests {
    @Test func `a pool is resized, recycled, drained and resumed from the command line`()
        async throws
    {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x4")
            let resized = try await lab.krait("resize", "echo", "3")
            #expect(resized.code == 0 && resized.output == "echo: ready; workers: 3 ready\n")
            let before = try await lab.krait("call", "pid", "{}").json?.int
            let recycled = try await lab.krait("recycle", "echo", "--json")
            #expect(recycled.json?["workers"]?.list?.allSatisfy { $0["restarts"] == 1 } == true)
            #expect(recycled.json?["workers"]?.list?.contains { $0["pid"]?.int == before } == false)
            let drained = try await lab.krait("drain", "echo")
            #expect(drained.code == 0 && drained.output == "echo: drained; no workers\n")
            let refused = try await lab.krait("call", "echo", "{}", "--json")
            #expect(refused.json?["error"]?["code"] == "pool_drained")
            let resumed = try await lab.krait("resume", "echo")
            #expect(resumed.code == 0 && resumed.output == "echo: ready; workers: 3 ready\n")
            #expect(try await lab.krait("call", "echo", #"{"a": 1}"#).json == ["a": 1])
            let unknown = try await lab.krait("recycle", "ech")
            #expect(unknown.code == 1)
            #expect(
                unknown.errors == "krait recycle: there is no pool `ech`; did you mean `echo`?\n"
            )
            #expect(try await lab.krait("stop").code == 0)
        }
    }

    @Test func `whoever did not kill a worker can name what happened to it`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x4")
            let follower = try lab.start(["logs", "--follow", "--level", "warning"])
            let victim = try #require(try await lab.krait("call", "pid", "{}").json?.int)
            kill(pid_t(victim), SIGSEGV)
            #expect(
                try await eventually {
                    let status = try await lab.krait("status", "--json").json
                    let worker = status?["pools"]?.list?.first?["workers"]?.list?.first
                    return worker?["state"] == "ready" && worker?["restarts"] == 1
                }
            )
            let top = try await lab.krait("top", "--count", "1")
            #expect(top.output.contains("crashed: "))
            #expect(top.output.contains("signal 11 (Segmentation fault)"))
            let status = try await lab.krait("status", "--json").json
            let events = status?["pools"]?.list?.first?["events"]?.list ?? []
            #expect(
                events.contains { $0["event"] == "worker.crashed" && $0["worker"] == "echo/0.1" }
            )
            let log = try await lab.krait("logs", "--level", "warning")
            #expect(log.output.contains("worker.crashed") && !log.output.contains("pool.ready"))
            #expect(try await lab.krait("stop").code == 0)
            // The log has ended with the daemon, and so has whoever followed it.
            #expect(try await follower.end() == 0)
            #expect(follower.output.contains("worker.crashed"))
        }
    }
}
