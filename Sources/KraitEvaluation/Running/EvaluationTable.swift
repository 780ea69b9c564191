import KraitWire

/// An evaluation's results in aligned columns.
package struct EvaluationTable {
    /// One example's line.
    package struct Row: Sendable {
        package let number: Int
        package let example: ValueMap
        package let prediction: ValueMap?
        /// Nil where the example failed.
        package let score: Double?

        package init(number: Int, example: ValueMap, prediction: ValueMap?, score: Double?) {
            self.number = number
            self.example = example
            self.prediction = prediction
            self.score = score
        }
    }

    private var headings = ["#"]
    private var lines: [[String]] = []

    /// A table whose texts are cut to the width.
    package init(_ rows: [Row], width: Int) {
        let inputs = Self.names(rows.map(\.example))
        let outputs = Self.names(rows.compactMap(\.prediction))
        let both = Set(inputs).intersection(outputs)
        headings += inputs.map { both.contains($0) ? "example_\($0)" : $0 }
        headings += outputs.map { both.contains($0) ? "pred_\($0)" : $0 }
        headings.append("score")
        for row in rows {
            var line = ["\(row.number)"]
            line += inputs.map { Self.cell(row.example[$0], width: width) }
            line += outputs.map { Self.cell(row.prediction?[$0], width: width) }
            line.append(row.score.map(Self.number) ?? "failed")
            lines.append(line)
        }
    }

    init<Example: Encodable, Prediction: Encodable>(
        _ report: EvaluationReport<Example, Prediction>,
        width: Int
    ) throws {
        let encoder = ValueEncoder()
        let rows = try report.rows.enumerated().map { index, row in
            Row(
                number: index + 1,
                example: Self.fields(try encoder.encode(row.example), named: "example"),
                prediction: try row.prediction.map {
                    Self.fields(try encoder.encode($0), named: "prediction")
                },
                score: row.failure == nil ? row.score : nil
            )
        }
        self.init(rows, width: width)
    }

    /// The lines, each with its line break.
    package var text: String {
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

    /// With four decimals at most.
    package static func number(_ value: Double) -> String {
        guard abs(value) < 1e11 else { return "\(value)" }
        let rounded = (value * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// A value on one line, cut to the width.
    package static func cell(_ value: Value?, width: Int) -> String {
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
