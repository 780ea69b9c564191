import KraitPipelines
import KraitRouting
import KraitWire
import Testing

private struct Odd: Error {}

@Suite(.timeLimit(.minutes(1)))
struct PipelineTests {
    @Test func `steps run in order, each on what the one before it gave`() async throws {
        let pipeline = Pipeline("numbers") {
            Transform { (text: String) in Int(text) ?? 0 }
            Transform { (number: Int) in [number, number + 1] }
            Transform { (numbers: [Int]) async in numbers.reduce(0, +) }
        }
        let sum: Int = try await pipeline.run("20", through: Script.silent)
        #expect(sum == 41)
    }

    @Test func `a step's call starts from the run's options`() async throws {
        let script = Script { call throws(CallError) in
            Reply(
                .string("\(call.arguments["text"]?.string ?? "") \(call.options.session ?? "")"),
                from: .native
            )
        }
        let pipeline = Pipeline("asks") {
            Ask(operation: "first")
            Ask(operation: "second")
        }
        let options = CallOptions(session: "s")
        #expect(try await pipeline.run("x", through: script, options: options) == "x s s")
    }

    @Test func `a condition takes one way and leaves the other`() async throws {
        let pipeline = Pipeline("ways") {
            When(\String.isEmpty) {
                Transform { (_: String) in 0 }
            } otherwise: {
                Transform { (text: String) in text.uppercased() }
                Transform { (text: String) in text.utf8.count }
            }
        }
        #expect(try await pipeline.run("", through: Script.silent) == 0)
        #expect(try await pipeline.run("abc", through: Script.silent) == 3)
    }

    @Test func `a condition can be a closure, and its other way nothing`() async throws {
        let shorten = Pipeline("shorten") {
            When(where: { (text: String) in text.count > 3 }) {
                Transform { (text: String) in String(text.prefix(3)) }
            } otherwise: {
                Pass<String>()
            }
            When(\String.isEmpty) { Transform { (_: String) in "nothing" } }
        }
        #expect(try await shorten.run("abcdef", through: Script.silent) == "abc")
        #expect(try await shorten.run("", through: Script.silent) == "nothing")
    }

    @Test func `a pipeline is a step of another, and its place is in the path`() async throws {
        let inner = Pipeline("inner") {
            Transform { (text: String) in text + "!" }
            Transform("breaks") { (text: String) throws -> String in
                if text == "bad!" { throw Odd() }
                return text
            }
        }
        let outer = Pipeline("outer") {
            Transform { (text: String) in text }
            When(\String.isEmpty) {
                Transform { (_: String) in "empty" }
            } otherwise: {
                inner
            }
        }
        #expect(try await outer.run("good", through: Script.silent) == "good!")
        let error = await #expect(throws: CallError.self) {
            try await outer.run("bad", through: Script.silent)
        }
        #expect(error?.path == ["outer", "2 When", "otherwise", "1 inner", "2 breaks"])
        #expect(error?.code == .faulted)
        #expect(error?.fault?.type.hasSuffix("Odd") == true)
        #expect(error?.description.contains("outer/2 When/otherwise/1 inner/2 breaks") == true)
    }

    @Test func `a closure that runs another pipeline continues the path`() async throws {
        let inner = Pipeline("inner") { Ask(operation: "fails") }
        let script = Script { _ throws(CallError) in throw CallError(.queueFull, "full") }
        let outer = Pipeline("outer") {
            Transform { (text: String) in try await inner.run(text, through: script) }
        }
        let error = await #expect(throws: CallError.self) {
            try await outer.run("x", through: Script.silent)
        }
        #expect(error?.path == ["outer", "1 Transform", "inner", "1 Ask(fails)"])
        #expect(error?.code == .queueFull)
    }

    @Test func `a mistake is found by validating, with its path`() throws {
        let pipeline = Pipeline("checks") {
            Ask(operation: "known")
            When(\String.isEmpty) {
                ForEachCharacter { Ask(operation: "unknown") }
            } otherwise: {
                Both(Ask(operation: "known"), Pass())
                Transform { (pair: (String, String)) in pair.0 }
            }
        }
        let script = Script { _ throws(CallError) in Reply(nil, from: .native) }
        try pipeline.validate(through: script)
        var knowing = script
        knowing.knows = { $0 == "known" }
        let error = #expect(throws: CallError.self) { try pipeline.validate(through: knowing) }
        #expect(error?.code == .unknownOperation)
        #expect(
            error?.path == [
                "checks", "2 When", "then", "1 characters", "2 ForEach", "each item",
                "1 Ask(unknown)",
            ]
        )
    }

    @Test func `a router is a caller whose mistakes are found by validating`() async throws {
        let native = NativeBackend { .string(($0["text"]?.string ?? "") + "!") }
        let registry = try Registry(natives: [Registry.Native("shout", backend: native)])
        let router = Router(registry: registry)
        let good = Pipeline("good") { Ask(operation: "shout") }
        try good.validate(through: router)
        #expect(try await good.run("hey", through: router) == "hey!")
        let bad = Pipeline("bad") { Ask(operation: "shuot") }
        let error = #expect(throws: CallError.self) { try bad.validate(through: router) }
        #expect(error?.path == ["bad", "1 Ask(shuot)"])
        #expect(error?.message.contains("did you mean shout?") == true)
    }

    @Test func `a cancelled run stops before its next step`() async throws {
        let pipeline = Pipeline("long") {
            Transform { (text: String) in
                withUnsafeCurrentTask { $0?.cancel() }
                return text
            }
            Ask(operation: "never")
        }
        let error = await #expect(throws: CallError.self) {
            try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await pipeline.run("x", through: Script.silent) }
                return try await group.next()
            }
        }
        #expect(error?.code == .cancelled)
        #expect(error?.path == ["long", "2 Ask(never)"])
    }
}

/// A step made of others, as a user would write one.
private struct ForEachCharacter: Step {
    let name = "characters"
    let steps: Pipeline<String, String>

    init(@PipelineBuilder _ body: () -> Steps<String, String>) {
        let body = body()
        steps = Pipeline("each") {
            Transform { (text: String) in text.map { String($0) } }
            ForEach(width: 2) { body }
            Transform { (texts: [String]) in texts.joined() }
        }
    }

    func run(_ input: String, in context: RunContext) async throws(CallError) -> String {
        try await steps.run(input, in: context)
    }

    func validate(in context: RunContext) throws(CallError) {
        try steps.validate(in: context)
    }
}
