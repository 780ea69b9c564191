import KraitWire

/// What calls took of their language models, as far as their answers tell.
public struct CallUsage: Sendable, Hashable {
    /// Tokens of what was asked.
    public var promptTokens: Int
    /// Tokens of what was answered.
    public var completionTokens: Int
    /// US dollars; nil where no answer tells.
    public var cost: Double?

    /// A usage, by default none.
    public init(promptTokens: Int = 0, completionTokens: Int = 0, cost: Double? = nil) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.cost = cost
    }

    /// The usage of an answer: a map by model, as DSPy has it; nil where nothing was used.
    package init?(_ value: Value) {
        // What came from a cache alone used nothing.
        let used = value.map?.entries.filter { $0.value.map?.entries.map(\.key) != ["cached"] }
        guard let used, !used.isEmpty else { return nil }
        self.init()
        for (_, usage) in used {
            promptTokens &+= usage["prompt_tokens"]?.int ?? 0
            completionTokens &+= usage["completion_tokens"]?.int ?? 0
            if let cost = usage["cost"]?.double, cost.isFinite, cost >= 0 {
                self.cost = (self.cost ?? 0) + cost
            }
        }
    }

    /// Both together; a cost that only one knows is that one's.
    public static func + (left: CallUsage, right: CallUsage) -> CallUsage {
        let costs = [left.cost, right.cost].compactMap(\.self)
        return CallUsage(
            promptTokens: left.promptTokens &+ right.promptTokens,
            completionTokens: left.completionTokens &+ right.completionTokens,
            cost: costs.isEmpty ? nil : costs.reduce(0, +)
        )
    }
}
