import Krait

/// What a job says of itself at a terminal.
enum OptimizationText {
    /// `[######----]  60 %  optimizing, trial 3 of 10  best 75.0  142 LM calls  5s left`.
    static func line(_ progress: OptimizationProgress) -> String {
        var parts: [String] = []
        if let share = progress.share {
            let marks = Int(share * 20)
            let bar = String(repeating: "#", count: marks)
            parts.append("[\(bar)\(String(repeating: "-", count: 20 - marks))]")
            parts.append("\(Int(share * 100)) %")
        }
        parts.append(progress.phase + (progress.step.map { ", \($0)" } ?? ""))
        if let best = progress.top.first?.percent {
            parts.append("best \(best) of \(progress.candidates)")
        }
        parts.append(usage(progress))
        if progress.metricErrors > 0 { parts.append("\(progress.metricErrors) metric errors") }
        if let left = progress.remaining {
            parts.append("\(duration(left)) left")
        } else {
            parts.append(duration(progress.elapsed))
        }
        return parts.joined(separator: "  ")
    }

    /// `142 LM calls  7000+900 tokens`, or what they cost.
    static func usage(_ progress: OptimizationProgress) -> String {
        let tokens = "\(progress.promptTokens)+\(progress.completionTokens) tokens"
        let took = progress.cost.map(TraceText.dollars) ?? tokens
        return "\(progress.lmCalls) LM calls  \(took)"
    }

    /// `best so far: 75.0 on 32 rows (candidate 3)`.
    static func line(_ candidate: OptimizationCandidate) -> String {
        let score = candidate.score
        guard let percent = score.percent else {
            return "so far: \(-score.number) demos made, not scored yet"
        }
        return "best so far: \(percent) on \(score.rows) rows (candidate \(score.number))"
    }

    private static func duration(_ time: Duration) -> String {
        TextForm<Duration>.duration.write(.seconds((time / .seconds(1)).rounded(.up)))
    }
}
