import KraitEvaluation
import KraitSignatures

/// Metrics of a prediction against one answer or several.
enum MetricsCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        let prediction = try row.required("pred")
        let answers: [String]
        switch row["gold"] {
        case .string(let text)?: answers = [text]
        case .list(let items)?: answers = items.compactMap(\.string)
        default: throw ParityRow.malformed("gold")
        }
        let precision = answers.map { Metrics.precision(prediction, against: $0) }
        let results: [(String, PythonValue)]
        do throws(MetricError) {
            let partial = try Metrics.answerExactMatch(prediction, against: answers, fraction: 0.5)
            results = [
                ("em", .bool(try Metrics.exactMatch(prediction, against: answers))),
                ("f1", score(try Metrics.f1(prediction, against: answers))),
                ("hotpot_f1", score(try Metrics.hotPotF1(prediction, against: answers))),
                ("precision", score(precision.max() ?? 0)),
                (
                    "answer_exact_match",
                    .bool(try Metrics.answerExactMatch(prediction, against: answers))
                ),
                ("answer_match_frac_0.5", .bool(partial)),
                (
                    "answer_passage_match",
                    .bool(Metrics.answerPassageMatch([prediction], against: answers))
                ),
            ]
        } catch {
            return try ParityRow.compare("exception", "ValueError", with: row.errorClass)
        }
        for (name, value) in results {
            guard let expected = row[name] else { throw ParityRow.malformed(name) }
            try ParityRow.compare(name, value, with: expected)
        }
        guard let normalized = row.row("normalized") else { return }
        try ParityRow.compare(
            "normalized.pred",
            Metrics.normalize(prediction),
            with: normalized.text("pred")
        )
        let golds = PythonValue.list(answers.map { .string(Metrics.normalize($0)) })
        try ParityRow.compare("normalized.gold", golds, with: normalized["gold"] ?? .none)
    }

    /// A score as DSPy returns it: the integer 0 where nothing matches.
    private static func score(_ value: Double) -> PythonValue {
        value == 0 ? .int(0) : .float(value)
    }
}
