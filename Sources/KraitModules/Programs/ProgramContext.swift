import KraitLM
import KraitObservability
import KraitWire

/// What the modules of one run share.
struct ProgramContext: Sendable {
    /// The model of predictors that have none of their own.
    var model: ModuleModel
    var deadline: ContinuousClock.Instant?
    var ledger: ProgramLedger
    /// Where the module stands, as DSPy names it.
    var path = ""
    /// Which attempt this is; such are made at a temperature of 1.
    var rollout: Int?
    /// What earlier attempts have taught, by predictor; nil where there is no word of it.
    var advice: [String: Value]?
    /// Where predictions are kept, for those who look at them afterwards.
    var trace: ProgramTrace?

    init(model: ModuleModel, deadline: ContinuousClock.Instant?, ledger: ProgramLedger) {
        self.model = model
        self.deadline = deadline
        self.ledger = ledger
    }
}

/// What a run took.
final class ProgramLedger: Sendable {
    private let sums = Lock<[String: LMUsage]>([:])

    var usage: [String: LMUsage] { sums.withLock { $0 } }

    func add(_ usage: LMUsage, of model: String) {
        sums.withLock { sums in sums[model] = sums[model].map { $0 + usage } ?? usage }
    }
}

/// The predictions of a run, in order: DSPy's trace.
final class ProgramTrace: Sendable {
    struct Entry: Sendable {
        var predictor: String
        var inputs: ValueMap
        var outputs: ValueMap
    }

    private let kept = Lock<[Entry]>([])

    var entries: [Entry] { kept.withLock { $0 } }

    func add(_ entry: Entry) { kept.withLock { $0.append(entry) } }
}
