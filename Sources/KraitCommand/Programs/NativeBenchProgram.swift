import Benchmarks
import KraitWire

/// `krait bench native`: native functions beside DSPy's, one line each.
enum NativeBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let bench = NativeBench(
            NativeBench.Settings(
                names: request.parts,
                duration: request.time,
                repetitions: request.repetitions
            )
        )
        if !request.json { try context.output.write(heading) }
        try await bench.run { figures in
            try context.output.write(request.json ? try json(figures) : row(figures))
        }
    }

    private static func json(_ figures: NativeBench.Figures) throws -> String {
        let line: Value = [
            "bench": .string(figures.bench),
            "native_us": .double(figures.native.rounded(toPlaces: 4)),
            "python_us": .double(figures.python.rounded(toPlaces: 3)),
            "pooled_us": .double(figures.pooled.rounded(toPlaces: 1)),
            "ratio": .double(figures.ratio.rounded(toPlaces: 1)),
            "n": .int(Int64(figures.n)),
        ]
        return try line.json() + "\n"
    }

    /// Written line by line, since each takes seconds: the widths are those of the names there are.
    private static let widths = [
        NativeBench.names.map(\.count).max() ?? 0, 10, 10, 10, 8,
    ]

    private static var heading: String {
        line(["bench", "native µs", "python µs", "pooled µs", "ratio"])
    }

    private static func row(_ figures: NativeBench.Figures) -> String {
        line([
            figures.bench, "\(figures.native.rounded(toPlaces: 3))",
            "\(figures.python.rounded(toPlaces: 1))", "\(figures.pooled.rounded(toPlaces: 0))",
            "\(figures.ratio.rounded(toPlaces: 1))",
        ])
    }

    private static func line(_ cells: [String]) -> String {
        var text = ""
        for (index, (cell, width)) in zip(cells, widths).enumerated() {
            let blanks = String(repeating: " ", count: max(0, width - cell.count))
            text += index == 0 ? cell + blanks : "  " + blanks + cell
        }
        return text + "\n"
    }
}
