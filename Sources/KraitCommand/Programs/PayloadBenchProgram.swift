import Benchmarks
import Krait

/// `krait bench payload`: runs the bench for each size, and prints it.
enum PayloadBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        for bytes in PayloadBench.sizes {
            let settings = PayloadBench.Settings(
                bytes: bytes,
                duration: request.time,
                repetitions: request.repetitions
            )
            let figures = try await PayloadBench(settings).run()
            for path in PayloadBench.Path.allCases {
                let mine = figures[path] ?? []
                let ratio = path.floor.map { PayloadBench.ratio(mine, figures[$0] ?? []) }
                try write(path, bytes, mine, ratio, json: request.json, context)
            }
        }
        let bench = NeighbourBench(duration: request.time, repetitions: request.repetitions)
        let beside = try await bench.run()
        for neighbour in NeighbourBench.Neighbour.allCases {
            try write(neighbour, bench.bytes, beside[neighbour] ?? [], json: request.json, context)
        }
    }

    /// The small calls of a pool beside a neighbour.
    private static func write(
        _ neighbour: NeighbourBench.Neighbour,
        _ bytes: Int,
        _ figures: [EchoBench.Figures],
        json: Bool,
        _ context: CommandContext
    ) throws {
        let p50 = median(figures.map(\.p50Microseconds)).rounded(toPlaces: 1)
        let p99 = median(figures.map(\.p99Microseconds)).rounded(toPlaces: 1)
        guard json else {
            return try context.output.write(
                "small calls, \(bytes) bytes in another pool (\(neighbour.rawValue)): "
                    + "p50 \(p50) us, p99 \(p99) us\n"
            )
        }
        let line: ValueMap = [
            "bench": "payload", "path": .string("neighbour.\(neighbour.rawValue)"),
            "bytes": .int(Int64(bytes)), "n": .int(Int64(figures.reduce(0) { $0 + $1.n })),
            "p50_us": .double(p50), "p99_us": .double(p99),
        ]
        try context.output.write(line.line)
    }

    private static func write(
        _ path: PayloadBench.Path,
        _ bytes: Int,
        _ figures: [EchoBench.Figures],
        _ ratio: Double?,
        json: Bool,
        _ context: CommandContext
    ) throws {
        let times = figures.map(\.p50Microseconds).sorted()
        guard !times.isEmpty else { return }
        let middle = times[times.count / 2]
        let slowest = figures.map(\.p99Microseconds).max() ?? middle
        // Both directions count.
        let rate = (2 * Double(bytes) / middle / 1_000).rounded(toPlaces: 2)
        guard json else {
            let share = ratio.map { "; \($0.rounded(toPlaces: 3)) of its floor's rate" } ?? ""
            return try context.output.write(
                "\(bytes) bytes, \(path.rawValue): p50 \(middle.rounded(toPlaces: 1)) us, "
                    + "\(rate) GB/s\(share)\n"
            )
        }
        var line: ValueMap = [
            "bench": "payload", "path": .string(path.rawValue), "bytes": .int(Int64(bytes)),
            "n": .int(Int64(figures.reduce(0) { $0 + $1.n })),
            "p50_us": .double(middle.rounded(toPlaces: 1)),
            "p99_us": .double(slowest.rounded(toPlaces: 1)),
            "gb_per_s": .double(rate),
        ]
        if let ratio { line["ratio"] = .double(ratio.rounded(toPlaces: 3)) }
        try context.output.write(line.line)
    }
}
