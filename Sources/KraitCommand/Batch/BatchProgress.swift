import Krait
import KraitWire

/// How far a batch has come.
struct BatchProgress: Equatable, Sendable {
    /// How many rows the input has.
    let total: Int
    /// How many of them earlier runs have done.
    let before: Int
    private(set) var answered = 0
    private(set) var failed = 0
    /// Of all rows that are done, where they are scored.
    private(set) var score: BatchScore?
    /// What this run's rows took of language models; nil where none told.
    private(set) var usage: CallUsage?

    init(total: Int, before: Int, score: BatchScore? = nil) {
        self.total = total
        self.before = before
        self.score = score
    }

    /// How many rows are left.
    var left: Int { total - before - answered - failed }

    mutating func rowEnded(_ answer: BatchAnswer) {
        if answer.isFailure { failed += 1 } else { answered += 1 }
        if let points = answer.score { score?.add(points) }
        if let more = answer.usage { usage = usage.map { $0 + more } ?? more }
    }

    /// Rows a second in this run; nil before the first.
    func rate(after elapsed: Duration) -> Double? {
        let done = answered + failed
        guard done > 0, elapsed > .zero else { return nil }
        return Double(done) / (elapsed / .seconds(1))
    }

    /// A line for a terminal: `[######----]  60 %  3000/5000  2 failed  412 rows/s  5s left`.
    func line(after elapsed: Duration) -> String {
        let done = total - left
        let share = total == 0 ? 1 : Double(done) / Double(total)
        let marks = Int(share * 20)
        let bar = String(repeating: "#", count: marks) + String(repeating: "-", count: 20 - marks)
        var parts = ["[\(bar)]", "\(Int(share * 100)) %", "\(done)/\(total)"]
        if failed > 0 { parts.append("\(failed) failed") }
        if let score, score.count > 0 { parts.append("score \(score.percent)") }
        if let rate = rate(after: elapsed) {
            parts.append("\(rate >= 10 ? rate.rounded() : rate.rounded(toPlaces: 1)) rows/s")
            let rest = Duration.seconds((Double(left) / rate).rounded(.up))
            if left > 0 { parts.append("\(TextForm<Duration>.duration.write(rest)) left") }
        }
        if let usage {
            let tokens = "\(usage.promptTokens)+\(usage.completionTokens) tokens"
            parts.append(usage.cost.map(TraceText.dollars) ?? tokens)
        }
        return parts.joined(separator: "  ")
    }

    /// What the run has done, for programs.
    func value(after elapsed: Duration) -> Value {
        [
            "rows": .int(Int64(total)), "done_before": .int(Int64(before)),
            "answered": .int(Int64(answered)), "failed": .int(Int64(failed)),
            "left": .int(Int64(left)), "seconds": .double(elapsed / .seconds(1)),
            "usage": usage?.value ?? .null,
            "rows_per_s": rate(after: elapsed).map { .double($0.rounded(toPlaces: 1)) } ?? .null,
        ]
    }
}
