import Krait
import KraitTestSupport
import KraitWire
import Testing

/// A running offline LM: real HTTP, no model inside.
struct OfflineLM: Sendable {
    /// The `api_base` of a client.
    let url: String
    /// Where it keeps what it is asked.
    let record: String

    /// The bodies of the requests, in their order.
    var asked: [Value] {
        get throws {
            try (wholeFile(record) ?? "").split(separator: "\n").map {
                try PlainJSON.decode(Array($0.utf8))
            }
        }
    }

    /// An adapter whose pool asks it.
    var adapter: Adapter { .dspy(model: "openai/offline", apiBase: url, settings: Self.settings) }

    /// One try each, so that injected faults are seen.
    static let settings: ValueMap = ["num_retries": 0]

    /// Runs `body` beside an offline LM with these arguments.
    static func running(
        _ arguments: String...,
        body: (OfflineLM) async throws -> Void
    ) async throws {
        try await running(arguments, body: body)
    }

    /// Runs `body` beside an offline LM with these arguments.
    static func running(
        _ arguments: [String],
        body: (OfflineLM) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let record = "\(folder)/asked.jsonl"
            let program = try Program(
                TestPools.interpreter,
                ["-m", "krait_worker.offline_lm", "--exit-with-parent", "--record", record]
                    + arguments,
                environment: TestPools.environment,
                folder: folder
            )
            let speaks = await eventually(within: .seconds(30)) {
                program.output.hasSuffix("\n") || RunningProcess(program.id) == nil
            }
            try #require(speaks, "\(program.errors)")
            let greeting = try Value(json: program.output)
            let url = try #require(greeting["url"]?.string)
            try await body(OfflineLM(url: url, record: record))
            withExtendedLifetime(program) {}
        }
    }
}

extension TestPools {
    /// A pool of DSPy workers; nil asks no LM by default.
    static func dspy(
        _ adapter: Adapter = .dspy(),
        workers: Int = 1,
        change: (inout PythonPool) -> Void = { _ in }
    ) -> PythonPool {
        echo("dspy", workers: workers) { pool in
            pool.adapter = adapter
            pool.timeout = .seconds(60)
            pool.startTimeout = .seconds(60)
            change(&pool)
        }
    }
}
