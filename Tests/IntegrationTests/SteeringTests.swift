import Foundation
import Glibc
import Krait
import KraitObservability
import KraitTestSupport
import Testing

/// Pools of real workers that are changed while they serve.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SteeringTests {
    private func pool(_ krait: Orchestrator) async -> OrchestratorStatus.Pool {
        await krait.status().pools[0]
    }

    private func processes(_ krait: Orchestrator) async -> Set<Int32> {
        Set(await pool(krait).workers.compactMap(\.processID))
    }

    /// Makes calls from many tasks for as long as `body` runs; how each ended.
    private func underLoad(
        _ krait: Orchestrator,
        callers: Int = 24,
        _ body: @Sendable () async throws -> Void
    ) async throws -> [CallOutcome] {
        let isDone = Lock(false)
        return try await withThrowingTaskGroup(of: [CallOutcome].self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var outcomes: [CallOutcome] = []
                    while !isDone.withLock(\.self) {
                        outcomes.append(
                            await .of { () throws(CallError) in
                                try await krait.call("sleep", ["seconds": 0.002])
                            }
                        )
                        if case .some(let error) = outcomes.last?.error, error.delivery == .notSent
                        {
                            // A pool that refuses does so at once: not as fast as one can ask.
                            await Task.yield()
                        }
                    }
                    return outcomes
                }
            }
            let served = await pool(krait).served
            #expect(await eventually { await self.pool(krait).served > served + 100 })
            do {
                try await body()
            } catch {
                isDone.withLock { $0 = true }
                throw error
            }
            isDone.withLock { $0 = true }
            return try await group.reduce(into: [CallOutcome]()) { $0 += $1 }
        }
    }

    @Test func `under load a pool grows and shrinks, and no call is lost`() async throws {
        try await TestPools.running(TestPools.echo(workers: 2)) { krait in
            try await krait.ready()
            let outcomes = try await self.underLoad(krait) {
                for size in [5, 1, 4, 2] {
                    let began = ContinuousClock.now
                    let steps = Lock<[SteeringProgress]>([])
                    try await krait.resize(pool: "echo", to: size) { step in
                        steps.withLock { $0.append(step) }
                    }
                    report("under load, to \(size) workers", began.duration(to: .now))
                    let workers = await self.pool(krait).workers
                    #expect(workers.count == size && workers.allSatisfy { $0.state == "ready" })
                    let last = try #require(steps.withLock { $0.last })
                    #expect(last.done == last.total && last.total > 0)
                }
            }
            #expect(outcomes.count > 100 && outcomes.allSatisfy { $0.error == nil })
        }
    }

    @Test func `under load every worker is replaced, and no call is lost`() async throws {
        try await TestPools.running(TestPools.echo(workers: 3)) { krait in
            try await krait.ready()
            let before = await self.processes(krait)
            let outcomes = try await self.underLoad(krait) {
                let began = ContinuousClock.now
                try await krait.recycle(pool: "echo")
                report("under load, three workers replaced", began.duration(to: .now))
            }
            let after = await self.processes(krait)
            #expect(after.count == 3 && after.isDisjoint(with: before))
            #expect(outcomes.allSatisfy { $0.error == nil })
            let ends = await self.pool(krait).workers.map(\.lastEnd)
            #expect(ends.allSatisfy { $0 == "recycled: somebody asked for it" })
        }
    }

    @Test func `under load a pool is drained and resumed, and refuses only meanwhile`()
        async throws
    {
        let mark = Mark()
        try await TestPools.running(TestPools.echo(workers: 2), mark: mark) { krait in
            try await krait.ready()
            let outcomes = try await self.underLoad(krait) {
                try await krait.drain(pool: "echo")
                #expect(await self.pool(krait).state == "drained")
                #expect(await self.processes(krait).isEmpty)
                // The forkserver has left as well: its environment can be exchanged.
                #expect(await eventually { mark.processes.isEmpty })
                try await krait.resume(pool: "echo")
                #expect(await self.pool(krait).state == "ready")
            }
            let errors = outcomes.compactMap(\.error)
            #expect(!errors.isEmpty)
            #expect(errors.allSatisfy { $0.code == .poolDrained && $0.delivery == .notSent })
            #expect(try await krait.call("echo", ["a": 1]).value["a"] == 1)
        }
    }

    @Test func `a drain without patience fails what runs, and a resumption ends it`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            try await krait.ready()
            try await withThrowingTaskGroup(of: CallError?.self) { group in
                group.addTask {
                    await failure { () throws(CallError) in
                        try await krait.call("sleep", ["seconds": 30])
                    }
                }
                #expect(await eventually { await self.pool(krait).workers[0].busy == 1 })
                try await krait.drain(pool: "echo", within: .milliseconds(50))
                let error = try #require(await group.next() ?? nil)
                #expect(error.code == .poolDrained && error.delivery == .sent)
            }
            try await krait.resume(pool: "echo")
            _ = try await krait.call("pid")
        }
    }

    @Test func `names and numbers that are wrong are told`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let unknown = await self.error { () throws(CallError) in
                try await krait.resize(pool: "ecko", to: 2)
            }
            #expect(unknown?.code == .unknownPool)
            #expect(unknown?.message == "there is no pool `ecko`; did you mean `echo`?")
            for number in [-1, 0, 1_025] {
                let wrong = await self.error { () throws(CallError) in
                    try await krait.resize(pool: "echo", to: number)
                }
                #expect(wrong?.code == .invalidInput)
            }
        }
    }

    private func error(_ body: () async throws(CallError) -> Void) async -> CallError? {
        do throws(CallError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Code

    /// Writes an adapter whose operation `version` says the number.
    private func write(_ number: Int, in folder: String, _ rest: String = "") throws {
        let text = """
            from krait_worker.adapters.base import Adapter, operation

            class Numbered(Adapter):
                @operation
                def version(self) -> int:
                    return \(number)
            \(rest)
            """
        try text.write(toFile: "\(folder)/numbered.py", atomically: true, encoding: .utf8)
    }

    private func numbered(in folder: String) -> PythonPool {
        TestPools.echo("numbered", workers: 2) { pool in
            pool.adapter = .custom("numbered:Numbered")
            pool.path = [folder]
            // Else a change within a second would not be seen.
            pool.environment = ["PYTHONDONTWRITEBYTECODE": "1"]
        }
    }

    @Test
    func `changed code counts after a recycling, and code that does not load changes nothing`()
        async throws
    {
        try await withTemporaryDirectory { folder in
            try self.write(1, in: folder)
            try await TestPools.running(self.numbered(in: folder)) { krait in
                #expect(try await krait.call("version").value == 1)
                try self.write(2, in: folder)
                try await krait.recycle(pool: "numbered")
                #expect(try await krait.call("version").value == 2)
                try self.write(3, in: folder, "this is no Python")
                let error = await self.error { () throws(CallError) in
                    try await krait.recycle(pool: "numbered")
                }
                #expect(error?.code == .poolFailed)
                #expect(error?.message.contains("SyntaxError") == true)
                #expect(try await krait.call("version").value == 2)
                let beginning = "    def begin(self) -> None:\n        raise ValueError('no begin')"
                try self.write(4, in: folder, beginning)
                let late = await self.error { () throws(CallError) in
                    try await krait.recycle(pool: "numbered")
                }
                #expect(late?.code == .poolFailed)
                #expect(late?.message.contains("no begin") == true)
                #expect(try await krait.call("version").value == 2, "the other worker serves")
                try self.write(5, in: folder)
                try await krait.drain(pool: "numbered")
                try await krait.resume(pool: "numbered")
                #expect(try await krait.call("version").value == 5)
            }
        }
    }

    @Test func `code that is being loaded when the pool ends leaves nothing behind`() async throws {
        let mark = Mark()
        try await withTemporaryDirectory { folder in
            try self.write(1, in: folder)
            try await TestPools.running(self.numbered(in: folder), mark: mark) { krait in
                try await krait.ready()
                let before = mark.processes.count
                try self.write(2, in: folder, "import time; time.sleep(600)")
                await withTaskGroup(of: CallError?.self) { group in
                    group.addTask {
                        await self.error { () throws(CallError) in
                            try await krait.recycle(pool: "numbered")
                        }
                    }
                    #expect(await eventually { mark.processes.count > before })
                    await krait.stop()
                    #expect(await group.next()??.code != nil)
                }
            }
        }
        #expect(await eventually { mark.processes.isEmpty })
    }

    @Test func `a failed pool comes back by itself once its code is right`() async throws {
        try await withTemporaryDirectory { folder in
            try self.write(1, in: folder, "this is no Python")
            var pool = self.numbered(in: folder)
            pool.recoverAfter = .milliseconds(300)
            try await TestPools.running(pool) { krait in
                #expect(await eventually { await self.pool(krait).state == "failed" })
                let failed = await self.pool(krait)
                #expect(failed.failure?.contains("SyntaxError") == true)
                #expect(failed.nextTry.map { $0 <= .milliseconds(300) } ?? true)
                let error = await failure { () throws(CallError) in try await krait.call("version")
                }
                #expect(error?.code == .poolFailed)
                try self.write(2, in: folder)
                #expect(await eventually { await self.pool(krait).state == "ready" })
                #expect(try await krait.call("version").value == 2)
                #expect(await self.pool(krait).events.contains { $0.name == "pool.recovering" })
            }
        }
    }

    // MARK: Recycling

    @Test func `a worker that leaks is replaced once it is above the limit`() async throws {
        let leaking = TestPools.awkward("Leaks") { $0.maxMemory = 100 << 20 }
        try await TestPools.running(leaking) { krait in
            try await krait.ready()
            let first = await self.processes(krait)
            #expect(try await krait.call("keep", ["megabytes": 20]).value == 1)
            #expect(try await krait.call("keep", ["megabytes": 20]).value == 2)
            #expect(await self.processes(krait) == first)
            #expect(try await krait.call("keep", ["megabytes": 120]).value == 3)
            #expect(
                await eventually {
                    let worker = await self.pool(krait).workers[0]
                    return worker.state == "ready" && worker.restarts == 1
                }
            )
            #expect(await self.processes(krait).isDisjoint(with: first))
            let end = try #require(await self.pool(krait).workers[0].lastEnd)
            #expect(end.hasPrefix("recycled: it held 1") && end.hasSuffix("limit is 100.0 MB"))
            #expect(try await krait.call("keep", ["megabytes": 1]).value == 1)
        }
    }

    @Test func `a limit below what a worker begins with replaces nobody, and is told`()
        async throws
    {
        let log = MemoryLogHandler()
        let logger = Logger(label: "krait", handler: log, level: .info)
        let pool = TestPools.echo(workers: 2) { pool in
            pool.maxMemory = 1_000
            pool.heartbeat = .milliseconds(200)
        }
        try await TestPools.running(pool, logger: logger) { krait in
            try await krait.ready()
            let first = await self.processes(krait)
            for _ in 0..<20 { _ = try await krait.call("sleep", ["seconds": 0.05]) }
            #expect(await self.processes(krait) == first)
            let said = log.records.filter { $0.message == "pool.limit_too_low" }
            #expect(said.count == 1)
            #expect(await self.pool(krait).workers.allSatisfy { $0.restarts == 0 })
        }
    }

    @Test func `under load workers that have answered their calls are replaced, and none is lost`()
        async throws
    {
        let pool = TestPools.echo(workers: 2) { pool in
            pool.maxCalls = 200
            pool.maxAge = .seconds(2)
        }
        try await TestPools.running(pool) { krait in
            try await krait.ready()
            let outcomes = try await self.underLoad(krait) {
                #expect(
                    await eventually {
                        await self.pool(krait).workers.allSatisfy { $0.restarts > 2 }
                    }
                )
            }
            #expect(outcomes.allSatisfy { $0.error == nil })
        }
    }
}
