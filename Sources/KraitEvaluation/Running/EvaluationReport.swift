import Foundation
import KraitWire

/// What an evaluation found, example by example.
public struct EvaluationReport<Example: Sendable, Prediction: Sendable>: Sendable {
    /// One example's result.
    public struct Row: Sendable {
        /// What was predicted for.
        public let example: Example
        /// What was predicted; nil where that failed.
        public let prediction: Prediction?
        /// What the metric said, or the evaluation's `failureScore`.
        public let score: Double
        /// The text of the error; nil for a success.
        public let failure: String?
        /// How long prediction and score took together.
        public let duration: Duration

        init(
            example: Example,
            prediction: Prediction?,
            score: Double,
            failure: String? = nil,
            duration: Duration
        ) {
            self.example = example
            self.prediction = prediction
            self.score = score
            self.failure = failure
            self.duration = duration
        }
    }

    /// The results in the order of the examples.
    public let rows: [Row]

    /// The mean score in percent with two decimals, as DSPy reports it; 0 for no examples.
    public var score: Double {
        EvaluationScore.percent(rows.reduce(0) { $0 + $1.score }, of: rows.count)
    }

    /// How many examples failed.
    public var failures: Int { rows.count { $0.failure != nil } }

    /// This evaluation beside an earlier one of the same examples in the same order.
    ///
    /// Throws `EvaluationError.differentExamples` where they are not as many.
    public func compared(
        with earlier: EvaluationReport
    ) throws(EvaluationError) -> EvaluationComparison {
        guard earlier.rows.count == rows.count else {
            throw .differentExamples(earlier.rows.count, rows.count)
        }
        return EvaluationComparison(
            before: earlier.rows.map(\.score),
            after: rows.map(\.score)
        )
    }
}

package enum EvaluationScore {
    /// A hundredth of a percent, rounded as Python rounds: the exact value, halves to even.
    package static func percent(_ total: Double, of count: Int) -> Double {
        guard count > 0 else { return 0 }
        let share = 100 * total / Double(count)
        return share.isFinite ? Double(String(format: "%.2f", share)) ?? share : share
    }
}

extension EvaluationReport where Example: Encodable, Prediction: Encodable {
    /// The report as one value, for files and other programs.
    ///
    /// A map of `score`, `count`, `failures` and `results`; each result has `example`,
    /// `prediction`, `score`, `seconds` and, where it failed, `failure`. Throws where an example or
    /// a prediction has no wire value.
    public var value: Value {
        get throws {
            let encoder = ValueEncoder()
            var results: [Value] = []
            for row in rows {
                var result: ValueMap = ["example": try encoder.encode(row.example)]
                result["prediction"] = try row.prediction.map { try encoder.encode($0) } ?? .null
                result["score"] = .double(row.score)
                result["seconds"] = .double(row.duration / .seconds(1))
                if let failure = row.failure { result["failure"] = .string(failure) }
                results.append(.map(result))
            }
            return [
                "score": .double(score), "count": .int(Int64(rows.count)),
                "failures": .int(Int64(failures)), "results": .list(results),
            ]
        }
    }

    /// The report as a JSON text.
    public func json(pretty: Bool = false) throws -> String { try value.json(pretty: pretty) }

    /// The report as a table for people: a line for each example, its fields, those of its
    /// prediction and its score; long texts are cut.
    ///
    /// A field that both have is shown as `example_name` and `pred_name`, as DSPy shows it.
    public func table(width: Int = 32) throws -> String {
        try EvaluationTable(self, width: max(4, width)).text
    }
}
