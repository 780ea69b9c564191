import Krait
import KraitWire

/// Measures calls back into Swift, from Python and there again, beside plain calls.
package struct ToolBench: Sendable {
    package let codec: Codec
    package let repetitions: Int
    package let python: String?

    /// How many tool calls and plain calls one repetition makes.
    package static let calls = 3_000

    /// One repetition: medians in microseconds.
    package struct Figures: Sendable {
        /// Of a tool call, from a thread and from asyncio, as Python measures it.
        package var tool: Double
        package var asyncTool: Double
        /// Of a plain call: of an operation on the reader's thread, and of one on a thread.
        package var call: Double
        package var threadCall: Double
        /// Tool calls a second from 16 threads of one call.
        package var toolsPerSecond: Double
        /// Of a round trip between two bare loops, one in Swift and one in Python: below it neither
        /// kind of call can be.
        package var floor: Double
    }

    package init(codec: Codec = .messagePack, repetitions: Int = 3, python: String? = nil) {
        self.codec = codec
        self.repetitions = repetitions
        self.python = python
    }

    /// Runs all repetitions and tells each as it ends.
    package func run(onRepetition: @escaping @Sendable (Int, Figures) -> Void) async throws {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool("bench", adapter: .echo, slots: 4, python: python, codec: codec)
        }
        try await orchestrator.running { krait in
            try await krait.ready()
            let bare = EchoBench.Settings(
                window: 1,
                codec: codec,
                duration: .milliseconds(500),
                python: python
            )
            let floor = try EchoFloor(bare)
            defer { floor.close() }
            for number in 1...repetitions {
                let start = ContinuousClock.now
                let most = try await toolCalls("use_tool", atOnce: 16, krait)
                let elapsed = start.duration(to: .now) / .seconds(1)
                let figures = Figures(
                    tool: median(try await toolCalls("use_tool", krait)),
                    asyncTool: median(try await toolCalls("ause_tool", krait)),
                    call: try await plainCall("echo", EchoBench.arguments, krait),
                    threadCall: try await plainCall("pid", [:], krait),
                    toolsPerSecond: Double(most.count) / elapsed,
                    floor: try floor.measure().p50Microseconds
                )
                onRepetition(number, figures)
            }
        }
    }

    private func toolCalls(
        _ operation: String,
        atOnce: Int = 1,
        _ krait: Orchestrator
    ) async throws -> [Double] {
        let echo = Tool("echo", "Sends its arguments back.", parameters: [:]) { .map($0) }
        let reply = try await krait.call(
            operation,
            [
                "name": "echo", "arguments": .map(EchoBench.arguments),
                "times": .int(Int64(Self.calls)), "at_once": .int(Int64(atOnce)),
            ],
            tools: [echo]
        )
        return reply.value["nanoseconds"]?.list?.map { ($0.double ?? 0) / 1_000 } ?? []
    }

    private func plainCall(
        _ operation: String,
        _ arguments: ValueMap,
        _ krait: Orchestrator
    ) async throws -> Double {
        var latencies: [Double] = []
        var now = ContinuousClock.now
        for _ in 0..<Self.calls {
            _ = try await krait.call(operation, arguments)
            let then = ContinuousClock.now
            latencies.append(now.duration(to: then) / .microseconds(1))
            now = then
        }
        return median(latencies)
    }
}
