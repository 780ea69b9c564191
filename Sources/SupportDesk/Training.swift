import Foundation
import Krait

/// A message whose urgency somebody has said.
struct Sorted: Codable, Sendable {
    var message: String
    var urgency: Sort.Urgency

    static let all: [Sorted] = (1...8).flatMap { order in
        [
            Sorted(message: "The lamp of order \(order) burns and smells!", urgency: .high),
            Sorted(message: "There are sparks in the switch of lamp \(order)!", urgency: .high),
            Sorted(message: "Which colours does lamp \(order) come in?", urgency: .low),
            Sorted(message: "Can I still change the address of order \(order)?", urgency: .low),
        ]
    }

    var fields: ValueMap {
        ["message": .string(message), "urgency": .string(urgency.rawValue)]
    }
}

/// Lets DSPy optimize the step that sorts, by a metric in Swift, and writes it to a file.
///
/// The rows of the last two orders are held out: the pipeline's step is scored on them before and
/// after, in this process.
func optimizeSorting(into path: String) async throws {
    let (training, heldOut) = (Array(Sorted.all.dropLast(8)), Array(Sorted.all.suffix(8)))
    try await withModel { lm, adapter in
        let trainer = Orchestrator(name: "desk-training") {
            NativeModules(lm)
            PythonPool("optimizer", adapter: adapter, workers: 1, slots: 1)
        }
        let optimized = try await trainer.running { krait in
            if lm.model == "openai/offline" { say("the offline LM: rules, and no model inside") }
            say("before: \(try await score(sort, on: heldOut, with: krait)) %")
            // A false alarm is half as bad as a fire that nobody looks at.
            let metric = OptimizationMetric.scoring("urgency", Sort.self) { (row: Sorted, found) in
                found.urgency == row.urgency ? 1 : found.urgency == .high ? 0.5 : 0
            }
            var optimization = Optimization(
                .predict(Sort.self),
                trainset: training.map(\.fields),
                metric: metric,
                optimizer: "BootstrapFewShotWithRandomSearch",
                settings: ["num_candidate_programs": 2, "metric_threshold": 1]
            )
            optimization.testset = heldOut.map(\.fields)
            let job = krait.optimize(optimization, on: "optimizer")
            for try await case .candidate(let candidate) in job {
                say("so far: \(candidate.score.percent ?? 0) % on \(candidate.score.rows) rows")
            }
            return try job.result
        }
        let program = try Program.predict(try Schema(of: Sort.self)).loading(optimized.saved)
        let desk = Orchestrator(name: "trained-desk") {
            Native(Sort.self) { input in
                let found = try await program(["message": .string(input.message)], with: lm)
                return .init(
                    urgency: Sort.Urgency(rawValue: found["urgency"]?.string ?? "") ?? .high
                )
            }
        }
        let after = try await desk.running { krait in
            try await score(sort, on: heldOut, with: krait)
        }
        say("after:  \(after) %, with \(optimized.lmCalls) calls of \(lm.model)")
        try optimized.write(to: path)
    }
}

/// How many of the rows the step sorts right, in percent.
private func score(
    _ step: Pipeline<Found, Sort.Output>,
    on rows: [Sorted],
    with krait: Orchestrator
) async throws -> Double {
    try await Evaluation(rows).run { row in
        try await krait.run(step, Found(message: row.message, passages: []))
    } score: { row, found in
        row.urgency == found.urgency ? 1 : 0
    }.score
}

private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
