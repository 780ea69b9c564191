import Benchmarks
import Krait

/// `krait bench sessions`: what remembering costs.
enum SessionBenchProgram {
    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        let bench = SessionBench(parts: request.parts.filter(SessionBench.parts.contains))
        try await bench.run { part in
            let line = part.figures.map { ($0.0, $0.1.rounded(toPlaces: 2)) }
            do {
                if request.json {
                    var map: ValueMap = ["bench": "sessions", "part": .string(part.name)]
                    for (name, figure) in line { map[name] = .double(figure) }
                    try context.output.write(map.line)
                } else {
                    let text = line.map { "\($0.0) \($0.1)" }.joined(separator: "  ")
                    try context.output.write("\(part.name): \(text)\n")
                }
            } catch {
                // Nobody reads it any more.
            }
        }
    }
}
