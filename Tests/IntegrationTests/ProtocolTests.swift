import Krait
import KraitTestSupport
import Testing

/// Workers that do not keep to the protocol: see `Fixtures/Workers/strange.py`.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ProtocolTests {
    /// Runs a pool whose workers misbehave in the way that is named.
    private func running(
        _ way: String,
        workers: Int = 1,
        change: (inout PythonPool) -> Void = { _ in },
        body: @escaping @Sendable (Orchestrator) async throws -> Void
    ) async throws {
        let mark = Mark()
        try await withTemporaryDirectory { folder in
            let script = "\(TestPools.fixtures)/Workers/strange.py"
            let command = "exec \"$PYTHON\" '\(script)' \(way)"
            let python = try TestPools.writeInterpreter(in: folder, command)
            let pool = TestPools.echo(workers: workers) { pool in
                pool.python = python
                pool.startTimeout = .seconds(2)
                change(&pool)
            }
            try await TestPools.running(pool, mark: mark, body: body)
        }
        #expect(await eventually { mark.processes.isEmpty })
    }

    /// A way not to become ready, how many workers are to try it at once, and what is said of it.
    struct Start: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var workers = 1
        let words: [String]
    }

    static let starts = [
        Start(
            testDescription: "wrong_version",
            words: ["krait_worker 9.9.9", "versions [7, 8]", "this Krait speaks 1", "install"]
        ),
        Start(testDescription: "wrong_token", words: ["not the one that was started as echo/0.1"]),
        Start(
            testDescription: "garbage",
            words: ["not of the protocol", "does not begin with 'KR'"]
        ),
        Start(testDescription: "empty", words: ["not of the protocol", "24 bytes, not 0"]),
        Start(
            testDescription: "oversized",
            words: ["not of the protocol", "67108865 bytes", "at most 67108864"]
        ),
        Start(testDescription: "bad_hello", words: ["not of the protocol", "pid"]),
        Start(testDescription: "mute", workers: 4, words: ["did not say hello within 2.0 seconds"]),
        Start(testDescription: "never_ready", workers: 4, words: ["not ready within 2.0 seconds"]),
    ]

    @Test(arguments: starts)
    func `a worker that does not become ready as it should fails its pool`(
        start: Start
    ) async throws {
        try await running(start.testDescription, workers: start.workers) { krait in
            let error = await failure { () throws(CallError) in try await krait.call("echo") }
            #expect(error?.code == .poolFailed)
            #expect(error?.delivery == .notSent)
            for word in start.words {
                #expect(error?.message.contains(word) == true, "\(error?.message ?? "no error")")
            }
        }
    }

    @Test(arguments: [
        ("babbling", "not of the protocol"), ("uncomprehending", "could not read a message"),
        ("attached", "1024 attachments, where its envelopes announce 0"),
        ("flooding", "not of the protocol"), ("lengthy", "a body of 4294967295 bytes"),
        ("cut", "has 6 of its 12 bytes"),
    ])
    func `a worker that breaks the protocol loses its calls, with the reason, and is replaced`(
        way: String,
        words: String
    ) async throws {
        try await running(way) { krait in
            for _ in 0..<2 {
                let error = await failure { () throws(CallError) in
                    try await krait.call("echo", timeout: .seconds(15))
                }
                #expect(error?.code == .workerCrashed)
                #expect(error?.delivery == .sent)
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
            }
        }
    }

    @Test func `a worker that never beats is silent`() async throws {
        try await running("heartless") { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("echo", timeout: .seconds(15))
            }
            #expect(error?.code == .workerSilent)
        }
    }

    @Test func `an answer that cannot be read fails its call alone`() async throws {
        try await running("unreadable") { krait in
            let worker = await krait.status().pools[0].workers.first?.processID
            for _ in 0..<2 {
                let error = await failure { () throws(CallError) in try await krait.call("echo") }
                #expect(error?.code == .protocolViolation)
                #expect(error?.delivery == .sent)
            }
            let after = await krait.status().pools[0].workers.first?.processID
            #expect(worker == nil || worker == after)
        }
    }

    @Test func `a bomb, and a length that lies, fail their call alone`() async throws {
        try await running("bombing", change: { $0.payloadLimit = 1 << 20 }) { krait in
            for words in ["at most 1048576", "at most 67108864", "another length"] {
                let error = await failure { () throws(CallError) in try await krait.call("echo") }
                #expect(error?.code == .protocolViolation)
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
            }
            let reply = try await krait.call("echo")
            #expect(reply.value == .bytes([UInt8](repeating: 0, count: 10_000)))
            #expect(reply.compression == .zstd)
        }
    }

    @Test func `answers that nobody waits for are discarded`() async throws {
        try await running("repeating") { krait in
            for number in 1...3 {
                let reply = try await krait.call("echo")
                #expect(reply.value.int == number)
            }
            let worker = await krait.status().pools[0].workers[0]
            #expect(worker.served == 3 && worker.busy == 0)
        }
    }

    @Test(arguments: [
        ("skipping", "number 3 where 2 was next"), ("overdrawing", "without credit"),
        ("miscounting", "number 5 where 1 was next"), ("plain", "by a plain reply"),
        ("presuming", "a tool for a call that has none"),
    ])
    func `a stream that breaks the protocol fails typed, and its worker is replaced`(
        way: String,
        words: String
    ) async throws {
        try await running(way) { krait in
            for _ in 0..<2 {
                var count = 0
                do {
                    for try await _ in krait.stream("echo", timeout: .seconds(15), window: 4) {
                        count += 1
                    }
                    Issue.record("the stream has ended well")
                } catch let error as CallError {
                    #expect(error.code == .protocolViolation)
                    #expect(error.message.contains(words), "\(error.message)")
                }
                #expect(count <= 4)
            }
        }
    }

    @Test func `a tool call that cannot be read fails its call`() async throws {
        try await running("mumbling") { krait in
            let tool = Tool("search", "Finds.") { 1 }
            let error = await failure { () throws(CallError) in
                try await krait.call("echo", timeout: .seconds(15), tools: [tool])
            }
            #expect(error?.code == .protocolViolation)
            #expect(error?.message.contains("a name and a map of arguments") == true)
        }
    }

    @Test func `a chunk behind the end costs the worker its place and no call its answer`()
        async throws
    {
        try await running("endless") { krait in
            try await krait.ready()
            let before = await krait.status().pools[0].workers[0].processID
            let stream = krait.stream("echo", timeout: .seconds(15))
            for try await _ in stream { Issue.record("the chunk came too late") }
            #expect(stream.reply?.value == 1)
            let isReplaced = await eventually {
                let worker = await krait.status().pools[0].workers.first
                return worker?.processID != nil && worker?.processID != before
            }
            #expect(isReplaced)
        }
    }

    @Test func `arguments beyond the limit are refused before they are sent`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let blob = Value.string(String(repeating: "x", count: Limits.bodyBytes))
            let error = await failure { () throws(CallError) in
                try await krait.call("echo", ["blob": blob])
            }
            #expect(error?.code == .invalidInput)
            #expect(error?.delivery == .notSent)
            #expect(error?.message.contains("67108864") == true)
        }
    }
}
