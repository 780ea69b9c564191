import Glibc
import KraitWire

/// What an API says of an error, in either dialect.
struct APIError: Equatable {
    var message: String
    var code: String

    /// Nil where the body is no error's.
    init?(_ body: Value) {
        switch body["error"] {
        case .map(let error)?:
            message = error["message"]?.string ?? ""
            code = error["code"]?.string ?? error["type"]?.string ?? ""
            // `overloaded_error` and its like are types; `code` is the finer of the two.
            if code.isEmpty { code = error["type"]?.string ?? "" }
        case .string(let text)?:
            message = text
            code = ""
        default: return nil
        }
    }

    init(message: String = "", code: String = "") {
        self.message = message
        self.code = code
    }

    /// Which kind of error a status and its body are.
    func kind(status: Int) -> LMError.Kind {
        let text = message.lowercased()
        if code == "context_length_exceeded" || text.contains("maximum context length")
            || text.contains("prompt is too long")
        {
            return .contextWindowExceeded
        }
        switch (status, code) {
        case (_, "insufficient_quota"), (402, _): return .billing
        case (_, "model_not_found"): return .unsupportedModel
        case (401, _), (403, _): return .auth
        case (408, _), (504, _): return .timeout
        case (429, _): return .rateLimited
        case (500..., _): return .server
        default: return .invalidRequest
        }
    }

    func error(status: Int, retryAfter: Duration? = nil) -> LMError {
        let kind = kind(status: status)
        return LMError(
            kind,
            Self.sentence(kind, retryAfter),
            status: status,
            retryAfter: retryAfter,
            detail: message.isEmpty ? nil : APIText.detail(message)
        )
    }

    /// An error within a stream that began well.
    var midStream: LMError {
        let kind: LMError.Kind =
            code.contains("rate_limit") ? .rateLimited : kind(status: 500)
        return LMError(
            kind,
            "the endpoint has failed in the middle of a stream",
            detail: message.isEmpty ? nil : APIText.detail(message)
        )
    }

    private static func sentence(_ kind: LMError.Kind, _ wait: Duration?) -> String {
        switch kind {
        case .auth: "the endpoint refuses the key: look at it and at what it may do"
        case .billing: "the account has no credit left"
        case .rateLimited:
            "the endpoint takes no more requests for now: ask again "
                + (wait.map { "in \(Int64($0 / .seconds(1))) s" } ?? "later")
                + ", send fewer at once, or give the request a longer timeout and more tries"
        case .timeout: "the endpoint gave up waiting"
        case .server: "the endpoint has failed"
        case .contextWindowExceeded: "the conversation is longer than the model takes"
        case .unsupportedModel: "the endpoint has no such model"
        default: "the endpoint does not take the request; debugDescription has its words"
        }
    }

    /// What `Retry-After` asks for: seconds, or a date; nil where it is neither.
    static func retryAfter(_ header: String?, now: Timestamp) -> Duration? {
        guard let header else { return nil }
        if let seconds = Double(header) {
            guard seconds.isFinite, seconds >= 0 else { return nil }
            return .seconds(min(seconds, 1e9))
        }
        return date(header).map { .seconds(max(0, $0 - now.seconds)) }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int32(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int32(parts[3])
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int32($0) }
        guard clock.count == 3, (1...31).contains(day), (1970...9999).contains(year) else {
            return nil
        }
        var time = tm()
        (time.tm_year, time.tm_mon, time.tm_mday) = (year - 1_900, Int32(month), day)
        (time.tm_hour, time.tm_min, time.tm_sec) = (clock[0], clock[1], clock[2])
        return Int64(timegm(&time))
    }
}
