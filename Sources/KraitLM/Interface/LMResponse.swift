import KraitWire

/// What a language model answered.
public struct LMResponse: Sendable, Hashable {
    /// The API's name of the answer, where it gives one.
    public var id: String?
    /// The model that answered, as the API names it.
    public var model: String
    /// As many as were asked for.
    public var completions: [LMCompletion]
    /// What it took; of a cached answer nothing, as no tokens were used.
    public var usage: LMUsage
    /// US dollars, where they are known: nil is unknown, never free.
    public var cost: Double?
    /// Whether it came from the cache.
    public var isCached: Bool

    /// An answer.
    public init(
        id: String? = nil,
        model: String,
        completions: [LMCompletion],
        usage: LMUsage = LMUsage(),
        cost: Double? = nil,
        isCached: Bool = false
    ) {
        self.id = id
        self.model = model
        self.completions = completions
        self.usage = usage
        self.cost = cost
        self.isCached = isCached
    }

    /// The first completion's text; nil where it has none, but asks for tools.
    public var text: String? { completions.first?.text }
}

/// One answer to a request.
public struct LMCompletion: Sendable, Hashable {
    /// What was said; nil where the model only asks for tools.
    public var text: String?
    /// What the model thought first, where the API tells.
    public var reasoning: String?
    /// The tools it asks for.
    public var toolCalls: [LMToolCall]
    /// Why it ended.
    public var finishReason: FinishReason
    /// The tokens' logarithmic probabilities, where they were asked for, as the API gives them.
    public var logprobs: Value?

    /// A completion.
    public init(
        text: String? = nil,
        reasoning: String? = nil,
        toolCalls: [LMToolCall] = [],
        finishReason: FinishReason = .stop,
        logprobs: Value? = nil
    ) {
        self.text = text
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.finishReason = finishReason
        self.logprobs = logprobs
    }

    /// Why a completion ended.
    public enum FinishReason: String, Sendable, Hashable {
        /// It was done, or came to a text it was to stop at.
        case stop
        /// It had as many tokens as it may have: it is cut.
        case length
        /// It asks for tools.
        case toolCalls = "tool_calls"
        /// The API held something back.
        case contentFilter = "content_filter"
    }
}

/// The tokens of a request and its answer; nil is what the API did not tell.
public struct LMUsage: Sendable, Hashable {
    /// Tokens of the request, cached ones included.
    public var promptTokens: Int?
    /// Tokens of the answers, thought included.
    public var completionTokens: Int?
    /// Both, as the API counts them.
    public var totalTokens: Int?
    /// Of the request's tokens those the API had cached.
    public var cachedTokens: Int?
    /// Of the answers' tokens those of thought.
    public var reasoningTokens: Int?
    /// How many of the requests were answered from a cache; those have no tokens.
    package var cachedAnswers = 0

    /// The usage of an answer from a cache.
    package static var cachedAnswer: LMUsage {
        var usage = LMUsage()
        usage.cachedAnswers = 1
        return usage
    }

    /// What was told.
    public init(
        promptTokens: Int? = nil,
        completionTokens: Int? = nil,
        totalTokens: Int? = nil,
        cachedTokens: Int? = nil,
        reasoningTokens: Int? = nil
    ) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.totalTokens = totalTokens
        self.cachedTokens = cachedTokens
        self.reasoningTokens = reasoningTokens
    }

    /// Of several requests together; what one of them does not tell is not told.
    package static func + (left: LMUsage, right: LMUsage) -> LMUsage {
        if left == .cachedAnswer || right == .cachedAnswer {
            var sum = left == .cachedAnswer ? right : left
            sum.cachedAnswers += 1
            return sum
        }
        func sum(_ part: KeyPath<LMUsage, Int?>) -> Int? {
            guard let first = left[keyPath: part], let second = right[keyPath: part] else {
                return nil
            }
            return first.addingReportingOverflow(second).partialValue
        }
        var both = LMUsage(
            promptTokens: sum(\.promptTokens),
            completionTokens: sum(\.completionTokens),
            totalTokens: sum(\.totalTokens),
            cachedTokens: sum(\.cachedTokens),
            reasoningTokens: sum(\.reasoningTokens)
        )
        both.cachedAnswers = left.cachedAnswers + right.cachedAnswers
        return both
    }
}
