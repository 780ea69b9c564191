import Krait
import KraitTestSupport
import Testing

/// What workers print: it reaches the log with the worker's name and disturbs nothing.
@Suite(.timeLimit(.minutes(1))) struct OutputTests {
    /// Runs a pool of `Prints`, and gives the lines of workers and forkserver.
    private func lines(
        start: PythonPool.Start = .fork,
        workers: Int = 1,
        body: @escaping @Sendable (Orchestrator) async throws -> Void
    ) async throws -> [LogRecord] {
        let log = MemoryLogHandler(maximumRecords: 10_000)
        let logger = Logger(label: "krait", handler: log)
        let pool = TestPools.awkward("Prints", workers: workers) { pool in
            pool.start = start
            pool.slots = 1
            pool.heartbeat = .seconds(1)
        }
        try await TestPools.running(pool, logger: logger, body: body)
        return log.records
    }

    @Test(arguments: PythonPool.Start.allCases)
    func `garbage on both streams disturbs no call and is logged with the worker's name`(
        start: PythonPool.Start
    ) async throws {
        let records = try await lines(start: start) { krait in
            for number in 0..<20 {
                let text = "line \(number)"
                let reply = try await krait.call("shout", ["text": .string(text)])
                #expect(reply.value == .string(text))
            }
        }
        for number in 0..<20 {
            for line in ["line \(number)", "LINE \(number)"] {
                let record = try #require(records.first { $0.message == line })
                #expect(record.metadata[.pool] == "awkward")
                #expect(record.metadata[.worker] == "awkward/0.1")
            }
        }
        #expect(records.contains { $0.message.hasSuffix("garbage while loading") })
        #expect(records.count { $0.message.hasSuffix("not an envelope") } == 20)
    }

    @Test func `a very long line is cut and the next one is whole`() async throws {
        let records = try await lines { krait in
            let text = String(repeating: "é", count: 100_000) + "\nafterwards"
            let reply = try await krait.call("shout", ["text": .string(text)])
            #expect(reply.value == .string(text))
        }
        let cut = try #require(records.first { $0.message.hasPrefix("éé") })
        #expect(cut.message.hasSuffix("…"))
        #expect((8_000...9_000).contains(cut.message.utf8.count))
        #expect(records.contains { $0.message == "afterwards" })
    }

    @Test func `last words without a line end are logged`() async throws {
        let records = try await lines { krait in
            let error = await failure { () throws(CallError) in try await krait.call("gasp") }
            #expect(error?.code == .workerCrashed)
            #expect(error?.message.contains("it exited with code 5") == true)
        }
        #expect(records.contains { $0.message == "tell them I" })
    }

    @Test func `a worker that prints without end does not hold up the others' calls`()
        async throws
    {
        _ = try await lines(workers: 2) { krait in
            try await krait.ready()
            async let flood = krait.call("flood", ["seconds": 1])
            let began = ContinuousClock.now
            for _ in 0..<20 { _ = try await krait.call("shout", ["text": "quick"]) }
            report("20 calls beside a flood of output", began.duration(to: .now))
            let written = try await flood.value.int ?? 0
            #expect(written > 100_000)
        }
    }
}
