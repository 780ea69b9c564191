import KraitRouting
import KraitWire
import Testing

/// Changes the arguments on the way in and the value on the way out, so that the order shows.
private struct Stamp: Middleware {
    let name: String

    func intercept(
        _ call: Call,
        next: (Call) async throws(CallError) -> Reply
    ) async throws(CallError) -> Reply {
        var call = call
        call.arguments["in"] = .string((call.arguments["in"]?.string ?? "") + name)
        call.operation = "changed"
        call.options.route = .native
        var reply = try await next(call)
        if var map = reply.value.map {
            map["out"] = .string((map["out"]?.string ?? "") + name)
            reply.value = .map(map)
        }
        return reply
    }
}

/// Answers in the backend's place.
private struct Cache: Middleware {
    func intercept(
        _ call: Call,
        next: (Call) async throws(CallError) -> Reply
    ) async throws(CallError) -> Reply {
        Reply("cached", from: .native)
    }
}

/// Makes the call again once, if it fails.
private struct Again: Middleware {
    func intercept(
        _ call: Call,
        next: (Call) async throws(CallError) -> Reply
    ) async throws(CallError) -> Reply {
        do { return try await next(call) } catch { return try await next(call) }
    }
}

/// Carries what it is told to a stream, since the methods are synchronous.
private struct Recorder: RouteObserver {
    enum Event: Sendable {
        case ended(RouteDecision, Result<Reply.Source, CallError>)
        case refused(CallError)
    }
    let events: AsyncStream<Event>.Continuation

    func callEnded(_ decision: RouteDecision, _ outcome: Result<Reply.Source, CallError>) {
        events.yield(.ended(decision, outcome))
    }
    func callRefused(_ error: CallError) { events.yield(.refused(error)) }
}

@Suite(.timeLimit(.minutes(1)))
struct RouterTests {
    @Test func `a pool is asked for the operation without its specialisation`() async throws {
        let router = try RouteDecisionTests.router()
        let reply = try await router.call(Call("predict:Desk.Triage", ["x": 1]))
        #expect(reply.value == ["operation": "predict", "arguments": ["x": 1]])
        #expect(reply.source == .pool("general", worker: "general/1.1", codec: .messagePack))
    }

    @Test func `native code is asked for the call as it was made`() async throws {
        let router = try RouteDecisionTests.router()
        let reply = try await router.call(Call("predict:Desk.Polish"))
        #expect(reply.value["operation"] == "predict:Desk.Polish")
        #expect(reply.source == .native)
    }

    @Test func `a forced route is kept against the policy`() async throws {
        let router = try RouteDecisionTests.router()
        let options = CallOptions(route: .pool("neural"))
        let reply = try await router.call(Call("predict:Desk.Polish", options: options))
        #expect(reply.source == .pool("neural", worker: "neural/1.1", codec: .messagePack))
    }

    @Test func `middlewares wrap the backend and cannot change the route`() async throws {
        let registry = try RouteDecisionTests.router().registry
        let router = Router(registry: registry, middlewares: [Stamp(name: "a"), Stamp(name: "b")])
        let reply = try await router.call(Call("embed"))
        #expect(reply.value["arguments"] == ["in": "ab"])
        #expect(reply.value["operation"] == "embed")
        #expect(reply.value["out"] == "ba")
        #expect(reply.source == .pool("neural", worker: "neural/1.1", codec: .messagePack))
    }

