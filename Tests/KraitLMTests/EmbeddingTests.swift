import KraitTestSupport
import KraitWire
import Testing

@testable import KraitLM

/// Embeddings from a real server, which keeps to a script.
@Suite(.timeLimit(.minutes(2))) struct EmbeddingTests {
    private func embedder(
        _ server: ScriptedServer,
        dimensions: Int? = nil,
        batch: Int = 200,
        retries: Int = 0,
        gateway: LMGateway = LMGateway()
    ) -> Embedder {
        Embedder(
            "openai/e",
            apiBase: server.url,
            apiKey: "sk-secret-1234567",
            dimensions: dimensions,
            batchSize: batch,
            numRetries: retries,
            price: LMPrice(prompt: 1_000_000, completion: 0),
            gateway: gateway
        )
    }

    /// Each text's vector is its length and its number in the request, told in the wrong order.
    @Sendable private static func answer(
        _ request: ScriptedServer.Request,
        _ before: Int
    ) -> [ScriptedServer.Step] {
        let body = try? PlainJSON.decode(Array(request.body.utf8))
        let texts = body?["input"]?.list?.compactMap(\.string) ?? []
        let data = texts.enumerated().reversed().map { index, text in
            #"{"index":\#(index),"embedding":[\#(text.utf8.count),0.5]}"#
        }
        return ScriptedServer.response(
            #"{"data":[\#(data.joined(separator: ","))],"model":"e-1","#
                + #""usage":{"prompt_tokens":\#(texts.count),"total_tokens":\#(texts.count)}}"#
        )
    }

    private func failure(_ embedder: Embedder, _ texts: [String]) async -> LMError? {
        do throws(LMError) {
            _ = try await embedder.embed(texts)
            return nil
        } catch { return error }
    }

    @Test func `a worker's texts are embedded where its pool's requests go`() async throws {
        let server = try ScriptedServer(Self.answer)
        let lm = LM("openai/m", apiBase: server.url, cache: false, gateway: LMGateway())
        let asked: ValueMap = ["model": "openai/e", "texts": ["a", "bbb"], "dimensions": 2]
        let told = await lm.answer(worker: ["embed": .map(asked)], WorkerStreams())
        #expect(told == ["vectors": [[1.0, 0.5], [3.0, 0.5]]])
        let request = try #require(server.requests.first)
        #expect(request.path == "/v1/embeddings")
        let body = try PlainJSON.decode(Array(request.body.utf8))
        #expect(body["model"] == "e")
        let broken = await lm.answer(worker: ["embed": ["texts": []]], WorkerStreams())
        #expect(broken["error"]?["code"] == "invalid_request")
    }

    @Test func `vectors come in the texts' order, with tokens and cost`() async throws {
        let server = try ScriptedServer(Self.answer)
        let found = try await embedder(server).embed(["a", "bbb", "cc"])
        #expect(found.vectors == [[1, 0.5], [3, 0.5], [2, 0.5]])
        #expect(found.dimensions == 2)
        #expect(found.model == "e-1")
        #expect(found.usage == LMUsage(promptTokens: 3, completionTokens: 0, totalTokens: 3))
        #expect(found.cost == 3)
        let request = try #require(server.requests.first)
        #expect(request.path == "/v1/embeddings")
        #expect(request.headers["authorization"] == "Bearer sk-secret-1234567")
        #expect(request.body == #"{"model":"e","input":["a","bbb","cc"]}"#)
        let one = try await embedder(server, dimensions: 2).embed("abcd")
        #expect(one == [4, 0.5])
        #expect(server.requests.last?.body.contains(#""dimensions":2"#) == true)
    }

    @Test func `many texts go in batches, equal ones once, and none sends nothing`() async throws {
        let server = try ScriptedServer(Self.answer)
        let texts = (0..<95).map { String(repeating: "x", count: $0 + 1) }
        let found = try await embedder(server, batch: 10).embed(texts + texts)
        #expect(found.vectors.map { $0[0] } == (0..<190).map { Float($0 % 95 + 1) })
        #expect(server.requests.count == 10)
        #expect(found.usage.promptTokens == 95)
        let nothing = try await embedder(server).embed([String]())
        #expect(nothing.vectors.isEmpty)
        #expect(server.requests.count == 10)
    }

    @Test func `each text is cached by itself, and by its bytes`() async throws {
        let server = try ScriptedServer(Self.answer)
        let embedder = embedder(server)
        _ = try await embedder.embed(["a", "\u{e9}"])
        let found = try await embedder.embed(["b", "a", "e\u{301}"])
        #expect(found.vectors == [[1, 0.5], [1, 0.5], [3, 0.5]])
        #expect(found.cached == 1)
        #expect(found.usage.promptTokens == 2)
        let all = try await embedder.embed(["a", "b"])
        #expect(all.cached == 2)
        #expect(all.cost == 0)
        #expect(server.requests.count == 2)
        let sum = embedder.gateway.ledger.models["openai/e"]
        #expect(sum?.calls == 3)
        #expect(sum?.cached == 1)
        #expect(sum?.promptTokens == 4)
    }

    @Test func `vectors outlive their gateway on disk`() async throws {
        try await withTemporaryDirectory { folder in
            let server = try ScriptedServer(Self.answer)
            let disk = LMCacheSettings.Disk(file: "\(folder)/a.sqlite")
            for round in 0..<2 {
                let gateway = LMGateway(cache: LMCacheSettings(disk: disk))
                let found = try await embedder(server, gateway: gateway).embed(["a", "bb"])
                #expect(found.vectors == [[1, 0.5], [2, 0.5]])
                #expect(found.cached == 2 * round)
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test(arguments: [
        ("no data", #"{"object":"list"}"#), ("too few", #"{"data":[{"embedding":[1]}]}"#),
        ("twice one", #"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#),
        ("beyond", #"{"data":[{"index":0,"embedding":[1]},{"index":9,"embedding":[1]}]}"#),
        ("below", #"{"data":[{"index":-1,"embedding":[1]},{"index":0,"embedding":[1]}]}"#),
        ("empty", #"{"data":[{"embedding":[]},{"embedding":[1]}]}"#),
        ("texts", #"{"data":[{"embedding":["1"]},{"embedding":[1]}]}"#),
        ("base64", #"{"data":[{"embedding":"AACAPw=="},{"embedding":[1]}]}"#),
        ("beyond a float", #"{"data":[{"embedding":[1e300]},{"embedding":[1]}]}"#),
        ("dimensions", #"{"data":[{"embedding":[1,2]},{"embedding":[1]}]}"#),
        ("half", #"{"data":[{"embedding":[1]},{"embe"#),
    ])
    func `nonsense is named and never a vector`(what: String, body: String) async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.response(body) }
        let gateway = LMGateway()
        let found = await failure(embedder(server, gateway: gateway), ["a", "b"])
        #expect(found?.kind == .malformedAnswer, "\(what)")
        #expect(found?.model == "openai/e")
        #expect(gateway.ledger.records.map(\.failure) == [.malformedAnswer])
    }

    @Test func `other dimensions than were asked for are an error`() async throws {
        let server = try ScriptedServer(Self.answer)
        let found = await failure(embedder(server, dimensions: 3), ["a"])
        #expect(found?.kind == .malformedAnswer)
        #expect(found?.message.contains("2 dimensions in the place of 3") == true)
    }

    @Test func `a transient error is tried again, a lasting one ends all batches`() async throws {
        let server = try ScriptedServer { request, before in
            before == 0
                ? ScriptedServer.response("{}", status: "500 No", headers: "Retry-After: 0\r\n")
                : Self.answer(request, before)
        }
        let found = try await embedder(server, retries: 1).embed(["a"])
        #expect(found.vectors == [[1, 0.5]])
        let refusing = try ScriptedServer { _, _ in
            ScriptedServer.response("{}", status: "401 No")
        }
        let texts = (0..<50).map { "\($0)" }
        let error = await failure(embedder(refusing, batch: 1), texts)
        #expect(error?.kind == .auth)
        #expect(refusing.requests.count < 50)
    }

    @Test func `what cannot be asked is refused before anything is sent`() async throws {
        let server = try ScriptedServer(Self.answer)
        for bad in [embedder(server, batch: 0), embedder(server, dimensions: 0)] {
            #expect(await failure(bad, ["a"])?.kind == .invalidRequest)
        }
        let other = Embedder("anthropic/e", apiBase: server.url, gateway: LMGateway())
        #expect(await failure(other, ["a"])?.kind == .unsupportedFeature)
        #expect(server.requests.isEmpty)
    }
}
