import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitLM

/// Streams, the cache, calls that are one, and the ledger, with a real server.
@Suite(.timeLimit(.minutes(2))) struct GatewayTests {
    private func lm(
        _ server: ScriptedServer,
        _ gateway: LMGateway = LMGateway(),
        cache: Bool = true,
        timeout: Duration = .seconds(30)
    ) -> LM {
        LM(
            "openai/m",
            apiBase: server.url,
            cache: cache,
            numRetries: 0,
            timeout: timeout,
            gateway: gateway
        )
    }

    private static func chunk(_ text: String) -> ScriptedServer.Step {
        .send("data: {\"choices\":[{\"delta\":{\"content\":\"\(text)\"}}]}\n\n")
    }

    private static let end: [ScriptedServer.Step] = [
        .send("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
        .send("data: [DONE]\n\n"), .close,
    ]

    private func read(_ stream: LMStream) async -> (texts: [String], outcome: String) {
        var texts: [String] = []
        do {
            for try await event in stream {
                switch event {
                case .text(let text): texts.append(text)
                case .end(let response): return (texts, response.text ?? "")
                default: break
                }
            }
            return (texts, "no end")
        } catch { return (texts, error.kind.rawValue) }
    }

    // MARK: Streams

    @Test func `an answer comes in pieces, and is found again whole`() async throws {
        let server = try ScriptedServer { _, _ in
            [.send(ScriptedServer.streamHead), Self.chunk("a"), Self.chunk("b")] + Self.end
        }
        let lm = lm(server)
        let found = await read(lm.stream(LMRequest("q")))
        #expect(found.texts == ["a", "b"])
        #expect(found.outcome == "ab")
        let again = try await lm.complete(LMRequest("q"))
        #expect(again.text == "ab")
        #expect(again.isCached)
        #expect(server.requests.count == 1)
        #expect(lm.gateway.ledger.models["openai/m"]?.cached == 1)
    }

    @Test(arguments: [
        ("malformed_answer", [ScriptedServer.Step.close]),
        ("malformed_answer", [.send("data: {half\n\n"), .close]),
        ("server", [.send("data: {\"error\":{\"message\":\"x\"}}\n\n"), .close]),
        ("malformed_answer", [.sendForEver(String(repeating: "x", count: 65_536))]),
        ("malformed_answer", [.sendForEver(": \(String(repeating: "x", count: 65_536))\n\n")]),
        ("timeout", [.wait(.seconds(20))]),
    ])
    func `a stream that goes wrong ends with its reason`(
        kind: String,
        steps: [ScriptedServer.Step]
    ) async throws {
        let server = try ScriptedServer { _, _ in
            [.send(ScriptedServer.streamHead), Self.chunk("a")] + steps
        }
        let timeout: Duration = .seconds(kind == "timeout" ? 8 : 30)
        let lm = lm(server, timeout: timeout)
        let found = await read(lm.stream(LMRequest("q")))
        #expect(found.texts == ["a"])
        #expect(found.outcome == kind)
        #expect(lm.gateway.ledger.records.map(\.failure?.rawValue) == [kind])
    }

    @Test(arguments: [
        #""usage":{"prompt_tokens":-3,"completion_tokens":"many","total_tokens":1.5}"#,
        #""usage":"a lot""#, #""usage":[1]"#, #""usage":{"cost":-1}"#, #""usage":{"cost":"1"}"#,
    ])
    func `a stream's usage that is none is not told`(usage: String) async throws {
        let server = try ScriptedServer { _, _ in
            [
                .send(ScriptedServer.streamHead), Self.chunk("a"),
                .send("data: {\"choices\":[],\(usage)}\n\n"),
            ] + Self.end
        }
        let lm = lm(server)
        #expect(await read(lm.stream(LMRequest("q"))).outcome == "a")
        let record = try #require(lm.gateway.ledger.records.last)
        #expect(record.usage == LMUsage())
        #expect(record.cost == nil)
        #expect(record.failure == nil)
    }

    @Test func `where a stream was asked for, an answer of another type is none`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("whole") }
        let outcome = await read(lm(server).stream(LMRequest("q"))).outcome
        #expect(outcome == "malformed_answer")
    }

    @Test func `leaving a stream ends its request`() async throws {
        let server = try ScriptedServer { _, _ in
            [.send(ScriptedServer.streamHead), Self.chunk("a"), .sendForEver(": more\n")]
        }
        let gateway = LMGateway()
        for try await _ in lm(server, gateway).stream(LMRequest("q")) { break }
        #expect(await eventually { gateway.ledger.records.map(\.failure) == [.cancelled] })
    }

    // MARK: The cache

    @Test func `an equal request is answered from the cache, another roll is not`() async throws {
        let server = try ScriptedServer { _, before in ScriptedServer.answer("\(before)") }
        let lm = lm(server)
        func ask(_ rollout: Int?, cache: Bool? = nil) async throws -> LMResponse {
            var request = LMRequest("q")
            (request.rolloutID, request.cache) = (rollout, cache)
            return try await lm.complete(request)
        }
        let texts = [
            try await ask(nil).text, try await ask(nil).text, try await ask(1).text,
            try await ask(2).text, try await ask(1).text, try await ask(nil, cache: false).text,
            try await ask(nil).text,
        ]
        #expect(texts == ["0", "0", "1", "2", "1", "3", "0"])
        let cached = try await ask(nil)
        #expect(cached.isCached)
        #expect(cached.usage == LMUsage())
        #expect(cached.cost == 0)
    }

    @Test func `equal requests at once are one, and errors are not kept`() async throws {
        let server = try ScriptedServer { _, before in
            before == 0
                ? ScriptedServer.response("{}", status: "400 No")
                : [.wait(.milliseconds(200))] + ScriptedServer.answer("\(before)")
        }
        let lm = lm(server)
        #expect((try? await lm.complete(LMRequest("q"))) == nil)
        let texts = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<50 {
                group.addTask { try? await lm.complete(LMRequest("q")).text }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(texts == Array(repeating: "1", count: 50))
        #expect(server.requests.count == 2)
    }

    @Test func `one who is cancelled leaves the others their answer`() async throws {
        let server = try ScriptedServer { _, before in
            [.wait(.milliseconds(300))] + ScriptedServer.answer("\(before)")
        }
        let lm = lm(server)
        let text = await withTaskGroup(of: String?.self) { group in
            let first = group.addTaskUnlessCancelled {
                await withTaskGroup(of: Void.self) { inner in
                    inner.addTask { _ = try? await lm.complete(LMRequest("q")) }
                    _ = await eventually { server.requests.count == 1 }
                    inner.cancelAll()
                }
                return nil
            }
            #expect(first)
            _ = await eventually { server.requests.count == 1 }
            group.addTask { try? await lm.complete(LMRequest("q")).text }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        #expect(text == "1" || text == "0")
    }

    // MARK: Workers

    @Test func `a worker's body is sent on as it is`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi") }
        let body: ValueMap = [
            "model": "openai/m", "messages": [["role": "user", "content": "q"]],
            "temperature": 0.5,
        ]
        let answer = await lm(server).answer(
            worker: ["model": "openai/m", "body": .map(body), "cache": false],
            WorkerStreams()
        )
        #expect(answer["body"]?["choices"]?.list?[0]["message"]?["content"] == "Hi")
        let sent = try #require(server.requests.first?.body)
        var expected = body
        expected["model"] = "m"
        #expect(try PlainJSON.decode(Array(sent.utf8)) == .map(expected))
    }

    @Test func `a worker is told why there is no answer`() async throws {
        let server = try ScriptedServer { _, _ in
            ScriptedServer.response(
                #"{"error":{"message":"slow down"}}"#,
                status: "429 No",
                headers: "Retry-After: 2\r\n"
            )
        }
        let arguments: ValueMap = [
            "model": "openai/m", "body": ["messages": [["role": "user", "content": "q"]]],
        ]
        let told = await lm(server).answer(worker: arguments, WorkerStreams())["error"]
        #expect(told?["code"] == "rate_limit")
        #expect(told?["status"] == 429)
        #expect(told?["retry_after"] == 2.0)
        #expect(told?["detail"] == "slow down")
        let nonsense = await lm(server).answer(worker: ["body": 1], WorkerStreams())
        #expect(nonsense["error"]?["code"] == "invalid_request")
    }

    private static let asked: ValueMap = [
        "model": "openai/m", "body": ["messages": [["role": "user", "content": "q"]]],
        "stream": true,
    ]

    @Test func `a worker reads a stream piece by piece, while it goes on`() async throws {
        let goesOn = Lock(false)
        let server = try ScriptedServer { _, _ in
            [
                .send(ScriptedServer.streamHead), Self.chunk("a"),
                .waitFor { goesOn.withLock { $0 } },
            ]
                + [Self.chunk("b")] + Self.end
        }
        let (lm, streams) = (lm(server), WorkerStreams())
        let first = await lm.answer(worker: Self.asked, streams)
        #expect(first["events"] == [["text": "a"]])
        let number = try #require(first["stream"]?.int)
        goesOn.withLock { $0 = true }
        var (events, body): ([Value], Value?) = ([], nil)
        while body == nil {
            let piece = await lm.answer(worker: ["next": .int(Int64(number))], streams)
            events += piece["events"]?.list ?? []
            try #require(piece["error"] == nil)
            body = piece["body"]
        }
        #expect(events == [["text": "b"]])
        #expect(body?["choices"]?.list?[0]["message"]?["content"] == "ab")
        let over = await lm.answer(worker: ["next": .int(Int64(number))], streams)
        #expect(over["error"]?["code"] == "invalid_request")
    }

    @Test func `a call's streams end with it, and are not too many`() async throws {
        let server = try ScriptedServer { _, _ in
            [.send(ScriptedServer.streamHead), Self.chunk("a"), .sendForEver(": more\n")]
        }
        let gateway = LMGateway()
        let lm = lm(server, gateway, cache: false)
        var streams: WorkerStreams? = WorkerStreams()
        for _ in 0..<LMLimits.workerStreams {
            _ = await lm.answer(worker: Self.asked, try #require(streams))
        }
        let more = await lm.answer(worker: Self.asked, try #require(streams))
        #expect(more["error"]?["code"] == "invalid_request")
        streams = nil
        let count = LMLimits.workerStreams
        #expect(await eventually { gateway.ledger.records.count == count })
        #expect(Set(gateway.ledger.records.map(\.failure)) == [.cancelled])
    }

    // MARK: The ledger

    @Test func `the ledger is bounded, and its sums are not`() {
        var ledger = LMLedger(limit: 16)
        let response = LMResponse(
            model: "m",
            completions: [],
            usage: LMUsage(promptTokens: 2, completionTokens: 1),
            cost: 0.5
        )
        let cost = LMRecord.Cost(response)
        for _ in 0..<100 { ledger.took(LMRecord("a/m", after: .seconds(1), .success(cost))) }
        ledger.took(LMRecord("a/m", after: .seconds(1), .failure(LMError(.auth, "x"))))
        #expect((16...18).contains(ledger.records.count))
        #expect(ledger.records.last?.failure == .auth)
        let sum = ledger.models["a/m"]
        #expect(sum?.calls == 101)
        #expect(sum?.failures == 1)
        #expect(sum?.promptTokens == 200)
        #expect(sum?.cost == 50)
        for number in 0..<2_000 {
            ledger.took(LMRecord("\(number)", after: .zero, .success(cost)))
        }
        #expect(ledger.models.count == LMLedger.mostGroups + 1)
        #expect(ledger.models[LMLedger.others]?.calls == 1_001)
    }

    @Test func `the ledger knows who asked, natively or from a pool`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi") }
        let gateway = LMGateway()
        let lm = lm(server, gateway, cache: false)
        _ = try await lm.complete(LMRequest("q"))
        var origin = CallOrigin()
        origin.run = "7f"
        origin.path = ["support", "1 Predict"]
        origin.operation = "predict"
        origin.session = "s"
        try await CallOrigin.$current.withValue(origin) {
            _ = try await lm.complete(LMRequest("q"))
            let context = ToolContext(
                tool: LM.toolName,
                operation: "react",
                session: nil,
                deadline: nil,
                pools: ["general"]
            )
            try await ToolContext.$current.withValue(context) {
                _ = try await lm.complete(LMRequest("q"))
            }
        }
        let records = gateway.ledger.records
        #expect(records.map(\.operation) == [nil, "predict", "react"])
        #expect(records.map(\.step) == [nil, "support/1 Predict", "support/1 Predict"])
        #expect(records.map(\.pool) == [nil, nil, "general"])
        #expect(records.map(\.run) == [nil, "7f", "7f"])
        #expect(gateway.ledger.sums(by: .session).mapValues(\.calls) == ["-": 1, "s": 2])
        #expect(
            gateway.ledger.sums(by: .step).mapValues(\.calls) == ["-": 1, "support/1 Predict": 2]
        )
    }
}
