import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// Pipelines of a Swift program that serves, reached by the built `krait`.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PipelineDaemonTests {
    private struct Order: Codable, Sendable, Equatable { var item: String, count: Int }

    /// A program's whole life: this process serves it while `body` runs.
    private func serving(
        _ name: String,
        @OrchestratorBuilder _ parts: () -> [OrchestratorPart],
        _ body: @escaping @Sendable (CommandLab) async throws -> Void
    ) async throws {
        try await CommandLab.open { lab in
            let settings = OrchestratorSettings(runDirectory: lab.runDirectory)
            let program = Orchestrator(name: name, settings: settings, parts: parts)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await program.run() }
                let isUp = await eventually {
                    do throws(CallError) {
                        _ = try program.explain("nothing")
                        return true
                    } catch {
                        return error.code == .unknownOperation
                    }
                }
                #expect(isUp)
                try await body(lab)
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            #expect(lab.remains == [])
        }
    }

    private var orders: Pipeline<Order, String> {
        Pipeline("orders") {
            Transform("double") { (order: Order) in Order(item: order.item, count: order.count * 2)
            }
            Template("{{ count }} × {{ item }}", of: Order.self)
        }
    }

    @Test func `a program's pipelines are listed, drawn and run by its name`() async throws {
        try await serving("desk") {
            orders
            Native("greet") { .string("hello \($0["name"]?.string ?? "")") }
        } _: { lab in
            let input = #"{"item": "tea", "count": 2}"#
            let run = try await lab.krait("run", "orders", input, "--trace", "--name", "desk")
            #expect(run.output == "4 × tea\n", "\(run.errors)")
            #expect(run.errors.contains("├─ 1 double"))
            #expect(run.errors.contains("└─ 2 Template"))
            let list = try await lab.krait("pipelines", "--name", "desk")
            #expect(list.output.contains("orders    Order  String  1 double, 2 Template"))
            let plan = try await lab.krait("pipelines", "--plan", "orders", "--name", "desk")
            #expect(plan.output == "orders\n├─ 1 double\n└─ 2 Template\n")
            let call = try await lab.krait("call", "greet", #"{"name": "you"}"#, "--name", "desk")
            #expect(call.output == "\"hello you\"\n")
            let wrong = try await lab.krait("run", "orders", "[1]", "--json", "--name", "desk")
            #expect(wrong.code == 1)
            #expect(wrong.json?["error"]?["code"] == "invalid_input")
            let runs = try await lab.krait("runs", "--json", "--name", "desk")
            #expect(runs.json?["runs"]?.list?.count == 2)
            let status = try await lab.krait("status", "--json", "--name", "desk")
            #expect(
                status.json?["pipelines"]
                    == [["name": "orders", "running": 0, "done": 1, "failed": 1]]
            )
            #expect(status.json?["pid"]?.int == Int(getpid()))
        }
    }

    @Test func `Ctrl-C of a run cancels it in the program`() async throws {
        let cancelled = Lock(0)
        let waiting = Pipeline<Int, Int>("waiting") {
            Transform("wait") { (number: Int) in
                let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in stream {}
                withExtendedLifetime(continuation) {}
                if Task.isCancelled { cancelled.withLock { $0 += 1 } }
                try Task.checkCancellation()
                return number
            }
            Pass<Int>()
        }
        try await serving("desk") {
            waiting
        } _: { lab in
            let run = try lab.start(["run", "waiting", "1", "--name", "desk"])
            let hasBegun = await eventually { await Self.running(lab) == 1 }
            #expect(hasBegun)
            kill(run.id, SIGINT)
            _ = try await run.end()
            let isCancelled = await eventually { cancelled.withLock { $0 } == 1 }
            #expect(isCancelled)
            let late = try await lab.krait(
                "run",
                "waiting",
                "1",
                "--deadline",
                "50ms",
                "--json",
                "--name",
                "desk"
            )
            #expect(late.json?["error"]?["code"] == "deadline_exceeded")
            #expect(late.json?["error"]?["path"] == ["waiting", "1 wait"])
            #expect(cancelled.withLock { $0 } == 2)
        }
    }

    private static func running(_ lab: CommandLab) async -> Int? {
        let status = try? await lab.krait("status", "--json", "--name", "desk")
        return status?.json?["pipelines"]?.list?.first?["running"]?.int
    }

    @Test func `a pipeline runs over the rows of a file`() async throws {
        try await serving("desk") {
            orders
        } _: { lab in
            let input = "\(lab.folder)/rows.jsonl"
            let rows = (1...50).map { "{\"item\": \"tea\", \"count\": \($0)}\n" }.joined()
            try rows.write(toFile: input, atomically: true, encoding: .utf8)
            let output = "\(lab.folder)/out.jsonl"
            let run = try await lab.krait(
                "run",
                "orders",
                "--input",
                input,
                "--output",
                output,
                "--name",
                "desk"
            )
            #expect(run.code == 0, "\(run.errors)")
            let answers = (wholeFile(output) ?? "").split(separator: "\n").map {
                try? Value(json: String($0))
            }
            #expect(answers.count == 50)
            #expect(
                answers.allSatisfy { $0?["value"]?.string == "\(2 * ($0?["row"]?.int ?? 0)) × tea" }
            )
        }
    }

    @Test func `a pipeline that names what nobody offers keeps the program from starting`() async {
        let program = Orchestrator(name: "desk") {
            Native("predict") { _ in [:] }
            Pipeline<ValueMap, ValueMap>("support") {
                Predict("question -> answer")
                ChainOfThought("answer -> reply")
            }
        }
        let error = await #expect(throws: CallError.self) { try await program.running { _ in } }
        #expect(error?.code == .unknownOperation)
        #expect(error?.path.first == "support")
        #expect(error?.path.last?.hasPrefix("2 ChainOfThought(") == true)
        #expect(error?.message.contains("the operations are: predict.") == true)
    }

    @Test func `what a pool does not offer is found when it is ready`() async throws {
        let program = Orchestrator(name: "desk") {
            TestPools.echo("echo")
            Pipeline<ValueMap, ValueMap>("support") { Predict("question -> answer") }
        }
        let error = await #expect(throws: CallError.self) {
            try await program.running { krait in try await krait.ready() }
        }
        #expect(error?.code == .unknownOperation)
        #expect(error?.path.last?.hasPrefix("1 Predict(") == true)
    }

    @Test(arguments: ["", "a/b", ".hidden", "-x", String(repeating: "x", count: 65)])
    func `a name that is no folder's is refused before anything starts`(name: String) async {
        let program = Orchestrator(name: name) { orders }
        let error = await #expect(throws: CallError.self) { try await program.run() }
        #expect(error?.code == .invalidInput)
    }

    @Test func `two pipelines of one name are refused`() async {
        let program = Orchestrator(name: "desk") {
            orders
            orders
        }
        let error = await #expect(throws: CallError.self) { try await program.running { _ in } }
        #expect(error?.message.contains("two pipelines are named `orders`") == true)
    }

    @Test func `a program runs its pipelines by name, and says what it does not have`() async throws
    {
        let program = Orchestrator(name: "desk") { orders }
        #expect(program.pipelines.map(\.label) == ["orders"])
        try await program.running { krait in
            let text = try await krait.run("orders", ["item": "tea", "count": 1])
            #expect(text == "2 × tea")
            let error = await #expect(throws: CallError.self) {
                try await krait.run("order", .null)
            }
            #expect(error?.code == .unknownPipeline)
            #expect(error?.message.contains("did you mean `orders`?") == true)
        }
    }

    @Test func `middlewares see each call, the first part outermost`() async throws {
        struct Note: Middleware {
            let name: String
            let seen: Lock<[String]>

            func intercept(
                _ call: Call,
                next: (Call) async throws(CallError) -> Reply
            ) async throws(CallError) -> Reply {
                seen.withLock { $0.append("\(name) \(call.operation)") }
                var call = call
                call.arguments[name] = true
                return try await next(call)
            }
        }
        let seen = Lock<[String]>([])
        let program = Orchestrator(name: "desk") {
            Note(name: "outer", seen: seen)
            Note(name: "inner", seen: seen)
            Native("echo") { .map($0) }
        }
        let reply = try await program.running { try await $0.call("echo") }
        #expect(reply.value == ["outer": true, "inner": true])
        #expect(seen.withLock { $0 } == ["outer echo", "inner echo"])
    }
}
