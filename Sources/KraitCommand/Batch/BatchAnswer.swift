import Krait
import KraitControl
import KraitEvaluation
import KraitWire

/// What a row came to.
struct BatchAnswer: Sendable {
    /// What its line holds beside its number.
    var fields: ValueMap
    /// Whether that line belongs to the failures.
    var isFailure = false
    /// What it counts where rows are scored.
    var score: Double?
    /// What it took of language models; nil where nothing tells.
    var usage: CallUsage?

    /// The row's own error.
    static func failed(_ error: CallError) -> BatchAnswer {
        BatchAnswer(fields: ["error": ControlFailure(error).wire], isFailure: true)
    }
}

/// The scores of rows.
struct BatchScore: Sendable, Equatable {
    private(set) var total = 0.0
    private(set) var count = 0

    mutating func add(_ score: Double) {
        total += score
        count += 1
    }

    /// The mean in percent, as DSPy rounds it.
    var percent: Double { EvaluationScore.percent(total, of: count) }
}
