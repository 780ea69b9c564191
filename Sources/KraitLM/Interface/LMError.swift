/// Why a language model did not answer.
///
/// Neither the message nor `description` ever holds a part of the request, of the answer, or of a
/// key; `debugDescription` adds what the API said, which may quote the request.
public struct LMError: Error, Sendable, Equatable {
    /// What went wrong, for programs.
    public var kind: Kind
    /// What happened and what to do about it.
    public var message: String
    /// The model that was asked.
    public var model: String?
    /// The HTTP status, where there was one.
    public var status: Int?
    /// How long the API asks to wait.
    public var retryAfter: Duration?
    /// What the API said of it, keys taken out.
    public var detail: String?

    /// An error of a kind, and what there is to say.
    public init(
        _ kind: Kind,
        _ message: String,
        model: String? = nil,
        status: Int? = nil,
        retryAfter: Duration? = nil,
        detail: String? = nil
    ) {
        self.kind = kind
        self.message = message
        self.model = model
        self.status = status
        self.retryAfter = retryAfter
        self.detail = detail
    }

    /// What went wrong; the raw values are DSPy's codes where DSPy has one.
    ///
    /// New kinds may be added: a `switch` needs a `default`.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The kind as logs and JSON spell it.
        public let rawValue: String
        /// A kind of this spelling.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The raw value.
        public var description: String { rawValue }

        /// The key is missing: nothing was sent.
        public static let notConfigured = Kind(rawValue: "not_configured")
        /// The API refuses the key.
        public static let auth = Kind(rawValue: "auth")
        /// The account has no credit.
        public static let billing = Kind(rawValue: "billing")
        /// Too many requests, still after all tries: see `retryAfter`.
        public static let rateLimited = Kind(rawValue: "rate_limit")
        /// The API does not take the request.
        public static let invalidRequest = Kind(rawValue: "invalid_request")
        /// The API has no such model.
        public static let unsupportedModel = Kind(rawValue: "unsupported_model")
        /// The conversation is longer than the model takes.
        public static let contextWindowExceeded = Kind(rawValue: "context_length")
        /// The dialect has no way to say what is asked for: nothing was sent.
        public static let unsupportedFeature = Kind(rawValue: "unsupported_feature")
        /// No answer in time.
        public static let timeout = Kind(rawValue: "timeout")
        /// No connection, or one that broke.
        public static let transport = Kind(rawValue: "transport")
        /// The API has failed.
        public static let server = Kind(rawValue: "server")
        /// What came is no answer: wrong content type, half a JSON, wrong fields, too much.
        public static let malformedAnswer = Kind(rawValue: "malformed_answer")
        /// The task was cancelled.
        public static let cancelled = Kind(rawValue: "cancelled")

        /// Every kind there is.
        public static let all: [Kind] = [
            .notConfigured, .auth, .billing, .rateLimited, .invalidRequest, .unsupportedModel,
            .contextWindowExceeded, .unsupportedFeature, .timeout, .transport, .server,
            .malformedAnswer, .cancelled,
        ]

        /// Whether the same request may succeed later, as DSPy has it.
        public var isTransient: Bool {
            [.rateLimited, .timeout, .server, .transport].contains(self)
        }
    }
}

extension LMError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The kind, what happened, and where: never a payload or a key.
    public var description: String {
        var place: [String] = []
        if let model { place.append(model) }
        if let status { place.append("HTTP \(status)") }
        let suffix = place.isEmpty ? "" : " (\(place.joined(separator: ", ")))"
        return "\(kind): \(message)\(suffix)"
    }

    /// The description, and what the API said.
    public var debugDescription: String {
        detail.map { "\(description)\n\($0)" } ?? description
    }
}
