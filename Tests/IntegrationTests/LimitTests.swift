import Glibc
import Krait
import KraitTestSupport
import KraitWorkers
import Testing

/// What workers may use of the machine, and how many there can be.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LimitTests {
    private func stubborn(
        _ type: String = "Stubborn",
        change: (inout PythonPool) -> Void
    ) -> PythonPool {
        TestPools.awkward(type) { pool in
            pool.adapter = .custom("stubborn:\(type)")
            change(&pool)
        }
    }

    @Test(arguments: PythonPool.Start.allCases)
    func `a call beyond the memory limit fails by itself, and says so`(
        start: PythonPool.Start
    ) async throws {
        let pool = stubborn { pool in
            pool.memoryLimit = 400 << 20
            pool.start = start
        }
        try await TestPools.running(pool) { krait in
            #expect(try await krait.call("take", ["mebibytes": 50]).value == .int(50 << 20))
            let before = try await krait.call("pid_of").value
            let error = await failure { () throws(CallError) in
                try await krait.call("take", ["mebibytes": 2_000])
            }
            #expect(error?.code == .faulted)
            #expect(error?.fault?.type == "builtins.MemoryError")
            #expect(error?.message.contains("memory_limit") == true)
            #expect(error?.message.contains("400 MiB") == true)
            #expect(try await krait.call("pid_of").value == before, "the worker goes on")
            #expect(try await krait.call("take", ["mebibytes": 50]).value == .int(100 << 20))
        }
    }

    @Test func `a memory limit below the import fails the pool at once, in words`() async throws {
        let pool = stubborn { $0.memoryLimit = 16 << 20 }
        try await TestPools.running(pool) { krait in
            let error = await failure { () throws(CallError) in try await krait.call("threads") }
            #expect(error?.code == .poolFailed)
            #expect(error?.message.contains("the memory limit of 16 MiB is too small") == true)
            let workers = await krait.status().pools[0].workers
            #expect(workers.allSatisfy { $0.processID == nil })
        }
    }

    @Test func `a worker that has used up its processor time is replaced, and its call says why`()
        async throws
    {
        let pool = stubborn { $0.cpuLimit = .seconds(1) }
        try await TestPools.running(pool) { krait in
            let error = await failure { () throws(CallError) in try await krait.call("spin") }
            #expect(error?.code == .workerCrashed)
            #expect(error?.message.contains("raise the pool's cpu_limit") == true)
            let answer = try await krait.call("threads")
            #expect(answer.value["OMP_NUM_THREADS"] != nil)
        }
    }

    @Test(arguments: PythonPool.Start.allCases)
    func `the thread counts reach the import of the adapter`(
        start: PythonPool.Start
    ) async throws {
        let pool = stubborn { pool in
            pool.start = start
            pool.environment = ["TOKENIZERS_PARALLELISM": "true"]
        }
        try await TestPools.running(pool) { krait in
            let seen = try await krait.call("threads").value
            #expect(
                seen["OMP_NUM_THREADS"]?.string == TestPools.environment["OMP_NUM_THREADS"] ?? "1"
            )
            #expect(seen["TOKENIZERS_PARALLELISM"] == "true", "what the pool says goes before")
        }
    }

    @Test func `workers that crash as soon as they are ready come back ever more slowly`()
        async throws
    {
        let log = MemoryLogHandler(maximumRecords: 10_000)
        let logger = Logger(label: "krait", handler: log, level: .trace)
        let mark = Mark()
        let pool = stubborn("Storm") { $0.workers = 4 }
        try await TestPools.running(pool, mark: mark, logger: logger) { krait in
            let began = ContinuousClock.now
            var most = 0
            _ = await eventually(within: .seconds(8)) {
                most = max(most, mark.processes.count)
                return false
            }
            let forks = log.records.count { $0.message == "worker.started" }
            let crashes = log.records.count { $0.message == "worker.crashed" }
            print(
                "measured: a storm of 4 workers, \(began.duration(to: .now)): \(forks) forks,"
                    + " \(crashes) crashes, \(most) processes at most"
            )
            #expect(crashes > 4)
            // 100 ms doubled each time, a random share of it: about 7 in 8 s for each worker.
            #expect(forks <= 4 * 16)
            #expect(most <= 4 + 1 + 4, "workers, the forkserver, and what is just ending")
        }
        #expect(await eventually { mark.processes.isEmpty })
    }

    @Test func `a hundred workers start, and leave nothing behind`() async throws {
        @Sendable func held() -> (threads: Int, descriptors: Int) {
            (
                SmallFile.names(in: "/proc/self/task").count,
                SmallFile.names(in: "/proc/self/fd").count
            )
        }
        let mark = Mark()
        let before = held()
        let pool = TestPools.echo(workers: 100, slots: 1) { pool in
            pool.heartbeat = .seconds(5)
            pool.startTimeout = .seconds(60)
            pool.timeout = .seconds(60)
        }
        let began = ContinuousClock.now
        try await TestPools.running(pool, mark: mark) { krait in
            try await krait.ready()
            #expect(
                await eventually {
                    await krait.status().pools[0].workers.allSatisfy { $0.state == "ready" }
                }
            )
            report("100 workers, to all ready", began.duration(to: .now))
            let during = held()
            let threads = during.threads - before.threads
            let descriptors = during.descriptors - before.descriptors
            print("measured: 100 workers: \(threads) threads and \(descriptors) descriptors more")
            #expect(threads <= 16)
            #expect(mark.processes.count >= 101)
            let seen = try await withThrowingTaskGroup(of: Value.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        _ = try await krait.call("sleep", ["seconds": 0.2])
                        return try await krait.call("pid").value
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1.int ?? 0) }
            }
            #expect(seen.count > 10)
        }
        #expect(await eventually { mark.processes.isEmpty })
        report("100 workers, to all gone", began.duration(to: .now))
        #expect(await eventually { held().descriptors <= before.descriptors + 4 })
    }
}
