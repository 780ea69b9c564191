/// Runs a program over examples and scores what it predicts.
///
/// ```swift
/// let evaluation = Evaluation(questions, concurrency: 8)
/// let report = try await evaluation.run {
///     try await krait.predict(Answering.self, .init(question: $0.question))
/// } score: { example, prediction in
///     try Metrics.f1(prediction.answer, against: example.answers)
/// }
/// print(report.score)
/// ```
public struct Evaluation<Example: Sendable>: Sendable {
    /// What is predicted for, in order.
    public var examples: [Example]
    /// How many predictions are under way at once; at least 1.
    public var concurrency: Int
    /// With how many failed examples the run ends, as DSPy's `max_errors`; at least 1.
    public var maxErrors: Int
    /// What an example that failed counts as.
    public var failureScore: Double
    /// Whether a row's `failure` has all that is known: of an error in Python its traceback, which
    /// may quote values.
    public var providesTraceback: Bool

    /// An evaluation; with DSPy's figures for what is not given.
    public init(
        _ examples: [Example],
        concurrency: Int = 8,
        maxErrors: Int = 10,
        failureScore: Double = 0,
        providesTraceback: Bool = false
    ) {
        self.examples = examples
        self.concurrency = max(1, concurrency)
        self.maxErrors = max(1, maxErrors)
        self.failureScore = failureScore
        self.providesTraceback = providesTraceback
    }

    /// Predicts for each example, scores each prediction, and reports in the examples' order.
    ///
    /// An example fails where either closure throws or the score is no finite number; it then
    /// counts `failureScore`. `progress` is told after each example, in the order in which they
    /// end, one at a time. Throws `EvaluationError` where too many fail, and `CancellationError`
    /// where the task is cancelled; what is under way is cancelled then, and waited for.
    public func run<Prediction: Sendable>(
        progress: (EvaluationProgress) -> Void = { _ in },
        predict: @escaping @Sendable (Example) async throws -> Prediction,
        score: @escaping @Sendable (Example, Prediction) async throws -> Double
    ) async throws -> EvaluationReport<Example, Prediction> {
        typealias Row = EvaluationReport<Example, Prediction>.Row
        var rows = [Row?](repeating: nil, count: examples.count)
        var state = EvaluationProgress(count: examples.count)
        try await withThrowingTaskGroup(of: (Int, Row).self) { group in
            var next = 0
            func startNext() {
                guard next < examples.count else { return }
                let (index, example) = (next, examples[next])
                next += 1
                group.addTask {
                    (index, try await row(example, predict, score))
                }
            }
            for _ in 0..<min(concurrency, examples.count) { startNext() }
            while let (index, row) = try await group.next() {
                rows[index] = row
                state.add(row.score, failed: row.failure != nil)
                progress(state)
                if state.failures >= maxErrors {
                    throw EvaluationError.tooManyFailures(
                        state.failures,
                        maximum: maxErrors,
                        last: row.failure ?? ""
                    )
                }
                try Task.checkCancellation()
                startNext()
            }
        }
        return EvaluationReport(rows: rows.compactMap { $0 })
    }

    private func row<Prediction: Sendable>(
        _ example: Example,
        _ predict: @Sendable (Example) async throws -> Prediction,
        _ score: @Sendable (Example, Prediction) async throws -> Double
    ) async throws -> EvaluationReport<Example, Prediction>.Row {
        let start = ContinuousClock.now
        var prediction: Prediction?
        do {
            let predicted = try await predict(example)
            prediction = predicted
            let score = try await score(example, predicted)
            guard score.isFinite else { throw MetricError.notFinite("of this evaluation") }
            return .init(
                example: example,
                prediction: predicted,
                score: score,
                duration: start.duration(to: .now)
            )
        } catch {
            // An end of the whole run is no failure of this example.
            try Task.checkCancellation()
            return .init(
                example: example,
                prediction: prediction,
                score: failureScore,
                failure: providesTraceback ? String(reflecting: error) : "\(error)",
                duration: start.duration(to: .now)
            )
        }
    }
}

/// How far an evaluation is.
public struct EvaluationProgress: Sendable, Equatable {
    /// How many examples there are.
    public let count: Int
    /// How many have ended, failed ones too.
    public private(set) var done = 0
    /// How many of them failed.
    public private(set) var failures = 0
    /// The sum of the scores so far.
    public private(set) var total = 0.0

    init(count: Int) { self.count = count }

    /// The mean score so far in percent, as DSPy prints it; 0 before the first.
    public var score: Double { EvaluationScore.percent(total, of: done) }

    mutating func add(_ score: Double, failed: Bool) {
        done += 1
        total += score
        if failed { failures += 1 }
    }
}

/// Why an evaluation ended early.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As many examples failed as end a run; the text is of the last one's error.
    case tooManyFailures(Int, maximum: Int, last: String)
    /// Two evaluations that are compared have not as many examples.
    case differentExamples(Int, Int)

    /// What happened, and what to do; without the failure's text, which may quote values.
    public var description: String {
        switch self {
        case .tooManyFailures(let count, let maximum, _):
            "\(count) examples failed, and with \(maximum) a run ends; see `last` for one of the "
                + "errors"
        case .differentExamples(let before, let after):
            "an evaluation of \(before) examples cannot be compared with one of \(after)"
        }
    }
}
