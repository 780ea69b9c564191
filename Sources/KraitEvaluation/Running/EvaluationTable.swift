import KraitWire

/// An evaluation's results in aligned columns.
struct EvaluationTable {
    private var headings = ["#"]
    private var lines: [[String]] = []
    private let width: Int

    init<Example: Encodable, Prediction: Encodable>(
        _ report: EvaluationReport<Example, Prediction>,
        width: Int
    ) throws {
        self.width = width
        let encoder = ValueEncoder()
        let pairs = try report.rows.map { row in
            let prediction = try row.prediction.map { try encoder.encode($0) }
            return (
                Self.fields(try encoder.encode(row.example), named: "example"),
                prediction.map { Self.fields($0, named: "prediction") }
            )
        }
        let inputs = Self.names(pairs.map(\.0))
        let outputs = Self.names(pairs.compactMap(\.1))
        let both = Set(inputs).intersection(outputs)
        headings += inputs.map { both.contains($0) ? "example_\($0)" : $0 }
        headings += outputs.map { both.contains($0) ? "pred_\($0)" : $0 }
        headings.append("score")
        for (index, row) in report.rows.enumerated() {
            let (example, prediction) = pairs[index]
            var line = ["\(index + 1)"]
            line += inputs.map { cell(example[$0]) }
            line += outputs.map { cell(prediction?[$0]) }
            line.append(row.failure == nil ? Self.number(row.score) : "failed")
            lines.append(line)
        }
    }

    /// The lines, each with its line break.
    var text: String {
        let all = [headings] + lines
        let widths = headings.indices.map { column in
            all.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        return all.reduce(into: "") { text, line in
            var row = ""
            for (column, cell) in line.enumerated() {
                let padding = widths[column] - cell.unicodeScalars.count
                let blanks = String(repeating: " ", count: padding)
                let isNumber = column == 0 || column == line.count - 1
                row += (column == 0 ? "" : "  ") + (isNumber ? blanks + cell : cell + blanks)
            }
            text += row + "\n"
        }
    }

    private static func fields(_ value: Value, named name: String) -> ValueMap {
        value.map ?? [name: value]
    }

    /// The names of all rows, each where it came first.
    private static func names(_ maps: [ValueMap]) -> [String] {
        var seen: Set<String> = []
        return maps.flatMap(\.keys).filter { seen.insert($0).inserted }
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    /// A value on one line, cut to the width.
    private func cell(_ value: Value?) -> String {
        let text =
            switch value {
            case nil, .null?: ""
            case .string(let text)?: text
            case let other?: (try? other.json()) ?? ""
            }
        let line = text.unicodeScalars.prefix(width + 1).map { scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: line.prefix(width))
        return line.count > width ? String(result.dropLast()) + "…" : String(result)
    }
}
