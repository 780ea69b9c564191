import Glibc
import KraitObservability
import KraitWire

/// One try of a call: its request, and its answer checked.
struct LMExchange {
    private let endpoint: LMEndpoint
    private let transfer: HTTPTransfer

    init(_ endpoint: LMEndpoint, _ transfer: HTTPTransfer) {
        self.endpoint = endpoint
        self.transfer = transfer
    }

    static func request(
        _ body: Value,
        to path: String,
        of endpoint: LMEndpoint,
        isStream: Bool,
        timeout: Duration
    ) throws(LMError) -> HTTPRequest {
        let key = try endpoint.readKey(LMEndpoint.environment)
        guard key?.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) ?? true else {
            throw LMError(
                .notConfigured,
                "the key has characters that no key has",
                model: endpoint.model
            )
        }
        var headers = [(name: "Content-Type", value: "application/json")]
        headers.append(("Accept", isStream ? "text/event-stream" : "application/json"))
        headers.append(("User-Agent", "krait"))
        headers += endpoint.dialect.headers(key: key)
        guard timeout > .zero else { throw Self.timedOut }
        do throws(WireError) {
            return HTTPRequest(
                url: endpoint.base + path,
                headers: headers,
                body: try PlainJSON.encode(body),
                timeout: timeout,
                limit: LMLimits.answerBytes
            )
        } catch {
            throw LMError(.invalidRequest, "the request cannot be written: \(error)")
        }
    }

    static let timedOut = LMError(.timeout, "there was no answer in time")

    /// The whole answer's body.
    func answer() async throws(LMError) -> Value {
        let (head, bytes) = try await received { () throws(HTTPFailure) in
            try await transfer.whole()
        }
        try check(head, bytes)
        guard Self.isJSON(head.contentType) else { throw Self.wrongType(head) }
        let body = try APIText.value(bytes)
        if let error = APIError(body) { throw redacted(error.error(status: head.status)) }
        return body
    }

    /// The head of a stream, checked; what an error says is read.
    func begin() async throws(LMError) {
        let head = try await received { () throws(HTTPFailure) in try await transfer.head() }
        if head.status == 200, Self.type(head.contentType) == "text/event-stream" { return }
        let bytes = try await received { () throws(HTTPFailure) in try await transfer.whole().body }
        try check(head, bytes)
        if let body = try? PlainJSON.decode(bytes), let error = APIError(body) {
            throw redacted(error.error(status: head.status))
        }
        throw Self.wrongType(head)
    }

    /// More of a stream's bytes; nil at the end.
    func more() async throws(LMError) -> [UInt8]? {
        try await received { () throws(HTTPFailure) in try await transfer.next() }
    }

    /// With what it costs, where that can be known.
    func priced(_ response: LMResponse) -> LMResponse {
        var response = response
        response.cost = response.cost ?? endpoint.price?.cost(of: response.usage)
        return response
    }

    // MARK: What is wrong

    private func received<Found>(
        _ body: () async throws(HTTPFailure) -> Found
    ) async throws(LMError) -> Found {
        do throws(HTTPFailure) { return try await body() } catch {
            switch error {
            case .broken(let reason):
                throw LMError(.transport, "the connection to the endpoint failed: \(reason)")
            case .timeout: throw Self.timedOut
            case .tooLarge:
                throw .malformed("it has more than \(LMLimits.answerBytes >> 20) MiB")
            case .cancelled: throw LMError(.cancelled, "the request was cancelled")
            }
        }
    }

    /// Throws what a status other than 200 means.
    private func check(_ head: HTTPHead, _ bytes: [UInt8]) throws(LMError) {
        guard head.status != 200 else { return }
        guard head.status >= 300 || head.status < 100 else {
            throw .malformed("it has the status \(head.status)")
        }
        if head.status < 100 { throw .malformed("it is no HTTP") }
        let body = bytes.count <= LMLimits.errorBytes ? try? PlainJSON.decode(bytes) : nil
        let said = body.flatMap { APIError($0) } ?? APIError()
        let now = Timestamp(seconds: Int64(time(nil)))
        let wait = APIError.retryAfter(head.retryAfter, now: now)
        throw redacted(said.error(status: head.status, retryAfter: wait))
    }

    /// An API may quote the key it refuses.
    func redacted(_ error: LMError) -> LMError {
        guard let detail = error.detail,
            let key = try? endpoint.readKey(LMEndpoint.environment)
        else { return error }
        var error = error
        error.detail = Secrets(in: ["key": key], named: ["key"]).redacting(detail)
        return error
    }

    private static func type(_ contentType: String?) -> String? {
        contentType?.split(separator: ";").first?.lowercased()
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        guard let type = type(contentType) else { return false }
        return type == "application/json" || type.hasSuffix("+json")
    }

    private static func wrongType(_ head: HTTPHead) -> LMError {
        let type = type(head.contentType).map { String($0.prefix(60)) } ?? "no content type"
        return .malformed("it is \(type)")
    }
}
