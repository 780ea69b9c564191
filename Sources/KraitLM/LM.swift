import Glibc
import KraitWire

/// A model behind an API, as `dspy.LM` has it.
///
/// ```swift
/// let lm = LM("openai/gpt-4o-mini", temperature: 0, maxTokens: 500)
/// let local = LM("openai/any", apiBase: "http://127.0.0.1:8000/v1")
/// let answer = try await lm.complete(LMRequest("What is a krait?")).text
/// ```
///
/// What stands before the slash is who speaks: `anthropic` has its own API, everything else speaks
/// OpenAI's, at its own address or at `apiBase`. LMs with one gateway share its connections, its
/// cache and its ledger.
public struct LM: LanguageModel {
    /// The model, as DSPy names it.
    public let model: String
    /// How to sample where a request does not say.
    public var parameters: LMParameters
    /// Whether answers come from the cache and go into it, where a request does not say.
    public var cache: Bool
    /// How often a request is sent once more after a transient error.
    public var numRetries: Int
    /// How long a request may take in all, where it does not say.
    public var timeout: Duration
    let endpoint: LMEndpoint
    let gateway: LMGateway

    /// A model, each setting with DSPy's default.
    ///
    /// - Parameters:
    ///   - model: such as `openai/gpt-4o-mini` or `anthropic/claude-sonnet-4-5`.
    ///   - apiBase: where it is not the provider's own address.
    ///   - apiKey: nil takes it from the environment, when a request is made.
    ///   - keyEnv: the environment variable with the key, where it is not the provider's own.
    ///   - price: US dollars for a million tokens, where Krait does not know them.
    public init(
        _ model: String,
        apiBase: String? = nil,
        apiKey: LMKey? = nil,
        keyEnv: String? = nil,
        temperature: Double? = nil,
        maxTokens: Int? = nil,
        parameters: LMParameters = LMParameters(),
        cache: Bool = true,
        numRetries: Int = 3,
        timeout: Duration = .seconds(600),
        price: LMPrice? = nil,
        gateway: LMGateway = .shared
    ) {
        self.model = model
        self.parameters = LMParameters(temperature: temperature, maxTokens: maxTokens)
            .completed(by: parameters)
        self.cache = cache
        self.numRetries = numRetries
        self.timeout = timeout
        self.gateway = gateway
        endpoint = LMEndpoint(model, apiBase: apiBase, key: apiKey, keyEnv: keyEnv, price: price)
    }

    /// Asks for completions, with the tries there are.
    public func complete(_ request: LMRequest) async throws(LMError) -> LMResponse {
        try await gateway.complete(try call(request))
    }

    /// Asks for one completion in pieces; tried again until the first has come.
    public func stream(_ request: LMRequest) -> LMStream {
        LMStream { () throws(LMError) in try await gateway.stream(try call(request)) }
    }

    /// Another model at the same place, with the same settings.
    func other(_ model: String) -> LM { LM(self, model: model) }

    private init(_ lm: LM, model: String) {
        self.model = model
        parameters = lm.parameters
        (cache, numRetries, timeout) = (lm.cache, lm.numRetries, lm.timeout)
        gateway = lm.gateway
        endpoint = lm.endpoint.other(model)
    }

    /// A request with this model's settings in the place of what it leaves open.
    private func call(_ request: LMRequest) throws(LMError) -> LMCall {
        var request = request
        if let other = request.model, other != model {
            throw LMError(
                .invalidRequest,
                "the request is for \(other): give it to that model's LM",
                model: model
            )
        }
        guard !request.messages.isEmpty, (1...LMLimits.completions).contains(request.n) else {
            throw LMError(
                .invalidRequest,
                "a request has messages, and from 1 to \(LMLimits.completions) completions",
                model: model
            )
        }
        request.model = model
        request.parameters = request.parameters.completed(by: parameters)
        request.cache = request.cache ?? cache
        request.timeout = request.timeout ?? timeout
        return LMCall(request: request, endpoint: endpoint, retries: max(0, numRetries))
    }
}

extension LM: CustomStringConvertible {
    /// The model, and nothing of a key.
    public var description: String { "LM(\(model))" }
}

/// A key, which no text of it shows.
public struct LMKey: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible,
    CustomDebugStringConvertible, CustomReflectable
{
    let value: String

    /// A key.
    public init(_ value: String) { self.value = value }
    /// A key in the program itself.
    public init(stringLiteral value: String) { self.init(value) }
    /// Not the key.
    public var description: String { "‹key›" }
    /// Not the key.
    public var debugDescription: String { description }
    /// Not the key.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A request on its way through a gateway, nothing left open.
struct LMCall: Sendable {
    var request: LMRequest
    var endpoint: LMEndpoint
    var retries: Int

    var model: String { endpoint.model }
}

/// Where a model is, and how it is spoken to.
struct LMEndpoint: Sendable {
    /// As DSPy names it.
    let model: String
    /// As the API names it.
    let wireModel: String
    let dialect: any Dialect
    let base: String
    /// Whether `base` is the provider's own: a key of the environment goes nowhere else.
    let isProviders: Bool
    /// `base` where it is somebody else's, so that its answers are not taken for the provider's.
    var foreignBase: String? { isProviders ? nil : base }
    let price: LMPrice?
    private let key: LMKey?
    private let variables: [String]
    private let keyEnv: String?

    private static let providers: [String: (base: String, variable: String)] = [
        "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
        "gemini": (
            "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"
        ),
        "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    ]

    /// Another model; where this one has an address of its own, at that.
    func other(_ model: String) -> LMEndpoint {
        let ownBase = isProviders ? nil : base
        let isSame = model.split(separator: "/").first == self.model.split(separator: "/").first
        // A key is its provider's, unless both go to one address.
        return LMEndpoint(
            model,
            apiBase: ownBase,
            key: isSame || ownBase != nil ? key : nil,
            keyEnv: isSame || ownBase != nil ? keyEnv : nil,
            price: nil
        )
    }

    init(_ model: String, apiBase: String?, key: LMKey?, keyEnv: String?, price: LMPrice?) {
        self.model = model
        let slash = model.firstIndex(of: "/")
        let provider = slash.map { String(model[..<$0]) } ?? "openai"
        let known = Self.providers[provider]
        wireModel = slash.map { String(model[model.index(after: $0)...]) } ?? model
        dialect = provider == "anthropic" ? AnthropicDialect() : OpenAIDialect()
        var base = apiBase ?? known?.base ?? ""
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        isProviders = apiBase == nil
        self.key = key
        self.keyEnv = keyEnv
        variables = known.map { [$0.variable] } ?? []
        self.price = price ?? (isProviders ? LMPrice.known(of: wireModel) : nil)
    }

    /// The key to send; throws where there must be one.
    func readKey(_ environment: (String) -> String?) throws(LMError) -> String? {
        if base.isEmpty {
            throw LMError(
                .notConfigured,
                "nobody knows where this model is: give an apiBase, or one of the prefixes "
                    + Self.providers.keys.sorted().joined(separator: ", "),
                model: model
            )
        }
        if let key { return key.value }
        let names = keyEnv.map { [$0] } ?? variables
        // A key goes to no endpoint but the one it was meant for.
        if isProviders || keyEnv != nil {
            if let key = names.lazy.compactMap(environment).first(where: { !$0.isEmpty }) {
                return key
            }
            throw LMError(
                .notConfigured,
                "there is no key: set \(names.joined(separator: " or ")), or give an apiKey",
                model: model
            )
        }
        return nil
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
