import Glibc
import Krait
import KraitTestSupport
import Testing

/// Workers that are stopped, locked up, deaf or too loud: each is found, and replaced.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WatchTests {
    private func stubborn(
        _ type: String = "Stubborn",
        workers: Int = 1,
        change: (inout PythonPool) -> Void = { _ in }
    ) -> PythonPool {
        TestPools.awkward("Stubborn", workers: workers) { pool in
            pool.name = "stubborn"
            pool.adapter = .custom("stubborn:\(type)")
            change(&pool)
        }
    }

    private func worker(_ krait: Orchestrator, _ number: Int = 0) async throws
        -> OrchestratorStatus.Worker
    {
        await krait.status().pools[0].workers[number]
    }

    private func processID(_ krait: Orchestrator) async throws -> pid_t {
        try #require(try await worker(krait).processID)
    }

    @Test(arguments: [400, 1_000])
    func `a stopped worker is found and replaced within three heartbeats`(
        heartbeat: Int
    ) async throws {
        let pool = TestPools.echo { $0.heartbeat = .milliseconds(heartbeat) }
        try await TestPools.running(pool) { krait in
            try await krait.ready()
            let victim = try await self.processID(krait)
            // Past its first beat, which comes right with its being ready.
            _ = try await krait.call("sleep", ["seconds": 0.5])
            async let lost = failure { () throws(CallError) in
                try await krait.call("asleep", ["seconds": 30])
            }
            #expect(await eventually { (try? await self.worker(krait).busy) == 1 })
            let stopped = ContinuousClock.now
            kill(victim, SIGSTOP)
            let error = await lost
            let found = stopped.duration(to: .now)
            #expect(
                await eventually { (try? await self.worker(krait).hasReplaced(victim)) == true }
            )
            let replaced = stopped.duration(to: .now)
            report("heartbeats of \(heartbeat) ms, a stopped worker, to its call's failure", found)
            report("heartbeats of \(heartbeat) ms, a stopped worker, to its successor", replaced)
            #expect(error?.code == .workerSilent)
            // Three intervals, and what a loaded machine adds to the fork and the handshake.
            #expect(replaced < .milliseconds(3 * heartbeat) + .seconds(3))
            #expect(RunningProcess(victim) == nil)
        }
    }

    @Test func `a worker whose C code keeps the interpreter's lock is found and replaced`()
        async throws
    {
        let pool = stubborn { $0.heartbeat = .milliseconds(400) }
        try await TestPools.running(pool) { krait in
            try await krait.ready()
            let victim = try await self.processID(krait)
            let began = ContinuousClock.now
            let error = await failure { () throws(CallError) in
                try await krait.call("hold_lock", ["seconds": 60])
            }
            report("C code that holds the lock, to the call's failure", began.duration(to: .now))
            #expect(error?.code == .workerSilent)
            #expect(
                await eventually { (try? await self.worker(krait).hasReplaced(victim)) == true }
            )
            #expect(RunningProcess(victim) == nil)
        }
    }

    @Test func `a worker that ignores SIGTERM and does not leave is killed`() async throws {
        let mark = Mark()
        let log = MemoryLogHandler()
        let pool = stubborn("Deaf") { $0.slots = 1 }
        let logger = Logger(label: "krait", handler: log)
        let began = ContinuousClock.now
        try await TestPools.running(pool, mark: mark, logger: logger) { krait in
            try await krait.ready()
            await krait.drain()
        }
        report("a worker that is deaf to drain and SIGTERM, to its end", began.duration(to: .now))
        #expect(await eventually { mark.processes.isEmpty })
        #expect(log.records.contains { $0.message == "worker.killed" })
    }

    @Test func `a worker that never stops printing holds up nobody, and its call has an end`()
        async throws
    {
        let log = MemoryLogHandler(maximumRecords: 100_000)
        let pool = TestPools.awkward("Prints", workers: 2) { $0.slots = 1 }
        let logger = Logger(label: "krait", handler: log)
        try await TestPools.running(pool, logger: logger) { krait in
            try await krait.ready()
            async let flood = failure { () throws(CallError) in
                try await krait.call("flood", ["seconds": 600], timeout: .seconds(4))
            }
            var waits: [Duration] = []
            for _ in 0..<200 {
                let began = ContinuousClock.now
                _ = try await krait.call("shout", ["text": "quick"])
                waits.append(began.duration(to: .now))
            }
            waits.sort()
            report("a call beside a flood of output, median of 200", waits[100])
            report("a call beside a flood of output, 99th of 100", waits[197])
            #expect(waits[100] < .milliseconds(500))
            let error = await flood
            #expect(error?.code == .deadlineExceeded)
            // Its slot is not used again, and the worker goes.
            let victim = try #require(
                await krait.status().pools[0].workers.first { $0.busy == 1 }?.processID
            )
            #expect(
                await eventually {
                    let workers = await krait.status().pools[0].workers
                    return workers.allSatisfy { $0.hasReplaced(victim) }
                }
            )
        }
        let flood = log.records.count { $0.message == "more and more" }
        #expect(flood <= 1_000 * 20, "a thousand lines a second, for the few it lived")
        let dropped = log.records.filter { $0.message.contains(" lines dropped: ") }
        #expect((1...40).contains(dropped.count), "once a second")
    }

    @Test func `a hundred million bytes in one line are cut, and hold up nobody`() async throws {
        let log = MemoryLogHandler(maximumRecords: 10_000)
        let logger = Logger(label: "krait", handler: log)
        try await TestPools.running(stubborn(workers: 2), logger: logger) { krait in
            async let written = krait.call("long_line", ["mebibytes": 100], timeout: .seconds(60))
            for _ in 0..<20 { _ = try await krait.call("threads") }
            #expect(try await written.value.int == 100 << 20)
        }
        #expect(log.records.contains { $0.message == "after the long line" })
        #expect(log.records.allSatisfy { $0.message.utf8.count < 9_000 })
    }

    @Test func `a forkserver that hangs is found by the next launch, and replaced`() async throws {
        let mark = Mark()
        try await TestPools.running(TestPools.echo(workers: 2), mark: mark) { krait in
            try await krait.ready()
            let victim = try await self.processID(krait)
            let forkserver = try #require(RunningProcess(victim)?.parent)
            kill(forkserver, SIGSTOP)
            async let lost = failure { () throws(CallError) in
                try await krait.call("asleep", ["seconds": 60], timeout: .seconds(50))
            }
            #expect(
                await eventually {
                    await krait.status().pools[0].workers.contains { $0.busy == 1 }
                }
            )
            let died = ContinuousClock.now
            kill(victim, SIGKILL)
            #expect(
                await eventually {
                    let workers = await krait.status().pools[0].workers
                    return workers.allSatisfy { $0.hasReplaced(victim) }
                        && RunningProcess(forkserver) == nil
                }
            )
            report(
                "a worker killed under a hung forkserver, to the pool at its full size",
                died.duration(to: .now)
            )
            let error = await lost
            #expect(error?.code == .workerCrashed)
            #expect(try await krait.call("echo", ["a": 1]).value == ["a": 1])
        }
        #expect(await eventually { mark.processes.isEmpty })
    }

    @Test func `status says for how long the oldest call has run`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            try await krait.ready()
            #expect(try await self.worker(krait).oldestCall == nil)
            async let slow = krait.call("asleep", ["seconds": 2])
            #expect(
                await eventually {
                    let age = (try? await self.worker(krait).oldestCall) ?? .zero
                    return age > .seconds(1) && age < .seconds(60)
                }
            )
            let value = await krait.status().value
            let worker = value["pools"]?.list?.first?["workers"]?.list?.first
            #expect((worker?["oldest_call_s"]?.double ?? 0) >= 1)
            _ = try await slow
            #expect(await eventually { (try? await self.worker(krait).oldestCall) == .none })
        }
    }
}