    @Test func `a middleware can answer itself and can hand on twice`() async throws {
        let registry = try Registry(natives: [
            Registry.Native("fails", backend: Failing(error: CallError(.queueFull, "full")))
        ])
        let cached = Router(registry: registry, middlewares: [Again(), Cache()])
        #expect(try await cached.call(Call("fails")).value == "cached")
        let calls = Router(registry: registry, middlewares: [Again()])
        await #expect(throws: CallError(.queueFull, "full", operation: "fails")) {
            try await calls.call(Call("fails"))
        }
    }

    @Test func `an error gets the operation and the pool that it left out`() async throws {
        let bare = CallError(.workerCrashed, "gone", delivery: .unknown)
        let full = CallError(.faulted, "raised", operation: "inner", pool: "other")
        let registry = try Registry(pools: [
            Registry.Pool("a", operations: ["bare"], backend: Failing(error: bare)),
            Registry.Pool("b", operations: ["full"], backend: Failing(error: full)),
        ])
        let router = Router(registry: registry)
        let completed = await #expect(throws: CallError.self) {
            try await router.call(Call("bare"))
        }
        #expect(completed?.operation == "bare")
        #expect(completed?.pool == "a")
        #expect(completed?.delivery == .unknown)
        await #expect(throws: full) { try await router.call(Call("full")) }
    }

    @Test func `a decision comes with its reply and its measured duration`() async throws {
        let router = try RouteDecisionTests.router()
        let (reply, decision) = try await router.callDecided(Call("predict:Desk.Polish"))
        #expect(reply.source == .native)
        #expect(decision.chosen == .native)
        #expect((decision.duration ?? .zero) > .zero)
        let streaming = try await router.callDecided(Call("predict"), requiring: .streaming)
        #expect(streaming.decision.chosen == .pool("neural"))
    }

    @Test func `an observer is told of every call's end and of refusals`() async throws {
        let full = CallError(.queueFull, "full")
        let registry = try Registry(
            natives: [.mirror("search")],
            pools: [Registry.Pool("p", operations: ["full"], backend: Failing(error: full))]
        )
        let (events, continuation) = AsyncStream.makeStream(of: Recorder.Event.self)
        let router = Router(registry: registry, observer: Recorder(events: continuation))
        _ = try await router.call(Call("search"))
        await #expect(throws: CallError.self) { try await router.call(Call("full")) }
        await #expect(throws: CallError.self) { try await router.call(Call("none")) }
        continuation.finish()
        var ended: [(RouteDecision, Result<Reply.Source, CallError>)] = []
        var refused: [CallError] = []
        for await event in events {
            switch event {
            case .ended(let decision, let outcome): ended.append((decision, outcome))
            case .refused(let error): refused.append(error)
            }
        }
        #expect(ended.map(\.0.operation) == ["search", "full"])
        #expect(ended.map(\.0.chosen) == [.native, .pool("p")])
        #expect(ended.allSatisfy { $0.0.duration != nil })
        #expect(try ended[0].1.get() == .native)
        #expect(throws: CallError(.queueFull, "full", operation: "full", pool: "p")) {
            try ended[1].1.get()
        }
        #expect(refused.map(\.code) == [.unknownOperation])
    }
}

@Suite(.timeLimit(.minutes(1)))
struct NativeBackendTests {
    private struct Upset: Error, CustomStringConvertible { var description: String }

    @Test func `a closure answers with its value`() async throws {
        let backend = NativeBackend { arguments in
            .int(Int64(arguments.count))
        }
        let reply = try await backend.call(Call("count", ["a": 1, "b": 2]))
        #expect(reply.value == 2)
        #expect(reply.source == .native)
    }

    @Test func `what a closure throws is a fault whose text stays out of the description`()
        async throws
    {
        let backend = NativeBackend { _ in throw Upset(description: "secret payload") }
        let error = await #expect(throws: CallError.self) {
            try await backend.call(Call("count"))
        }
        #expect(error?.code == .faulted)
        #expect(error?.fault?.message == "secret payload")
        #expect(error?.fault?.type.hasSuffix("Upset") == true)
        #expect(error?.description.contains("secret") == false)
        #expect(error?.message.hasPrefix("The native code of count threw ") == true)
    }

    @Test func `a long text is cut where a fault's message ends`() async throws {
        let text = String(repeating: "äö", count: 5_000)
        let backend = NativeBackend { _ in throw Upset(description: text) }
        let error = await #expect(throws: CallError.self) {
            try await backend.call(Call("count"))
        }
        let message = try #require(error?.fault?.message)
        #expect(message.utf8.count <= 4_096)
        #expect(message.hasSuffix("…"))
        #expect(text.hasPrefix(message.dropLast()))
    }

    @Test func `a call's own error and a cancellation keep their codes`() async throws {
        let own = CallError(.invalidInput, "no question")
        let refusing = NativeBackend { _ in throw own }
        await #expect(throws: own) { try await refusing.call(Call("x")) }
        let cancelled = NativeBackend { _ in throw CancellationError() }
        let error = await #expect(throws: CallError.self) { try await cancelled.call(Call("x")) }
        #expect(error?.code == .cancelled)
    }
}
