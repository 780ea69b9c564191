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
