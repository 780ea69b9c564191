import KraitWire

/// The calls of language models that a gateway has made: the latest one by one, and sums of all.
public struct LMLedger: Sendable {
    /// The latest, the oldest first.
    public private(set) var records: [LMRecord] = []
    /// The sums by model; of what comes after the first thousand models, under `…`.
    public private(set) var models: [String: LMSum] = [:]
    private let limit: Int

    static let mostModels = 1_000

    init(limit: Int) { self.limit = limit }

    mutating func took(_ record: LMRecord) {
        let isKnown = models[record.model] != nil || models.count < Self.mostModels
        models[isKnown ? record.model : "…", default: LMSum()].took(record)
        guard limit > 0 else { return }
        // Dropped by the hundred, so that a full ledger does not move with each call.
        if records.count >= limit + limit / 8 { records.removeFirst(records.count - limit + 1) }
        records.append(record)
    }
}

/// A call of a language model: who, what, and what it took.
///
/// Never what was said.
public struct LMRecord: Sendable, Hashable {
    /// As DSPy names it.
    public var model: String
    /// The operation whose call asked for it, where a worker did; nil for Swift code of its own.
    public var operation: String?
    /// That call's session.
    public var session: String?
    /// The pool whose worker asked.
    public var pool: String?
    /// The tokens; none of a cached answer.
    public var usage: LMUsage
    /// US dollars; nil is unknown.
    public var cost: Double?
    /// From the request until its whole answer, tries and waits included.
    public var duration: Duration
    /// Whether the answer was there already.
    public var isCached: Bool
    /// What went wrong; nil where it was answered.
    public var failure: LMError.Kind?

    init(_ model: String, after duration: Duration, _ result: Result<LMResponse, LMError>) {
        let context = ToolContext.current
        self.model = model
        self.duration = duration
        operation = context?.operation
        session = context?.session
        pool = context?.pools.last
        switch result {
        case .success(let response):
            usage = response.usage
            cost = response.cost
            isCached = response.isCached
        case .failure(let error):
            usage = LMUsage()
            isCached = false
            failure = error.kind
        }
    }
}

/// What many calls took together.
public struct LMSum: Sendable, Hashable {
    /// How many there were.
    public private(set) var calls = 0
    /// How many had no answer.
    public private(set) var failures = 0
    /// How many were answered from the cache.
    public private(set) var cached = 0
    /// Tokens of the requests, where they were told.
    public private(set) var promptTokens = 0
    /// Tokens of the answers, where they were told.
    public private(set) var completionTokens = 0
    /// US dollars of the calls whose cost is known.
    public private(set) var cost = 0.0
    /// How many answered calls have a cost that nobody knows.
    public private(set) var costUnknown = 0
    /// The time of all of them.
    public private(set) var duration = Duration.zero

    mutating func took(_ record: LMRecord) {
        calls += 1
        duration += record.duration
        if record.failure != nil {
            failures += 1
            return
        }
        if record.isCached { cached += 1 }
        promptTokens &+= record.usage.promptTokens ?? 0
        completionTokens &+= record.usage.completionTokens ?? 0
        if let cost = record.cost { self.cost += cost } else { costUnknown += 1 }
    }
}
