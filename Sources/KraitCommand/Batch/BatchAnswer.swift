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
    var spending = Spending()

    /// The row's own error.
    static func failed(_ error: CallError) -> BatchAnswer {
        BatchAnswer(fields: ["error": ControlFailure(error).wire], isFailure: true)
    }
}

/// What rows have used of language models, as far as their answers say it.
struct Spending: Sendable, Equatable {
    private(set) var tokens = 0
    /// Nil where no answer has told a cost.
    private(set) var dollars: Double?

    init() {}

    /// What an answer's `usage` says: counts by model.
    init(_ usage: Value?) {
        for (_, counts) in usage?.map?.entries ?? [] {
            tokens += max(0, counts["total_tokens"]?.int ?? 0)
            if let cost = counts["cost"]?.double, cost.isFinite { dollars = (dollars ?? 0) + cost }
        }
    }

    mutating func add(_ other: Spending) {
        tokens += other.tokens
        if let more = other.dollars { dollars = (dollars ?? 0) + more }
    }

    /// Such as `$0.0123` or `5321 tokens`; nil where nothing is known.
    var text: String? {
        if let dollars { return "$\(dollars.rounded(toPlaces: 4))" }
        return tokens > 0 ? "\(tokens) tokens" : nil
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
