import Benchmarks
import Krait

/// `krait bench route`: what a route decision costs, for each policy.
enum RouteBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        try await RouteBench().run { figures in
            let line: [(String, Double)] = [
                ("decision_us", figures.decision.rounded(toPlaces: 3)),
                ("routed_us", figures.routed.rounded(toPlaces: 3)),
                ("direct_us", figures.direct.rounded(toPlaces: 3)),
            ]
            if request.json {
                var map: ValueMap = ["bench": "route", "policy": .string(figures.policy.rawValue)]
                for (name, figure) in line { map[name] = .double(figure) }
                try context.output.write(map.line)
            } else {
                let text = line.map { "\($0.0) \($0.1)" }.joined(separator: "  ")
                try context.output.write("\(figures.policy.rawValue): \(text)\n")
            }
        }
    }
}

/// `krait bench pipeline`: what a pipeline adds to its steps.
enum PipelineBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let bench = PipelineBench(duration: request.time, repetitions: request.repetitions)
        try await bench.run { number, figures in
            let added = figures.added / figures.call * 100
            let line: [(String, Double)] = [
                ("native_step_us", figures.nativeStep.rounded(toPlaces: 2)),
                ("traced_step_us", figures.tracedStep.rounded(toPlaces: 2)),
                ("call_p50_us", figures.call.rounded(toPlaces: 1)),
                ("step_added_p50_us", figures.added.rounded(toPlaces: 2)),
                ("added_percent", added.rounded(toPlaces: 2)),
                ("fan_out_elements", Double(PipelineBench.fanOutSize.elements)),
                ("fan_out_width", Double(PipelineBench.fanOutSize.width)),
                ("fan_out_element_us", figures.fanOutElement.rounded(toPlaces: 2)),
                ("fan_out_peak_mib", figures.fanOutMemory.rounded(toPlaces: 1)),
            ]
            try context.report("pipeline", .messagePack, number, line, json: request.json)
        }
    }
}
