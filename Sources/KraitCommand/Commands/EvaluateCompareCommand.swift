import KraitEvaluation
import KraitWire

/// `krait evaluate compare`: what has changed from one evaluation to another.
enum EvaluateCompareCommand {
    static let before = Argument.positional("BEFORE", "an output of `krait evaluate`")
    static let after = Argument.positional("AFTER", "a later output, of the same examples")
    static let rows = Argument.option(
        "rows",
        "N",
        .integer(0...10_000),
        default: 10,
        "how many of the rows that got worse, and of those that got better, are shown"
    )
    static let failIfWorse = Argument.flag(
        "fail-if-worse",
        "end with 6 where the later one is worse, and that hardly by chance"
    )

    static let command = Command(
        name: "compare",
        summary: "say what has changed between two evaluations",
        discussion: """
            Compares two outputs of `krait evaluate` over the same examples, row by row: the \
            means, how many rows got better and worse and which, between what the difference lies \
            with 95 % confidence (a paired bootstrap), and how likely so uneven a split is by \
            chance (a sign test). Rows that failed have their failure score. No daemon is asked.

            A row that only one of them has is left out, and said. Where a row is another example \
            in the other file, nothing is compared.
            """,
        parameters: [
            before.parameter, after.parameter, rows.parameter, failIfWorse.parameter,
            jsonFlag.parameter,
        ],
        examples: [
            .init(
                text: "krait evaluate compare base.jsonl new.jsonl --fail-if-worse",
                meaning: "for CI: ends with 6 where the new one is surely worse"
            )
        ],
        exitCodes: [.failed, .belowThreshold],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let pairing = try EvaluatedPairs(
            EvaluatedRows(arguments[before]),
            EvaluatedRows(arguments[after])
        )
        if arguments[jsonFlag] {
            try context.write(json: pairing.value)
        } else {
            try context.output.write(pairing.text(rows: arguments[rows]))
        }
        let isWorse = pairing.comparison.verdict == .worse
        return isWorse && arguments[failIfWorse] ? .belowThreshold : .ok
    }
}

/// Two evaluations of the same examples, row beside row.
struct EvaluatedPairs {
    let before: EvaluatedRows
    let after: EvaluatedRows
    /// The rows that both have.
    let numbers: [Int]
    let comparison: EvaluationComparison

    init(_ before: EvaluatedRows, _ after: EvaluatedRows) throws {
        self.before = before
        self.after = after
        numbers = before.numbers.filter { after.rows[$0] != nil }
        for number in numbers where before.rows[number]?.digest != after.rows[number]?.digest {
            throw CommandFailure(
                .failed,
                "row \(number) of \(after.path) is another example than in \(before.path); only "
                    + "evaluations of the same input can be compared"
            )
        }
        guard !numbers.isEmpty else {
            throw CommandFailure(.failed, "\(before.path) and \(after.path) have no row in common")
        }
        comparison = EvaluationComparison(
            before: numbers.compactMap { before.rows[$0]?.score },
            after: numbers.compactMap { after.rows[$0]?.score }
        )
    }

    /// The rows whose score has changed, those that changed most first.
    func changed(isWorse: Bool) -> [Int] {
        let changes = numbers.compactMap { number -> (number: Int, by: Double)? in
            guard let old = before.rows[number]?.score, let new = after.rows[number]?.score,
                isWorse ? new < old : new > old
            else { return nil }
            return (number, abs(new - old))
        }
        return changes.sorted { ($1.by, $0.number) < ($0.by, $1.number) }.map(\.number)
    }

    var value: Value {
        func rows(_ numbers: [Int]) -> Value { .list(numbers.map { .int(Int64($0)) }) }
        func side(_ rows: EvaluatedRows, _ score: Double) -> Value {
            [
                "file": .string(rows.path), "rows": .int(Int64(rows.rows.count)),
                "failures": .int(Int64(rows.failures)), "score": .double(score),
            ]
        }
        return [
            "before": side(before, comparison.before), "after": side(after, comparison.after),
            "compared": .int(Int64(comparison.count)),
            "difference": .double(comparison.difference),
            "interval": [
                .double(comparison.interval.lowerBound), .double(comparison.interval.upperBound),
            ],
            "sign_test_p": .double(comparison.signTest),
            "verdict": .string(comparison.verdict.rawValue),
            "same": .int(Int64(comparison.same)),
            "worse": rows(changed(isWorse: true)), "better": rows(changed(isWorse: false)),
        ]
    }

    func text(rows count: Int) -> String {
        var table = TextTable(["", "score", "rows", "failed", "file"], rightAligned: [1, 2, 3])
        for (name, side, score) in [
            ("before", before, comparison.before), ("after", after, comparison.after),
        ] {
            table.add([name, "\(score)", "\(side.rows.count)", "\(side.failures)", side.path])
        }
        var text = table.text + "\n"
        let only = before.rows.count + after.rows.count - 2 * numbers.count
        if only > 0 { text += "\(only) rows are in one of them only, and left out\n" }
        let (low, high) = (comparison.interval.lowerBound, comparison.interval.upperBound)
        text += """
            \(signed(comparison.difference)) points, between \(signed(low)) and \(signed(high)) \
            with 95 % confidence: \(verdict)
            \(comparison.better) better, \(comparison.worse) worse, \(comparison.same) the same; \
            by chance as uneven with p = \(comparison.signTest.rounded(toPlaces: 4))

            """
        for isWorse in [true, false] { text += self.rows(isWorse: isWorse, count) }
        return text
    }

    private var verdict: String {
        switch comparison.verdict {
        case .better: "better"
        case .worse: "worse"
        case .unclear: "may be chance"
        }
    }

    private func signed(_ points: Double) -> String {
        let rounded = points.rounded(toPlaces: 2)
        return rounded < 0 ? "\(rounded)" : "+\(abs(rounded))"
    }

    private func rows(isWorse: Bool, _ count: Int) -> String {
        let changed = changed(isWorse: isWorse)
        guard !changed.isEmpty, count > 0 else { return "" }
        let kind = isWorse ? "worse" : "better"
        var table = TextTable(
            [kind, "before", "after", "example", "prediction before", "prediction after"],
            rightAligned: [0, 1, 2]
        )
        for number in changed.prefix(count) {
            guard let old = before.rows[number], let new = after.rows[number] else { continue }
            table.add(
                [
                    "\(number)", EvaluationTable.number(old.score),
                    EvaluationTable.number(new.score), old.example, old.prediction, new.prediction,
                ]
            )
        }
        let rest = changed.count - min(count, changed.count)
        return "\n" + table.text + (rest > 0 ? "and \(rest) more\n" : "")
    }
}
