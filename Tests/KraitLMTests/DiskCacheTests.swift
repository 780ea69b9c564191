import Foundation
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitLM

/// Answers on disk, with real files and a real server.
@Suite(.timeLimit(.minutes(2))) struct DiskCacheTests {
    private func lm(_ server: ScriptedServer, _ gateway: LMGateway) -> LM {
        LM("openai/m", apiBase: server.url, numRetries: 0, gateway: gateway)
    }

    private func gateway(
        _ file: String,
        entries: Int = 0,
        bytes: Int = 1 << 20,
        log: MemoryLogHandler = MemoryLogHandler()
    ) -> LMGateway {
        let settings = LMCacheSettings(entries: entries, disk: .init(file: file, bytes: bytes))
        return LMGateway(cache: settings, logger: Logger(label: "t", handler: log))
    }

    private func counting() throws -> ScriptedServer {
        try ScriptedServer { _, before in ScriptedServer.answer("answer \(before)") }
    }

    @Test func `an answer outlives its gateway, and says that it was cached`() async throws {
        try await withTemporaryDirectory { folder in
            let server = try counting()
            for round in 0..<3 {
                let lm = lm(server, gateway("\(folder)/a.sqlite", entries: round == 2 ? 10 : 0))
                let response = try await lm.complete(LMRequest("q"))
                #expect(response.text == "answer 0")
                #expect(response.isCached == (round > 0))
                #expect(response.cost == (round > 0 ? 0 : nil))
            }
            #expect(server.requests.count == 1)
            let other = try await lm(server, gateway("\(folder)/a.sqlite"))
                .complete(LMRequest("another"))
            #expect(other.text == "answer 1")
        }
    }

    @Test func `neither the request nor a key lies in the file`() async throws {
        try await withTemporaryDirectory { folder in
            let server = try counting()
            let lm = LM(
                "openai/m",
                apiBase: server.url,
                apiKey: "sk-secret-1234567",
                gateway: gateway("\(folder)/a.sqlite")
            )
            _ = try await lm.complete(LMRequest("my dark secret"))
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
                for text in ["dark", "sk-secret"] {
                    #expect(bytes.firstRange(of: Data(text.utf8)) == nil, "\(name)")
                }
            }
        }
    }

    @Test func `what was not asked for longest goes first`() async throws {
        try await withTemporaryDirectory { folder in
            let text = String(repeating: "x", count: 1_000)
            func answer(_ number: Int) -> CachedAnswer {
                .response(LMResponse(model: "\(number)", completions: [LMCompletion(text: text)]))
            }
            func key(_ number: Int) throws -> LMCacheKey {
                try #require(LMCacheKey(LMRequest("\(number)")))
            }
            let file = LMCacheSettings.Disk(file: "\(folder)/a.sqlite", bytes: 8_000)
            let cache = LMDiskCache(file, events: .none)
            for number in 0..<20 { await cache.put([(try key(number), answer(number))]) }
            let found = await cache.find(try (0..<20).map(key))
            let kept = found.indices.filter { found[$0] != nil }
            #expect((4...7).contains(kept.count))
            #expect(kept == Array((20 - kept.count)..<20))
            #expect(found[19] == answer(19))
            // One that is larger than all of it is not kept, and nothing goes for it.
            let large = LMCompletion(text: String(repeating: "y", count: 9_000))
            await cache.put([(try key(99), .response(LMResponse(model: "", completions: [large])))])
            #expect(
                await cache.find([try key(99), try key(19)]).map { $0 == nil } == [true, false]
            )
        }
    }

    @Test func `a damaged file fails no call, and is told once`() async throws {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/a.sqlite"
            let garbage = Data(repeating: 65, count: 10_000)
            try garbage.write(to: URL(filePath: file))
            let (server, log) = (try counting(), MemoryLogHandler())
            let lm = lm(server, gateway(file, log: log))
            for number in 0..<3 {
                #expect(try await lm.complete(LMRequest("q")).text == "answer \(number)")
            }
            let told = log.records.filter { $0.message == "lm.cache_failed" }
            #expect(told.count == 1)
            #expect("\(told)".contains("move it away"))
            #expect(try Data(contentsOf: URL(filePath: file)) == garbage)
        }
    }

    @Test(arguments: ["nowhere/a.sqlite", ""])
    func `a file that cannot be made fails no call`(name: String) async throws {
        try await withTemporaryDirectory { folder in
            let (server, log) = (try counting(), MemoryLogHandler())
            let lm = lm(server, gateway("\(folder)/\(name)", entries: 5, log: log))
            for _ in 0..<3 {
                #expect(try await lm.complete(LMRequest("q")).text == "answer 0")
            }
            #expect(log.records.count { $0.message == "lm.cache_failed" } == 1)
        }
    }

    @Test func `a page that is damaged while it is used fails no call`() async throws {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/a.sqlite"
            let server = try counting()
            do {
                let lm = lm(server, gateway(file))
                for number in 0..<50 { _ = try await lm.complete(LMRequest("\(number)")) }
            }
            let handle = try FileHandle(forUpdating: URL(filePath: file))
            let size = try handle.seekToEnd()
            try #require(size > 8_192)
            try handle.seek(toOffset: 4_096)
            try handle.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4_096))
            try handle.close()
            try? FileManager.default.removeItem(atPath: "\(file)-wal")
            let lm = lm(server, gateway(file))
            for number in 0..<50 {
                let text = try await lm.complete(LMRequest("\(number)")).text
                #expect(text?.hasPrefix("answer ") == true)
            }
        }
    }

    @Test func `two gateways share a file`() async throws {
        try await withTemporaryDirectory { folder in
            let server = try counting()
            let gateways = [gateway("\(folder)/a.sqlite"), gateway("\(folder)/a.sqlite")]
            await withTaskGroup { group in
                for number in 0..<100 {
                    let lm = lm(server, gateways[number % 2])
                    group.addTask { _ = try? await lm.complete(LMRequest("\(number)")) }
                }
            }
            #expect(server.requests.count == 100)
            var cached = 0
            for number in 0..<100 {
                let lm = lm(server, gateways[(number + 1) % 2])
                if try await lm.complete(LMRequest("\(number)")).isCached { cached += 1 }
            }
            // A writer that waits too long for the other keeps nothing: rare, and no failure.
            #expect(cached >= 90)
        }
    }

    @Test func `an answer comes from disk with all that it had`() throws {
        let call = LMToolCall(id: "c", name: "f", arguments: #"{"a":1}"#)
        var first = LMCompletion(text: "é\u{0}🐍", reasoning: "hm", toolCalls: [call])
        first.finishReason = .toolCalls
        first.logprobs = ["content": [["token": "x", "logprob": -0.5]]]
        var second = LMCompletion(text: "b")
        second.finishReason = .length
        let usage = LMUsage(promptTokens: 1, completionTokens: 2, totalTokens: 3)
        var response = LMResponse(id: "1", model: "m", completions: [first, second], usage: usage)
        response.usage.cachedTokens = 1
        let vector = CachedAnswer.vector([0, -0.5, .greatestFiniteMagnitude])
        for answer in [.response(response), vector] {
            let stored = try #require(answer.stored)
            #expect(CachedAnswer(stored: stored) == answer)
            for damaged in [[], [7], Array(stored.dropLast()), stored + [0, 0]] {
                #expect(CachedAnswer(stored: damaged) != answer)
            }
        }
    }

    @Test(arguments: [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (3, "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc"),
        (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
        (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
        (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
        (1_000, "a8af099bf2e878609558dbf69d8f88f4a31040a8cf84b549a0cfa912f12ffc3f"),
    ])
    func `the digest is SHA-256`(count: Int, expected: String) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let digest = SHA256.digest(of: bytes)
        let text = digest.map { String(format: "%02x", $0) }.joined()
        #expect(text == expected)
    }
}
