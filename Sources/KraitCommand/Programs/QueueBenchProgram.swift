import Benchmarks
import Krait

/// `krait bench queue`: runs the bench for each number of workers, and prints it.
enum QueueBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        for workers in request.workers.map({ [$0] }) ?? EchoBenchProgram.workers {
            let settings = QueueBench.Settings(
                workers: workers,
                codec: request.codec ?? .messagePack,
                duration: request.time,
                repetitions: request.repetitions
            )
            try await measure(settings, json: request.json, context)
        }
    }

    private static func measure(
        _ settings: QueueBench.Settings,
        json: Bool,
        _ context: CommandContext
    ) async throws {
        if !json {
            try context.output.write(
                "queue, \(settings.workers) worker(s) of \(QueueBench.slots) slots, "
                    + "\(settings.codec.name)\n"
            )
        }
        let pairs = try await QueueBench(settings).run { number, pair in
            for (queued, figures) in [
                (QueueBench.short, pair.short), (QueueBench.long, pair.long),
            ] {
                if json {
                    var line = parameters(settings, queued: queued)
                    line["repetition"] = .int(Int64(number))
                    line.add(figures)
                    try? context.output.write(line.line)
                } else {
                    let rate = Int(figures.callsPerSecond)
                    try? context.output.write("\(queued) queued: \(rate) calls/s\n")
                }
            }
        }
        let ratio = QueueBench.ratio(pairs).rounded(toPlaces: 3)
        if json {
            var line = parameters(settings, queued: QueueBench.long)
            line["path"] = "ratio"
            line["n"] = .int(Int64(pairs.count))
            line["calls_per_s"] = .double(ratio)
            try context.output.write(line.line)
        } else {
            try context.output.write("long / short: \(ratio)\n")
        }
    }

    private static func parameters(_ settings: QueueBench.Settings, queued: Int) -> ValueMap {
        [
            "bench": "queue",
            "path": "krait",
            "workers": .int(Int64(settings.workers)),
            "slots": .int(Int64(QueueBench.slots)),
            "queued": .int(Int64(queued)),
            "codec": .string(settings.codec.name),
        ]
    }
}
