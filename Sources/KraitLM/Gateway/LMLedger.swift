import Glibc
import KraitWire

/// The calls of language models that a gateway has made: the latest one by one, and sums of all.
public struct LMLedger: Sendable {
    /// What sums are made by.
    public enum Grouping: String, Sendable, CaseIterable {
        /// The model, as DSPy names it.
        case model
        /// The operation whose call asked for it.
        case operation
        /// The step of a pipeline, such as `support/3 ChainOfThought(Triage)`.
        case step
        /// The call's session.
        case session
    }

    /// The latest, the oldest first.
    public private(set) var records: [LMRecord] = []
    private var sums: [Grouping: [String: LMSum]] = [:]
    private let limit: Int

    static let mostGroups = 1_000
    /// What comes after so many groups counts under this name.
    static let others = "…"
    /// Calls that belong to no group.
    static let nobody = "-"

    init(limit: Int) { self.limit = limit }

    /// The sums by model.
    public var models: [String: LMSum] { sums(by: .model) }

    /// The sums of all calls since the start; of what comes after the first thousand groups under
    /// `…`, of calls that belong to none under `-`.
    public func sums(by grouping: Grouping) -> [String: LMSum] { sums[grouping] ?? [:] }

    mutating func took(_ record: LMRecord) {
        for grouping in Grouping.allCases {
            let name = record.group(grouping) ?? Self.nobody
            var sums = sums.removeValue(forKey: grouping) ?? [:]
            let isKnown = sums[name] != nil || sums.count < Self.mostGroups
            sums[isKnown ? name : Self.others, default: LMSum()].took(record)
            self.sums[grouping] = sums
        }
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
    /// When it ended.
    public var time: Timestamp
    /// As DSPy names it.
    public var model: String
    /// The operation whose call asked for it; nil for Swift code outside of any.
    public var operation: String?
    /// The step of a pipeline that made that call, such as `support/3 ChainOfThought(Triage)`.
    public var step: String?
    /// The run of that pipeline.
    public var run: String?
    /// That call's session.
    public var session: String?
    /// The pool whose worker asked; nil where Swift code did.
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

    /// What an answer took.
    struct Cost {
        var usage = LMUsage()
        var cost: Double?
        var isCached = false

        init(_ response: LMResponse) {
            (usage, cost, isCached) = (response.usage, response.cost, response.isCached)
        }

        init(_ embeddings: Embeddings) {
            (usage, cost) = (embeddings.usage, embeddings.cost)
            isCached = embeddings.cached == embeddings.vectors.count
        }
    }

    init(_ model: String, after duration: Duration, _ result: Result<Cost, LMError>) {
        let (origin, context) = (CallOrigin.current, ToolContext.current)
        self.model = model
        self.duration = duration
        time = Timestamp(seconds: Int64(Glibc.time(nil)))
        operation = context?.operation ?? origin.operation
        step = origin.path.isEmpty ? nil : origin.path.joined(separator: "/")
        run = origin.run
        session = context?.session ?? origin.session
        pool = context?.pools.last
        switch result {
        case .success(let found):
            (usage, cost, isCached) = (found.usage, found.cost, found.isCached)
        case .failure(let error):
            usage = LMUsage()
            isCached = false
            failure = error.kind
        }
    }

    func group(_ grouping: LMLedger.Grouping) -> String? {
        switch grouping {
        case .model: model
        case .operation: operation
        case .step: step
        case .session: session
        }
    }
}
