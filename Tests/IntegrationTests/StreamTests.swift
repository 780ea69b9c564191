import Glibc
import Krait
import KraitTestSupport
import Testing

/// Streams from real workers.
@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    @Test(arguments: ["count", "acount"], Codec.allCases)
    func `chunks come in order and then the end`(operation: String, codec: Codec) async throws {
        try await TestPools.running(TestPools.echo { $0.codec = codec }) { krait in
            let stream = krait.stream(operation, ["n": 1_000], window: 16)
            var found: [Int?] = []
            for try await chunk in stream { found.append(chunk.int) }
            #expect(found == Array(0..<1_000))
            #expect(stream.reply?.value == (operation == "count" ? 1_000 : .null))
            #expect(stream.decision?.chosen == .pool("echo"))
        }
    }

    @Test func `what yields nothing is a stream without chunks`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let stream = krait.stream("echo", ["a": 1])
            for try await _ in stream { Issue.record("a chunk of what does not stream") }
            #expect(stream.reply?.value == ["a": 1])
        }
    }

    @Test func `without a stream the chunks are one list`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let found1 = try await krait.call("count", ["n": 3]).value
            #expect(found1 == [0, 1, 2])
        }
    }

    @Test func `an error comes after the chunks before it`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            var found: [Int?] = []
            let error = await self.error {
                for try await chunk in krait.stream("count", ["n": 9, "fail_at": 5]) {
                    found.append(chunk.int)
                }
            }
            #expect(found == [0, 1, 2, 3, 4])
            #expect(error?.code == .faulted)
            #expect(error?.fault?.type == "builtins.ValueError")
        }
    }

    @Test func `a worker that crashes mid-stream is an error after the chunks`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let pid = try #require(try await krait.call("pid").value.int)
            var count = 0
            let error = await self.error {
                let arguments: ValueMap = ["n": 1_000_000, "pause": 0.001]
                for try await _ in krait.stream("count", arguments) {
                    count += 1
                    if count == 5 { kill(Int32(pid), SIGKILL) }
                }
            }
            #expect(count >= 5)
            #expect(error?.code == .workerCrashed)
            let found2 = try await krait.call("echo", ["a": 1]).value
            #expect(found2 == ["a": 1])
        }
    }

    @Test(arguments: ["count", "acount"])
    func `a deadline covers the whole stream`(operation: String) async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            try await krait.ready()
            var count = 0
            let error = await self.error {
                let arguments: ValueMap = ["n": 1_000_000, "pause": 0.005]
                let stream = krait.stream(operation, arguments, timeout: .milliseconds(200))
                for try await _ in stream { count += 1 }
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(count > 0)
        }
    }

    @Test(arguments: ["count", "acount"])
    func `leaving the loop ends the generator`(operation: String) async throws {
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            for try await chunk in krait.stream(operation, ["n": 1_000_000_000], window: 8)
            where chunk.int == 20 {
                break
            }
            // The one slot is free again only when the generator has ended.
            let reply = try await krait.call("sleep", ["seconds": 0], timeout: .seconds(10))
            #expect(reply.value == 0)
            #expect(await krait.status().pools[0].workers.first?.served ?? 0 >= 1)
        }
    }

    @Test func `a dropped iterator and a cancelled task end the generator`() async throws {
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            do {
                var iterator = krait.stream("count", ["n": 1_000_000_000]).makeAsyncIterator()
                let found3 = try await iterator.next()
                #expect(found3 == 0)
            }
            let found4 = try await krait.call("sleep", ["seconds": 0]).value
            #expect(found4 == 0)
            let error = await withTaskGroup(of: CallError?.self) { group in
                group.addTask {
                    await self.failure(of: krait.stream("acount", ["n": 10, "pause": 30]))
                }
                #expect(await eventually { await krait.status().pools[0].workers.first?.busy == 1 })
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error?.code == .cancelled)
            let found5 = try await krait.call("sleep", ["seconds": 0]).value
            #expect(found5 == 0)
        }
    }

    @Test func `a stream that nobody reads holds the worker back and nobody else`() async throws {
        try await TestPools.running(TestPools.echo(slots: 2)) { krait in
            let arguments: ValueMap = ["n": 1_000_000_000]
            var iterator = krait.stream("count", arguments, window: 4).makeAsyncIterator()
            let found6 = try await iterator.next()
            #expect(found6 == 0)
            for number in 0..<100 {
                let arguments: ValueMap = ["n": .int(Int64(number))]
                let found7 = try await krait.call("echo", arguments).value
                #expect(found7 == .map(arguments))
            }
            for number in 1..<20 {
                let chunk = try await iterator.next()
                #expect(chunk?.int == number)
            }
        }
    }

    @Test func `a stream is read once and an unknown operation is its error`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let stream = krait.stream("count", ["n": 1])
            #expect(await self.failure(of: stream) == nil)
            #expect(await self.failure(of: stream)?.code == .invalidInput)
            #expect(await self.failure(of: krait.stream("cuont"))?.code == .unknownOperation)
        }
    }

    @Test func `many streams at once are whole`() async throws {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 100)) { krait in
            let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        var sum = 0
                        for try await chunk in krait.stream("acount", ["n": 50], window: 7) {
                            sum += chunk.int ?? 0
                        }
                        return sum
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sums == Array(repeating: 1_225, count: 200))
        }
    }

    /// The error that a whole stream ends with.
    private func failure(of stream: ReplyStream) async -> CallError? {
        await error { for try await _ in stream {} }
    }

    private func error(_ body: () async throws -> Void) async -> CallError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? CallError
        }
    }
}
