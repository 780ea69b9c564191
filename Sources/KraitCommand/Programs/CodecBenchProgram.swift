import Benchmarks
import KraitWire

/// `krait bench codecs`: each form of each content, one line each.
enum CodecBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) throws {
        let heading = [
            "content", "size", "form", "encode µs", "decode µs", "bytes", "pays below MB/s",
        ]
        if !request.json { try context.output.write(line(heading)) }
        try CodecBench(duration: request.time).run { figures in
            try context.output.write(request.json ? json(figures) : row(figures))
        }
    }

    private static func json(_ figures: CodecBench.Figures) -> String {
        var line: ValueMap = [
            "bench": "codecs",
            "content": .string(figures.content),
            "size": .int(Int64(figures.size)),
            "form": .string(figures.form),
            "encode_us": .double(figures.encode.rounded(toPlaces: 2)),
            "decode_us": .double(figures.decode.rounded(toPlaces: 2)),
            "bytes": .int(Int64(figures.bytes)),
            "n": .int(Int64(figures.n)),
        ]
        if let paysBelow = figures.paysBelow {
            line["pays_below_mb_per_s"] = .double(paysBelow.rounded(toPlaces: 1))
        }
        return line.line
    }

    private static func row(_ figures: CodecBench.Figures) -> String {
        line([
            figures.content, "\(figures.size)", figures.form,
            "\(figures.encode.rounded(toPlaces: 2))", "\(figures.decode.rounded(toPlaces: 2))",
            "\(figures.bytes)", figures.paysBelow.map { "\($0.rounded(toPlaces: 1))" } ?? "",
        ])
    }

    private static func line(_ cells: [String]) -> String {
        zip(cells, [8, 8, 13, 10, 10, 9, 15]).map { cell, width in
            cell + String(repeating: " ", count: max(0, width - cell.count))
        }
        .joined(separator: "  ") + "\n"
    }
}
