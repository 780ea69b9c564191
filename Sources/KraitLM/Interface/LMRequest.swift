import KraitWire

/// What is asked of a language model.
public struct LMRequest: Sendable, Hashable {
    /// The model, as DSPy names it (`openai/gpt-4o-mini`); nil for that of the `LM` it is given to.
    public var model: String?
    /// The conversation so far.
    public var messages: [LMMessage]
    /// How to sample; what is nil is the `LM`'s.
    public var parameters: LMParameters
    /// The tools the model may ask for.
    public var tools: [LMTool]
    /// Whether and which tools it is to ask for; nil leaves it to the API.
    public var toolChoice: LMToolChoice?
    /// What the text must be; nil for anything.
    public var responseFormat: LMResponseFormat?
    /// How many completions, each asked for by a request of its own, as DSPy does.
    public var n: Int
    /// Tells equal requests apart for the cache; never sent.
    ///
    /// Two with different ones are both sent, and each is found again by its own.
    public var rolloutID: Int?
    /// Whether the answer may come from the cache and go into it; nil is the `LM`'s.
    public var cache: Bool?
    /// How long it may take in all, tries and waits included; nil is the `LM`'s.
    public var timeout: Duration?

    /// A request; what is left out is the `LM`'s.
    public init(
        model: String? = nil,
        messages: [LMMessage],
        parameters: LMParameters = LMParameters(),
        tools: [LMTool] = [],
        toolChoice: LMToolChoice? = nil,
        responseFormat: LMResponseFormat? = nil,
        n: Int = 1,
        rolloutID: Int? = nil,
        cache: Bool? = nil,
        timeout: Duration? = nil
    ) {
        self.model = model
        self.messages = messages
        self.parameters = parameters
        self.tools = tools
        self.toolChoice = toolChoice
        self.responseFormat = responseFormat
        self.n = n
        self.rolloutID = rolloutID
        self.cache = cache
        self.timeout = timeout
    }

    /// A request of one message.
    public init(_ prompt: String) { self.init(messages: [.user(prompt)]) }
}

/// How a model is to sample.
public struct LMParameters: Sendable, Hashable {
    /// How freely to sample; 0 is hardly at all.
    public var temperature: Double?
    /// How many tokens the answer has at most.
    public var maxTokens: Int?
    /// The share of likely tokens to sample from.
    public var topP: Double?
    /// Texts before which the answer ends.
    public var stop: [String]
    /// For the same answer once more, where the API can.
    public var seed: Int?
    /// Against saying the same again.
    public var frequencyPenalty: Double?
    /// Against staying with one subject.
    public var presencePenalty: Double?
    /// Asks for the tokens' logarithmic probabilities, with so many alternatives each.
    public var logprobs: Int?
    /// How long to think first, where the model can: `low`, `medium`, `high`.
    public var reasoningEffort: String?
    /// Further fields of the API's request, sent as they are.
    public var extra: ValueMap

    /// Parameters; what is left out is the `LM`'s, or else the API's.
    public init(
        temperature: Double? = nil,
        maxTokens: Int? = nil,
        topP: Double? = nil,
        stop: [String] = [],
        seed: Int? = nil,
        frequencyPenalty: Double? = nil,
        presencePenalty: Double? = nil,
        logprobs: Int? = nil,
        reasoningEffort: String? = nil,
        extra: ValueMap = [:]
    ) {
        self.temperature = temperature
        self.maxTokens = maxTokens
        self.topP = topP
        self.stop = stop
        self.seed = seed
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
        self.logprobs = logprobs
        self.reasoningEffort = reasoningEffort
        self.extra = extra
    }

    /// These, with what they leave open taken from `others`.
    package func completed(by others: LMParameters) -> LMParameters {
        var result = self
        result.temperature = temperature ?? others.temperature
        result.maxTokens = maxTokens ?? others.maxTokens
        result.topP = topP ?? others.topP
        if stop.isEmpty { result.stop = others.stop }
        result.seed = seed ?? others.seed
        result.frequencyPenalty = frequencyPenalty ?? others.frequencyPenalty
        result.presencePenalty = presencePenalty ?? others.presencePenalty
        result.logprobs = logprobs ?? others.logprobs
        result.reasoningEffort = reasoningEffort ?? others.reasoningEffort
        for (name, value) in others.extra.entries where extra[name] == nil {
            result.extra[name] = value
        }
        return result
    }
}
