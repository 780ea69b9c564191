import Krait
import KraitTestSupport
import Testing

/// Who is let into a pool's socket, and what an answer is worth there.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RoguePeerTests {
    @Test func `a process that is no worker learns nothing and changes nothing`() async throws {
        try await withTemporaryDirectory { folder in
            let log = MemoryLogHandler()
            let settings = OrchestratorSettings(
                runFolder: folder,
                logger: Logger(label: "krait", handler: log),
                environment: TestPools.environment
            )
            let pool = TestPools.echo(workers: 2)
            let orchestrator = Orchestrator(name: "tests", settings: settings) { pool }
            try await orchestrator.running { krait in
                try await krait.ready()
                let before = await krait.status().pools[0].workers.map(\.processID)
                let rogue = try Program(
                    TestPools.interpreter,
                    ["\(TestPools.fixtures)/Workers/rogue.py", "ipc://\(folder)/router.sock"],
                    environment: TestPools.environment,
                    folder: folder
                )
                var number = 0
                while !rogue.output.hasSuffix("\n"), RunningProcess(rogue.id) != nil {
                    number += 1
                    let reply = try await krait.call("echo", ["n": .int(Int64(number))])
                    #expect(reply.value == ["n": .int(Int64(number))])
                }
                #expect(rogue.output == "sent, and heard of 0\n", "\(rogue.errors)")
                #expect(number > 0)
                let after = await krait.status().pools[0].workers.map(\.processID)
                #expect(after == before)
                let told = log.records.filter { $0.message == "message.refused" }
                #expect(!told.isEmpty && told.count < 100)
                withExtendedLifetime(rogue) {}
            }
            let worse = log.records.filter { $0.level > .warning }
            #expect(worse.isEmpty, "\(worse.map(\.message))")
        }
    }

    /// Runs a pool of workers that misbehave in the way that is named, beside one of good ones.
    private func beside(
        _ way: String,
        workers: Int,
        slots: Int,
        log: MemoryLogHandler = MemoryLogHandler(),
        body: @escaping @Sendable (Orchestrator) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let script = "\(TestPools.fixtures)/Workers/strange.py"
            let command = "exec \"$PYTHON\" '\(script)' \(way)"
            let python = try TestPools.writeInterpreter(in: folder, command)
            let strange = TestPools.echo("strange", workers: workers, slots: slots) { pool in
                pool.python = python
                pool.heartbeat = .seconds(10)
            }
            let logger = Logger(label: "krait", handler: log)
            try await TestPools.running(strange, TestPools.echo("good"), logger: logger, body: body)
        }
    }

    @Test func `a worker cannot answer the calls of others, nor its own twice`() async throws {
        try await beside("thieving", workers: 3, slots: 1) { krait in
            try await krait.ready()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        for _ in 0..<40 {
                            let reply = try await krait.call("echo", on: .pool("strange"))
                            guard case .pool(_, let worker, _) = reply.source else {
                                Issue.record("not from the pool")
                                return
                            }
                            // Each answer is the one of the worker that had the call.
                            #expect(reply.value.string?.hasPrefix("\(worker)~") == true)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let workers = await krait.status().pools[0].workers
            #expect(workers.reduce(0) { $0 + $1.served } == 480)
            #expect(workers.allSatisfy { $0.busy == 0 && $0.state == "ready" })
        }
    }

    @Test func `what a worker says before its hello counts for nothing`() async throws {
        try await beside("impatient", workers: 1, slots: 2) { krait in
            for _ in 0..<3 {
                let reply = try await krait.call("echo", on: .pool("strange"))
                #expect(reply.value == "own")
            }
        }
    }

    @Test func `a worker's flood of garbage ends it, in one line of the log, and no other`()
        async throws
    {
        let log = MemoryLogHandler(maximumRecords: 10_000)
        try await beside("flooding", workers: 1, slots: 1, log: log) { krait in
            try await krait.ready()
            async let flooded = failure { () throws(CallError) in
                try await krait.call("echo", on: .pool("strange"))
            }
            for number in 0..<200 as Range<Int64> {
                let reply = try await krait.call("echo", ["n": .int(number)], on: .pool("good"))
                #expect(reply.value == ["n": .int(number)])
            }
            #expect(await flooded?.code == .workerCrashed)
        }
        let refusals = log.records.filter { $0.message == "message.refused" }
        // One for the worker; those that come when it is forgotten are strangers'.
        #expect(1...20 ~= refusals.count)
        #expect(log.records.count < 200)
    }
}
