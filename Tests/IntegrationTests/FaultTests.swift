import Glibc
import Krait
import KraitTestSupport
import Testing

/// Workers that crash, fall silent or are stuck, and what becomes of their calls.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FaultTests {
    /// How a worker is made to end, and how that reads.
    enum Death: String, CaseIterable {
        case killed, crashed

        var words: String {
            self == .killed ? "signal 9 (Killed)" : "signal 11 (Segmentation fault)"
        }
    }

    private func pool(_ krait: Orchestrator) async -> OrchestratorStatus.Pool {
        await krait.status().pools[0]
    }

    private func processID(_ krait: Orchestrator, _ number: Int = 0) async throws -> pid_t {
        try #require(await pool(krait).workers[number].processID)
    }

    @Test(arguments: Death.allCases)
    func `a worker's death fails the calls it had, each once, and no other`(
        death: Death
    ) async throws {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 8)) { krait in
            try await krait.ready()
            let victim = try await self.processID(krait)
            // Where the worker is to crash, one slot is left for the call that makes it.
            let held = death == .killed ? 16 : 15
            let outcomes = await withTaskGroup(of: CallOutcome.self) { group in
                for _ in 0..<held {
                    group.addTask {
                        await .of { () throws(CallError) in
                            try await krait.call("asleep", ["seconds": 1])
                        }
                    }
                }
                #expect(
                    await eventually {
                        await self.pool(krait).workers.reduce(0) { $0 + $1.busy } == held
                    }
                )
                if death == .killed {
                    kill(victim, SIGKILL)
                } else {
                    group.addTask {
                        await .of { () throws(CallError) in
                            try await krait.call("crash", ["signal": 11])
                        }
                    }
                }
                for number in 0..<20 {
                    group.addTask {
                        await .of { () throws(CallError) in
                            try await krait.call("echo", ["n": .int(Int64(number))])
                        }
                    }
                }
                return await group.reduce(into: [CallOutcome]()) { $0.append($1) }
            }
            let errors = outcomes.compactMap(\.error)
            let dead = try #require(errors.first?.worker)
            #expect(errors.count == 8)
            for error in errors {
                #expect(error.code == .workerCrashed)
                #expect(error.worker == dead)
                #expect(error.delivery == .sent)
                #expect(error.description.contains(death.words))
            }
            // The worker may have answered a quick call before it died, but never a slow one.
            let slow = outcomes.filter { (try? $0.get().value.double) != nil }
            #expect(slow.count == held - errors.count + (death == .crashed ? 1 : 0))
            #expect(slow.allSatisfy { $0.worker != dead })
            #expect(outcomes.count == 36)
        }
    }

    @Test func `under load a killed worker loses only what it had, and is replaced at once`()
        async throws
    {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 8)) { krait in
            try await krait.ready()
            let victim = try await self.processID(krait)
            let (outcomes, back) = await withTaskGroup(of: [CallOutcome].self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        var outcomes: [CallOutcome] = []
                        for _ in 0..<200 {
                            outcomes.append(
                                await .of { () throws(CallError) in
                                    try await krait.call("sleep", ["seconds": 0.001])
                                }
                            )
                        }
                        return outcomes
                    }
                }
                #expect(
                    await eventually {
                        await self.pool(krait).workers.allSatisfy { $0.served > 100 }
                    }
                )
                let died = ContinuousClock.now
                kill(victim, SIGKILL)
                #expect(
                    await eventually {
                        await self.pool(krait).workers.allSatisfy { $0.hasReplaced(victim) }
                    }
                )
                let back = died.duration(to: .now)
                return (await group.reduce(into: [CallOutcome]()) { $0 += $1 }, back)
            }
            report("a worker killed under load, to the pool at its full size", back)
            #expect(back < .seconds(5))
            let errors = outcomes.compactMap(\.error)
            #expect(outcomes.count == 6_400)
            #expect((1...8).contains(errors.count))
            #expect(errors.allSatisfy { $0.code == .workerCrashed && $0.delivery == .sent })
            #expect(Set(errors.map(\.worker)).count == 1)
            #expect(errors.allSatisfy { $0.description.contains("signal 9") })
        }
    }

    @Test func `a slot that may still run an abandoned call is not used again`() async throws {
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            let stuck = try await krait.call("pid").value.int
            let error = await failure { () throws(CallError) in
                try await krait.call("sleep", ["seconds": 60], timeout: .milliseconds(100))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.delivery == .sent)
            // Waits in the queue until the worker has been given up and replaced.
            let waited = try await krait.call("pid").value.int
            #expect(waited != nil && waited != stuck)
            #expect(RunningProcess(pid_t(stuck ?? 0)) == nil)
        }
    }

    @Test func `a killed forkserver takes its workers and their children along, and comes back`()
        async throws
    {
        let mark = Mark()
        try await TestPools.running(TestPools.awkward("Spawns", workers: 2), mark: mark) { krait in
            try await krait.ready()
            let left = try await krait.call("leave_behind").value.int
            let grandchild = pid_t(try #require(left))
            #expect(RunningProcess(grandchild) != nil)
            let worker = try await self.processID(krait)
            let forkserver = try #require(RunningProcess(worker)?.parent)
            #expect(forkserver != getpid())
            let died = ContinuousClock.now
            kill(forkserver, SIGKILL)
            #expect(
                await eventually {
                    let workers = await self.pool(krait).workers
                    return workers.count == 2 && workers.allSatisfy { $0.hasReplaced(worker) }
                        && RunningProcess(worker) == nil
                }
            )
            report("a killed forkserver, to the pool at its full size", died.duration(to: .now))
            #expect(await eventually { RunningProcess(grandchild) == nil })
            #expect(try await krait.call("hello").value == "hello")
        }
        #expect(await eventually { mark.processes.isEmpty })
    }

    @Test func `what a worker's calls leave behind ends with the worker`() async throws {
        try await TestPools.running(TestPools.awkward("Spawns")) { krait in
            let left = try await krait.call("leave_behind").value.int
            let grandchild = pid_t(try #require(left))
            let worker = try await self.processID(krait)
            kill(worker, SIGKILL)
            #expect(await eventually { RunningProcess(grandchild) == nil })
            #expect(await eventually { await self.pool(krait).workers[0].hasReplaced(worker) })
            #expect(try await krait.call("hello").value == "hello")
        }
    }

    @Test func `draining answers what was accepted, running and queued, and nothing new`()
        async throws
    {
        let mark = Mark()
        try await TestPools.running(TestPools.echo(slots: 2), mark: mark) { krait in
            try await krait.ready()
            let outcomes = await withTaskGroup(of: CallOutcome?.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        await .of { () throws(CallError) in
                            try await krait.call("asleep", ["seconds": 0.3])
                        }
                    }
                }
                #expect(await eventually { await self.pool(krait).queued == 3 })
                group.addTask {
                    await krait.drain()
                    return nil
                }
                #expect(await eventually { await self.pool(krait).state == "draining" })
                let late = await failure { () throws(CallError) in try await krait.call("pid") }
                #expect(late?.code == .shuttingDown)
                #expect(late?.delivery == .notSent)
                return await group.reduce(into: [CallOutcome]()) { all, outcome in
                    if let outcome { all.append(outcome) }
                }
            }
            #expect(outcomes.count == 5 && outcomes.allSatisfy { $0.error == nil })
            #expect(await eventually { mark.processes.isEmpty })
            let late = await failure { () throws(CallError) in try await krait.call("pid") }
            #expect(late?.code == .shuttingDown)
        }
    }

    @Test func `stopping fails what runs and what waits, and says which was sent`() async throws {
        let mark = Mark()
        try await TestPools.running(TestPools.echo(slots: 1), mark: mark) { krait in
            try await krait.ready()
            let errors = await withTaskGroup(of: CallError?.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        await failure { () throws(CallError) in
                            try await krait.call("asleep", ["seconds": 30])
                        }
                    }
                }
                #expect(await eventually { await self.pool(krait).queued == 3 })
                await krait.stop()
                return await group.reduce(into: [CallError?]()) { $0.append($1) }
            }
            #expect(errors.map { $0?.code } == Array(repeating: .shuttingDown, count: 4))
            #expect(errors.count { $0?.delivery == .sent } == 1)
            #expect(errors.count { $0?.delivery == .notSent } == 3)
            #expect(await eventually { mark.processes.isEmpty })
        }
    }
}
