import Benchmarks
import Krait

/// `krait bench echo`: runs the bench for each combination that was asked for, and prints it.
enum EchoBenchProgram {
    /// What is measured where the command line does not say.
    static let workers = [1, 2]
    static let windows = [1, 64, 1_000]

    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        for workers in request.workers.map({ [$0] }) ?? workers {
            for window in request.window.map({ [$0] }) ?? windows {
                let settings = EchoBench.Settings(
                    workers: workers,
                    window: window,
                    codec: request.codec ?? .messagePack,
                    duration: request.time,
                    repetitions: request.repetitions
                )
                try await measure(settings, json: request.json, context)
            }
        }
    }

    private static func measure(
        _ settings: EchoBench.Settings,
        json: Bool,
        _ context: CommandContext
    ) async throws {
        if !json {
            try context.output.write(
                "echo, \(settings.workers) worker(s), window \(settings.window), "
                    + "\(settings.codec.name)\n"
            )
        }
        let pairs = try await EchoBench(settings).run { number, pair in
            guard json else { return }
            for (path, figures) in [("krait", pair.krait), ("floor", pair.floor)] {
                let line = line(path, figures, settings, ["repetition": .int(Int64(number))])
                try? context.output.write(line)
            }
        }
        let summary = EchoBench.Summary(pairs)
        if json {
            try context.output.write(line("ratio", summary, settings))
        } else {
            try context.output.write(table(summary))
        }
    }

    private static func parameters(_ path: String, _ settings: EchoBench.Settings) -> ValueMap {
        [
            "bench": "echo",
            "path": .string(path),
            "workers": .int(Int64(settings.workers)),
            "window": .int(Int64(settings.window)),
            "codec": .string(settings.codec.name),
        ]
    }

    private static func line(
        _ path: String,
        _ figures: EchoBench.Figures,
        _ settings: EchoBench.Settings,
        _ more: ValueMap
    ) -> String {
        var line = parameters(path, settings)
        for (key, value) in more.entries { line[key] = value }
        line.add(figures)
        return line.line
    }

    /// The medians of the pairs: Krait over its floor.
    private static func line(
        _ path: String,
        _ summary: EchoBench.Summary,
        _ settings: EchoBench.Settings
    ) -> String {
        var line = parameters(path, settings)
        line["n"] = .int(Int64(summary.pairs))
        line["calls_per_s"] = .double(summary.callsPerSecond.rounded(toPlaces: 3))
        line["p50_us"] = .double(summary.p50.rounded(toPlaces: 3))
        line["p99_us"] = .double(summary.p99.rounded(toPlaces: 3))
        return line.line
    }

    private static func table(_ summary: EchoBench.Summary) -> String {
        var table = TextTable(["path", "calls/s", "p50 µs", "p99 µs"], rightAligned: [1, 2, 3])
        for (path, figures) in [("krait", summary.krait), ("floor", summary.floor)] {
            table.add([
                path,
                "\(Int(figures.callsPerSecond))",
                "\(figures.p50Microseconds.rounded(toPlaces: 1))",
                "\(figures.p99Microseconds.rounded(toPlaces: 1))",
            ])
        }
        table.add([
            "krait / floor",
            "\(summary.callsPerSecond.rounded(toPlaces: 2))",
            "\(summary.p50.rounded(toPlaces: 2))",
            "\(summary.p99.rounded(toPlaces: 2))",
        ])
        return table.text
    }
}
