import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitLM

/// Real requests to a real server, which keeps to a script.
@Suite(.timeLimit(.minutes(2))) struct LMTests {
    private func lm(
        _ server: ScriptedServer,
        retries: Int = 0,
        cache: Bool = false,
        timeout: Duration = .seconds(30),
        gateway: LMGateway = LMGateway()
    ) -> LM {
        LM(
            "openai/m",
            apiBase: server.url,
            apiKey: "sk-secret-1234567",
            cache: cache,
            numRetries: retries,
            timeout: timeout,
            price: LMPrice(prompt: 1_000_000, completion: 2_000_000),
            gateway: gateway
        )
    }

    private func failure(_ lm: LM) async -> LMError? {
        do {
            _ = try await lm.complete(LMRequest("q"))
            return nil
        } catch { return error }
    }

    @Test func `a request is answered, with its tokens and its cost`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi") }
        let response = try await lm(server).complete(
            LMRequest(messages: [.user("q")], parameters: LMParameters(temperature: 0))
        )
        #expect(response.text == "Hi")
        #expect(response.usage == LMUsage(promptTokens: 3, completionTokens: 2, totalTokens: 5))
        #expect(response.cost == 7)
        let request = try #require(server.requests.first)
        #expect(request.path == "/v1/chat/completions")
        #expect(request.headers["authorization"] == "Bearer sk-secret-1234567")
        #expect(
            request.body
                == #"{"model":"m","messages":[{"role":"user","content":"q"}],"temperature":0.0}"#
        )
    }

    @Test func `requests after each other share a connection`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi") }
        let lm = lm(server)
        for _ in 0..<20 { _ = try await lm.complete(LMRequest("q")) }
        #expect(server.requests.count == 20)
        #expect(server.connections == 1)
    }

    @Test func `several hundred are in flight at once`() async throws {
        let server = try ScriptedServer { _, _ in
            [.wait(.milliseconds(300))] + ScriptedServer.answer("Hi")
        }
        let lm = lm(server)
        let texts = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<200 {
                group.addTask { try? await lm.complete(LMRequest("q")).text }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(texts.filter { $0 == "Hi" }.count == 200)
        #expect(server.connections == 200)
    }

    @Test(arguments: [
        ("401 Unauthorized", "auth"), ("403 Forbidden", "auth"), ("402 No", "billing"),
        ("400 Bad Request", "invalid_request"), ("404 Not Found", "invalid_request"),
        ("408 Late", "timeout"), ("429 Too Many", "rate_limit"), ("500 Oops", "server"),
        ("503 Busy", "server"), ("302 Elsewhere", "invalid_request"),
    ])
    func `a status becomes an error that quotes no key`(status: String, kind: String) async throws {
        let body = #"{"error":{"message":"no sk-secret-1234567 for you"}}"#
        let server = try ScriptedServer { _, _ in
            ScriptedServer.response(body, status: status, headers: "Location: http://x/\r\n")
        }
        let error = try #require(await failure(lm(server)))
        #expect(error.kind.rawValue == kind)
        #expect(error.model == "openai/m")
        #expect(!error.description.contains("for you"))
        #expect(error.debugDescription.contains("no ‹key› for you"))
    }

    @Test(arguments: [
        ("half a JSON", ScriptedServer.response(#"{"choices":[{"mess"#)),
        ("another type", ScriptedServer.response("<html>", type: "text/html")),
        ("no type", [.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]),
        ("no choices", ScriptedServer.response("{}")),
        ("empty choices", ScriptedServer.response(#"{"choices":[]}"#)),
        ("no message", ScriptedServer.response(#"{"choices":[{}]}"#)),
        (
            "content of a number",
            ScriptedServer.response(#"{"choices":[{"message":{"content":1}}]}"#)
        ),
        ("not UTF-8", ScriptedServer.response("{\"choices\":[\"\\ud800\"]}")),
        ("a list", ScriptedServer.response("[]")),
        ("a status of no kind", ScriptedServer.response("{}", status: "204 Nothing")),
    ])
    func `nonsense is named and never an answer`(
        what: String,
        steps: [ScriptedServer.Step]
    ) async throws {
        let server = try ScriptedServer { _, _ in steps }
        #expect(await failure(lm(server))?.kind == .malformedAnswer, "\(what)")
    }

    @Test func `a usage that is none is not told, and costs nobody knows what`() async throws {
        let usage = #"{"prompt_tokens":-3,"completion_tokens":"many","total_tokens":1.5}"#
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi", usage: usage) }
        let response = try await lm(server).complete(LMRequest("q"))
        #expect(response.usage == LMUsage())
        #expect(response.cost == nil)
    }

    @Test(arguments: [
        [ScriptedServer.Step.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), .close],
        [.close],
        [.send("what is this\r\n\r\n"), .close],
    ])
    func `a connection that breaks is a transport error`(
        steps: [ScriptedServer.Step]
    ) async throws {
        let server = try ScriptedServer { _, _ in steps }
        #expect(await failure(lm(server))?.kind == .transport)
    }

    @Test func `a refused connection is a transport error`() async throws {
        var server: ScriptedServer? = try ScriptedServer { _, _ in [] }
        let url = try #require(server?.url)
        server = nil
        let lm = LM("openai/m", apiBase: url, cache: false, numRetries: 0, gateway: LMGateway())
        #expect(await failure(lm)?.kind == .transport)
    }

    @Test func `a server that stalls costs no more than the time there is`() async throws {
        let isOver = Lock(false)
        let server = try ScriptedServer { _, _ in [.waitFor { isOver.withLock(\.self) }] }
        // Only the time there is ends this: the server waits for what comes after it.
        let error = await failure(lm(server, timeout: .milliseconds(200)))
        isOver.withLock { $0 = true }
        #expect(error?.kind == .timeout)
    }

    @Test func `an answer without end is cut off`() async throws {
        let server = try ScriptedServer { _, _ in
            let chunk = String(repeating: " ", count: 1 << 20)
            return [
                .send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"),
                .sendForEver(chunk),
            ]
        }
        let error = await failure(lm(server))
        #expect(error?.kind == .malformedAnswer)
        #expect(error?.message.contains("32 MiB") == true)
    }

    @Test func `a head without end is cut off`() async throws {
        let server = try ScriptedServer { _, _ in
            [.send("HTTP/1.1 200 OK\r\n"), .sendForEver("X-More: and more\r\n")]
        }
        #expect(await failure(lm(server))?.kind == .transport)
    }

    @Test func `a transient error is tried again after what the server asks for`() async throws {
        let server = try ScriptedServer { _, before in
            before < 2
                ? ScriptedServer.response("{}", status: "429 No", headers: "Retry-After: 0\r\n")
                : ScriptedServer.answer("Hi")
        }
        let response = try await lm(server, retries: 3).complete(LMRequest("q"))
        #expect(response.text == "Hi")
        #expect(server.requests.count == 3)
    }

    @Test func `rate limits for minutes are told at once`() async throws {
        let server = try ScriptedServer { _, _ in
            ScriptedServer.response("{}", status: "429 No", headers: "Retry-After: 600\r\n")
        }
        let error = await failure(lm(server, retries: 3))
        #expect(error?.kind == .rateLimited)
        #expect(error?.retryAfter == .seconds(600))
        #expect(error?.description.contains("ask again in 600 s") == true)
        #expect(server.requests.count == 1)
    }

    @Test func `a rate limit that goes on ends with the time there is`() async throws {
        let server = try ScriptedServer { _, _ in
            ScriptedServer.response("{}", status: "429 No", headers: "Retry-After: 0.05\r\n")
        }
        let error = await failure(lm(server, retries: 1_000_000, timeout: .seconds(1)))
        // Tries go on while there is time for one; the last reason is the error.
        #expect(error?.kind == .rateLimited || error?.kind == .timeout)
        #expect(error?.kind == .timeout || error?.description.contains("send fewer") == true)
    }

    @Test func `cancelling the task ends the request`() async throws {
        let server = try ScriptedServer { _, _ in [.wait(.seconds(20))] }
        let lm = lm(server)
        let error = await withTaskGroup(of: LMError?.self) { group in
            group.addTask { await failure(lm) }
            let hasCome = await eventually { server.requests.count == 1 }
            #expect(hasCome)
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.kind == .cancelled)
    }

    @Test func `without a key nothing is sent`() async throws {
        let lm = LM("openai/m", keyEnv: "KRAIT_NO_SUCH_KEY", gateway: LMGateway())
        let error = await failure(lm)
        #expect(error?.kind == .notConfigured)
        #expect(error?.message.contains("KRAIT_NO_SUCH_KEY") == true)
        #expect(await failure(LM("nobody/m", gateway: LMGateway()))?.kind == .notConfigured)
    }

    @Test func `no text of an LM shows its key`() {
        let lm = LM("openai/m", apiKey: "sk-secret-1234567")
        var dumped = ""
        dump(lm, to: &dumped)
        #expect(!"\(lm) \(String(reflecting: lm)) \(dumped)".contains("sk-secret"))
    }

    @Test func `several completions are asked for one by one`() async throws {
        let server = try ScriptedServer { _, _ in ScriptedServer.answer("Hi") }
        var request = LMRequest("q")
        request.n = 3
        let response = try await lm(server).complete(request)
        #expect(response.completions.count == 3)
        #expect(response.usage.totalTokens == 15)
        #expect(response.cost == 21)
    }
}
