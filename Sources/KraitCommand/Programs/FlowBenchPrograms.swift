import Benchmarks
import Krait

/// `krait bench streams`: chunks a second, and how old a chunk is when Swift has it.
enum StreamBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let codec = request.codec ?? .messagePack
        let bench = StreamBench(.init(codec: codec, repetitions: request.repetitions))
        try await bench.run { number, figures in
            func quantile(_ sorted: [Double], _ share: Double) -> Double {
                sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)]
            }
            let (first, spaced) = (figures.firstMicroseconds, figures.spacedMicroseconds)
            let line: [(String, Double)] = [
                ("chunks_per_s", figures.chunksPerSecond.rounded()),
                ("async_chunks_per_s", figures.asyncChunksPerSecond.rounded()),
                ("first_p50_us", quantile(first, 0.5).rounded(toPlaces: 1)),
                ("first_p99_us", quantile(first, 0.99).rounded(toPlaces: 1)),
                ("chunk_p50_us", quantile(spaced, 0.5).rounded(toPlaces: 1)),
                ("chunk_p99_us", quantile(spaced, 0.99).rounded(toPlaces: 1)),
                ("streams_1000_chunks_per_s", figures.manyChunksPerSecond.rounded()),
                ("floor_chunks_per_s", figures.floorChunksPerSecond.rounded()),
            ]
            try? context.report("streams", codec, number, line, json: request.json)
        }
    }
}

/// `krait bench tools`: a call back into Swift beside a plain call.
enum ToolBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let codec = request.codec ?? .messagePack
        let bench = ToolBench(codec: codec, repetitions: request.repetitions)
        try await bench.run { number, figures in
            let line: [(String, Double)] = [
                ("tool_p50_us", figures.tool.rounded(toPlaces: 1)),
                ("async_tool_p50_us", figures.asyncTool.rounded(toPlaces: 1)),
                ("call_p50_us", figures.call.rounded(toPlaces: 1)),
                ("thread_call_p50_us", figures.threadCall.rounded(toPlaces: 1)),
                ("tool_to_call", (figures.tool / figures.call).rounded(toPlaces: 2)),
                ("tool_to_thread_call", (figures.tool / figures.threadCall).rounded(toPlaces: 2)),
                ("tools_per_s", figures.toolsPerSecond.rounded()),
                ("floor_p50_us", figures.floor.rounded(toPlaces: 1)),
            ]
            try? context.report("tools", codec, number, line, json: request.json)
        }
    }
}

/// `krait bench lm`: a language model's call beside the model.
enum LMBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let bench = LMBench(repetitions: request.repetitions)
        try await bench.run { number, figures in
            let ideal = Double(LMBench.window * 1_000 / LMBench.latency)
            let line: [(String, Double)] = [
                ("swift_p50_us", figures.swift.rounded(toPlaces: 1)),
                ("worker_direct_p50_us", figures.direct.rounded(toPlaces: 1)),
                ("worker_gateway_p50_us", figures.gateway.rounded(toPlaces: 1)),
                ("memory_hit_p50_us", figures.hit.rounded(toPlaces: 1)),
                ("disk_hit_p50_us", figures.diskHit.rounded(toPlaces: 1)),
                ("window_1000_calls_per_s", figures.many.callsPerSecond.rounded()),
                ("share_of_ideal", (figures.many.callsPerSecond / ideal).rounded(toPlaces: 3)),
                ("call_cpu_us", figures.many.processorMicroseconds.rounded(toPlaces: 1)),
            ]
            try? context.report("lm", .messagePack, number, line, json: request.json)
        }
    }
}

/// `krait bench predict`: a native prediction beside DSPy's.
enum PredictBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let bench = PredictBench(repetitions: request.repetitions, duration: request.time)
        try await bench.run { number, figures in
            let ideal = Double(PredictBench.window * 1_000 / PredictBench.latency)
            let line: [(String, Double)] = [
                ("native_us", figures.native.rounded(toPlaces: 1)),
                ("python_us", figures.python.rounded(toPlaces: 1)),
                ("pooled_us", figures.pooled.rounded(toPlaces: 1)),
                ("ratio", (figures.python / figures.native).rounded(toPlaces: 1)),
                ("window_1000_calls_per_s", figures.nativeCallsPerSecond.rounded()),
                ("share_of_ideal", (figures.nativeCallsPerSecond / ideal).rounded(toPlaces: 3)),
                ("pooled_window_1000_calls_per_s", figures.pooledCallsPerSecond.rounded()),
            ]
            try? context.report("predict", .messagePack, number, line, json: request.json)
        }
    }
}

extension CommandContext {
    /// Prints the figures of one repetition.
    func report(
        _ bench: String,
        _ codec: Codec,
        _ number: Int,
        _ figures: [(String, Double)],
        json: Bool
    ) throws {
        guard json else {
            let text = figures.map { "\($0) \($1)" }.joined(separator: ", ")
            return try output.write("\(bench), \(codec.name): \(text)\n")
        }
        var line: ValueMap = [
            "bench": .string(bench), "codec": .string(codec.name), "n": .int(Int64(number)),
        ]
        for (name, figure) in figures { line[name] = .double(figure) }
        try output.write(line.line)
    }
}
