import KraitModules
import KraitWire

/// What a job tells while it runs.
public enum OptimizationEvent: Sendable, Equatable {
    /// How far it is; at most four times a second.
    case progress(OptimizationProgress)
    /// The best program so far: what is kept where the job does not reach its end.
    case candidate(OptimizationCandidate)
    /// A line that DSPy has logged; it can hold parts of the rows.
    case log(level: String, text: String)

    /// The event of a chunk; nil for one that is none.
    package init?(_ chunk: Value) {
        if let progress = chunk["progress"] {
            self = .progress(OptimizationProgress(progress))
        } else if let candidate = chunk["candidate"], let state = candidate["state"] {
            self = .candidate(OptimizationCandidate(Score(candidate), state))
        } else if let text = chunk["log"]?["text"]?.string {
            self = .log(level: chunk["log"]?["level"]?.string ?? "", text: text)
        } else {
            return nil
        }
    }

    /// A candidate's score.
    public struct Score: Sendable, Equatable {
        /// Candidates are numbered from 0, the program itself; below 0 are those without a score.
        public var number: Int
        /// The mean in percent on the rows it was tried with; nil before the first.
        public var percent: Double?
        /// How many rows that were.
        public var rows: Int

        init(_ value: Value) {
            number = value["number"]?.int ?? 0
            percent = value["score"]?.double
            rows = value["rows"]?.int ?? 0
        }
    }
}

/// How far a job is.
public struct OptimizationProgress: Sendable, Equatable {
    /// `before` scores the held-out rows, `optimizing` is DSPy's optimizer, `after` scores again.
    public var phase: String
    /// Where the optimizer is in its own words, such as `trial 3 of 10`.
    public var step: String?
    /// How long it has run.
    public var elapsed: Duration
    /// How much of the phase is done, where that can be told.
    public var share: Double?
    /// How long it will take yet, where that can be told.
    public var remaining: Duration?
    /// How often a language model was asked, and how many of these failed.
    public var lmCalls: Int, lmErrors: Int
    /// What that took.
    public var promptTokens: Int, completionTokens: Int
    /// US dollars, where the provider tells.
    public var cost: Double?
    /// How often the metric was asked, and how many of these failed.
    public var metricCalls: Int, metricErrors: Int
    /// How many programs were scored.
    public var candidates: Int
    /// The best of them, first the best.
    public var top: [OptimizationEvent.Score]

    init(_ value: Value) {
        phase = value["phase"]?.string ?? ""
        step = value["step"]?.string
        elapsed = .seconds(value["seconds"]?.double ?? 0)
        share = value["share"]?.double
        remaining = value["eta_s"]?.double.map { .seconds($0) }
        lmCalls = value["lm_calls"]?.int ?? 0
        lmErrors = value["lm_errors"]?.int ?? 0
        promptTokens = value["prompt_tokens"]?.int ?? 0
        completionTokens = value["completion_tokens"]?.int ?? 0
        cost = value["cost"]?.double
        metricCalls = value["metric_calls"]?.int ?? 0
        metricErrors = value["metric_errors"]?.int ?? 0
        candidates = value["candidates"]?.int ?? 0
        top = (value["top"]?.list ?? []).map(OptimizationEvent.Score.init)
    }
}

/// A program that an optimizer has tried.
public struct OptimizationCandidate: Sendable, Equatable {
    /// Its number and score.
    public var score: OptimizationEvent.Score
    private let state: Value

    init(_ score: OptimizationEvent.Score, _ state: Value) {
        self.score = score
        self.state = state
    }

    /// Its state, for `Program.loading` and as another job's `Optimization.parent`.
    public var saved: SavedProgram {
        get throws(SavedProgramError) { try SavedProgram(json: json) }
    }

    /// Its state as a file that DSPy's `load` reads.
    public var json: String {
        get throws(SavedProgramError) { try SavedProgram.text(of: state) }
    }
}
