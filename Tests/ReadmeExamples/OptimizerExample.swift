import Krait

struct Sorting: Signature {
    enum Team: String, Codable, CaseIterable, Sendable { case billing, shipping, account }
    struct Input: Codable, Sendable { var message: String }
    struct Output: Codable, Sendable { var team: Team }
}

struct Labelled: Codable, Sendable {
    var message: String
    var team: Sorting.Team
}

/// Finds instructions and demos for a signature, and gives the program that runs them natively.
func optimized(_ rows: [ValueMap], with krait: Orchestrator) async throws -> Program {
    let metric = OptimizationMetric.scoring("team", Sorting.self) { (row: Labelled, output) in
        row.team == output.team ? 1 : 0
    }
    var optimization = Optimization(.predict(Sorting.self), trainset: rows, metric: metric)
    optimization.optimizer = "MIPROv2"
    optimization.settings = ["auto": "light", "prompt_model": ["model": "openai/gpt-4o"]]
    let job = krait.optimize(optimization, on: "optimizer")
    for try await event in job {
        switch event {
        case .progress(let progress): print(progress.phase, progress.lmCalls, "LM calls")
        case .candidate(let best): print(best.score.percent ?? 0, "% on", best.score.rows, "rows")
        case .log(_, let text): print(text)
        }
    }
    let found = try job.result
    print(found.scoreBefore ?? 0, "→", found.scoreAfter ?? 0, "on rows that were held out")
    try found.write(to: "sorting.json")
    return try Program.predict(try Schema(of: Sorting.self)).loading(found.saved)
}
