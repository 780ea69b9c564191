import KraitObservability
import KraitPipelines
import KraitRouting
import KraitWire
import Testing

/// A caller that streams two chunks before each answer.
private struct Streaming: Caller {
    func call(_ call: Call) async throws(CallError) -> Reply {
        Reply(.string("plain \(call.operation)"), from: .native)
    }

    func callStreaming(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(CallError) -> Void
    ) async throws(CallError) -> RoutedReply {
        for piece in ["a", "b"] { try await receive(.string("\(call.operation) \(piece)")) }
        return RoutedReply(Reply(.string("streamed \(call.operation)"), from: .native))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    private func chunks(
        of pipeline: Pipeline<String, String>
    ) async throws -> (output: String, chunks: [Value]) {
        let chunks = Lock<[Value]>([])
        let listener = RunListener(chunk: { chunk in chunks.withLock { $0.append(chunk) } })
        let output = try await pipeline.run("x", through: Streaming(), listener: listener)
        return (output, chunks.withLock { $0 })
    }

    @Test func `the last step streams, through whatever it stands in`() async throws {
        let last = Pipeline("inner") { Ask(operation: "last") }
        let pipelines = [
            Pipeline("plain") {
                Ask(operation: "first")
                Ask(operation: "last")
            },
            Pipeline("nested") {
                Ask(operation: "first")
                When(where: { (text: String) in text.isEmpty }) {
                    Ask(operation: "other")
                } otherwise: {
                    Timeout(.seconds(3_600)) { last }
                }
            },
        ]
        for pipeline in pipelines {
            let (output, chunks) = try await chunks(of: pipeline)
            #expect(output == "streamed last")
            #expect(chunks == ["last a", "last b"])
        }
    }

    @Test func `what may be asked twice, or has something after it, does not stream`() async throws
    {
        let retried = Pipeline("retried") { Retry(attempts: 2) { Ask(operation: "ask") } }
        let raced = Pipeline("raced") { Race(Ask(operation: "ask"), Ask(operation: "ask")) }
        let followed = Pipeline("followed") {
            Timeout(.seconds(3_600)) { Ask(operation: "ask") }
            Pass<String>()
        }
        for pipeline in [retried, raced, followed] {
            let (output, chunks) = try await chunks(of: pipeline)
            #expect(output == "plain ask")
            #expect(chunks.isEmpty)
        }
    }

    @Test func `a listener that throws ends the run`() async throws {
        let pipeline = Pipeline("plain") { Ask(operation: "last") }
        let listener = RunListener(chunk: { _ throws(CallError) in
            throw CallError(.cancelled, "nobody listens")
        })
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", through: Streaming(), listener: listener)
        }
        #expect(error?.code == .cancelled)
        #expect(error?.path == ["plain", "1 Ask(last)"])
    }

    @Test func `each step tells when it begins and how it ends`() async throws {
        let events = Lock<[String]>([])
        let listener = RunListener(step: { event in
            let line =
                switch event {
                case .began(let path): "began " + path.joined(separator: "/")
                case .ended(let path, _, let failure):
                    "ended \(path.joined(separator: "/")) \(failure?.rawValue ?? "well")"
                }
            events.withLock { $0.append(line) }
        })
        let script = Script { _ throws(CallError) in throw CallError(.queueFull, "full") }
        let pipeline = Pipeline("tells") {
            Pass<String>()
            Ask(operation: "ask")
        }
        await #expect(throws: CallError.self) {
            try await pipeline.run("x", through: script, listener: listener)
        }
        #expect(
            events.withLock { $0 } == [
                "began tells", "began tells/1 Pass", "ended tells/1 Pass well",
                "began tells/2 Ask(ask)", "ended tells/2 Ask(ask) queue_full",
                "ended tells queue_full",
            ]
        )
    }
}

struct PlanTests {
    private let pipeline = Pipeline("support") {
        Predict("message -> urgency, reply", on: "general")
        Both(Pass(), Template("{{ reply }}"))
        Transform { (both: (ValueMap, String)) in both.1 }
        Retry(attempts: 2) { Ask(operation: "polish") }
    }

    @Test func `a plan is drawn as a tree`() {
        #expect(
            pipeline.plan().text == """
                support
                ├─ 1 Predict(message -> urgency, reply)  predict on pool general
                ├─ 2 Both
                │  ├─ first Pass
                │  └─ second Template
                ├─ 3 Transform
                └─ 4 Retry                               at most 2 attempts
                   └─ each attempt
                      └─ 1 Ask(polish)

                """
        )
    }

    @Test func `a plan is drawn for Graphviz`() {
        let dot = Pipeline("a \"b\"") {
            Pass<String>()
            Both(Pass<String>(), Pass<String>())
            Transform { (pair: (String, String)) in pair.0 }
        }.plan().dot
        #expect(
            dot == """
                digraph {
                  rankdir=LR; node [shape=box, fontname="sans-serif"];
                  subgraph cluster_0 {
                  label="a \\"b\\"";
                  n1 [label="1 Pass"];
                  subgraph cluster_2 {
                  label="2 Both";
                  n3 [label="first Pass"];
                  n4 [label="second Pass"];
                  }
                  n5 [label="3 Transform"];
                  }
                  n1 -> n3;
                  n1 -> n4;
                  n3 -> n5;
                  n4 -> n5;
                }

                """
        )
    }
}
