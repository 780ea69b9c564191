import KraitPipelines
import KraitRouting
import KraitWire
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TraceTests {
    private static func router() throws -> Router {
        let native = NativeBackend { .string(($0["text"]?.string ?? "") + "!") }
        let full = NativeBackend { _ in throw CallError(.queueFull, "full") }
        return Router(
            registry: try Registry(
                natives: [Registry.Native("shout", backend: native)],
                pools: [Registry.Pool("general", operations: ["full"], backend: full)]
            )
        )
    }

    @Test func `each step is recorded with its route, its outcome and its place`() async throws {
        let trace = Trace()
        let pipeline = Pipeline("demo") {
            Ask(operation: "shout")
            Both(Pass(), Ask(operation: "shout"))
            Transform { (pair: (String, String)) in pair.1 }
        }
        #expect(try await pipeline.run("a", through: Self.router(), trace: trace) == "a!!")
        let steps = await trace.steps
        #expect(
            Set(steps.map { $0.path.joined(separator: "/") }) == [
                "demo", "demo/1 Ask(shout)", "demo/2 Both", "demo/2 Both/first Pass",
                "demo/2 Both/second Ask(shout)", "demo/3 Transform",
            ]
        )
        #expect(steps.first?.label == "demo")
        #expect(steps.allSatisfy { $0.failure == nil && $0.route == .native })
        let asked = try #require(steps.first { $0.label == "1 Ask(shout)" })
        #expect(asked.calls.map(\.operation) == ["shout"])
        #expect(asked.calls[0].decision?.reason == .only)
        #expect(asked.calls[0].source == .native)
        #expect(asked.calls[0].duration <= asked.duration)
        #expect(steps.first { $0.label == "3 Transform" }?.calls.isEmpty == true)
    }

    @Test func `a failed step says where it ran, and the steps around it failed too`() async throws
    {
        let trace = Trace()
        let pipeline = Pipeline("demo") {
            Ask(operation: "shout")
            Ask(operation: "full")
            Ask(operation: "shout")
        }
        await #expect(throws: CallError.self) {
            try await pipeline.run("a", through: Self.router(), trace: trace)
        }
        let steps = await trace.steps
        #expect(steps.map(\.label) == ["demo", "1 Ask(shout)", "2 Ask(full)"])
        #expect(steps.map(\.failure) == [.queueFull, nil, .queueFull])
        #expect(steps[2].route == .pool("general"))
        #expect(steps[2].calls[0].failure == .queueFull)
        #expect(steps[2].calls[0].decision == nil)
    }

    @Test func `no more steps are kept than the limit, and the others are counted`() async throws {
        let trace = Trace(limit: 3)
        let pipeline = Pipeline("many") { ForEach(width: 2) { Pass<Int>() } }
        _ = try await pipeline.run(Array(0..<10), through: Script.silent, trace: trace)
        #expect(await trace.steps.count == 3)
        #expect(await trace.omittedCount == 1 + 1 + 10 + 10 - 3)
    }

    @Test func `no more calls of a step are kept than a hundred`() async throws {
        struct Chatty: Step {
            let name = "Chatty"
            func run(_ input: Int, in context: RunContext) async throws(CallError) -> Int {
                for _ in 0..<input { _ = try await context.call(Call("shout")) }
                return input
            }
        }
        let trace = Trace()
        let pipeline = Pipeline("chat") { Chatty() }
        _ = try await pipeline.run(150, through: Self.router(), trace: trace)
        #expect(await trace.steps.last?.calls.count == 100)
    }
}
