import KraitObservability
import KraitPipelines
import KraitRouting
import KraitWire
import Testing

/// Pipelines behind their names: values in, values out.
@Suite(.timeLimit(.minutes(1))) struct NamedPipelineTests {
    private struct Order: Codable, Sendable { var item: String, count: Int }

    private func named<Output: Encodable & Sendable>(
        _ pipeline: Pipeline<Order, Output>
    ) -> NamedPipeline {
        NamedPipeline(
            pipeline,
            read: { value throws(SignatureCoding.Misfit) in
                try SignatureCoding.read(Order.self, from: value)
            },
            write: { output throws(SignatureCoding.Misfit) in
                try SignatureCoding.anyValue(of: output)
            }
        )
    }

    @Test func `values are read and written as the pipeline's types`() async throws {
        let pipeline = named(
            Pipeline("double") {
                Transform { (order: Order) in Order(item: order.item, count: order.count * 2) }
            }
        )
        let output = try await pipeline.run(["item": "tea", "count": 2], through: Script.silent)
        #expect(output == ["item": "tea", "count": 4])
        #expect([pipeline.types.input, pipeline.types.output] == ["Order", "Order"])
        #expect(pipeline.plan.text == "double\n└─ 1 Transform\n")
    }

    @Test func `an input that does not fit is told by its place, without its value`() async throws {
        let pipeline = named(Pipeline("count") { Transform { (order: Order) in order.count } })
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(["item": "tea", "count": "secret"], through: Script.silent)
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.path == ["count"])
        #expect(error?.message.contains("count") == true)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func `an output that JSON cannot carry is told`() async throws {
        struct Sly: Encodable, Sendable {
            struct Refusal: Error {}
            func encode(to encoder: any Encoder) throws { throw Refusal() }
        }
        let pipeline = named(Pipeline("sly") { Transform { (_: Order) in Sly() } })
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(["item": "tea", "count": 1], through: Script.silent)
        }
        #expect(error?.code == .invalidOutput)
    }

    @Test func `the outputs of a run's own steps are told, and those of parts are not`() async {
        let told = Lock<[String]>([])
        let listener = RunListener(output: { path, output in
            told.withLock { $0.append("\(path.joined(separator: "/")): \(output)") }
        })
        let pipeline = Pipeline<Int, Int>("sums") {
            Transform("add") { (number: Int) in number + 1 }
            Timeout(.seconds(60)) { Transform("double") { (number: Int) in number * 2 } }
            Transform("fail") { (_: Int) -> Int in throw CallError(.faulted, "no") }
        }
        await #expect(throws: CallError.self) {
            try await pipeline.run(1, through: Script.silent, listener: listener)
        }
        #expect(told.withLock { $0 } == ["sums/1 add: 2", "sums/2 Timeout: 4"])
    }

    @Test func `a trace has what an answer tells of its usage`() async throws {
        let script = Script { _ throws(CallError) in
            let usage: Value = [
                "openai/a": ["prompt_tokens": 10, "completion_tokens": 2, "cost": 0.5],
                "openai/b": ["prompt_tokens": 1, "completion_tokens": 1],
            ]
            return Reply(["outputs": [:], "usage": usage], from: .native)
        }
        let trace = Trace()
        let pipeline = Pipeline("ask") { Ask(operation: "predict") }
        _ = try await pipeline.run("x", through: script, trace: trace)
        let calls = await trace.steps.flatMap(\.calls)
        let expected = CallUsage(promptTokens: 11, completionTokens: 3, cost: 0.5)
        #expect(calls.map(\.usage) == [expected])
        let sum = expected + CallUsage(promptTokens: 1)
        #expect(sum == CallUsage(promptTokens: 12, completionTokens: 3, cost: 0.5))
    }

    @Test(arguments: [.null, [:], "12", ["prompt_tokens": 1]] as [Value])
    func `what is no usage is none`(value: Value) {
        let usage = CallUsage(value)
        #expect(usage == nil || usage == CallUsage())
    }
}
