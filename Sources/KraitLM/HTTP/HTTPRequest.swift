/// A request as it goes over the wire; always a POST.
struct HTTPRequest: Sendable {
    var url: String
    /// Names and values, in the order they are sent.
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// How long all of it may take, connecting included.
    var timeout: Duration
    /// How many bytes of an answer are taken.
    var limit: Int
}

/// What comes before an answer's body.
struct HTTPHead: Sendable, Equatable {
    var status: Int
    /// As sent, parameters included; nil where there is none.
    var contentType: String?
    /// What `Retry-After` says, as sent.
    var retryAfter: String?

    /// Takes in a line of the head; a status line begins a new one (`100 Continue` goes before).
    mutating func took(line: some Collection<UInt8>) {
        // Most lines are of no use here, and not worth a text.
        guard let first = line.first, "HhCcRr".utf8.contains(first) else { return }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            self = HTTPHead(status: status ?? 0)
            return
        }
        guard let colon = text.firstIndex(of: ":") else { return }
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        let end = value.lastIndex { !$0.isWhitespace }
        let trimmed = end.map { String(value[...$0]) } ?? ""
        switch text[..<colon].lowercased() {
        case "content-type": contentType = trimmed
        case "retry-after": retryAfter = trimmed
        default: break
        }
    }
}

/// Why there is no answer, or only a part of one.
enum HTTPFailure: Error, Sendable, Equatable {
    /// No connection, or one that broke: what libcurl says of it, which quotes nothing.
    case broken(String)
    /// The time was up.
    case timeout
    /// The answer has more bytes than are taken.
    case tooLarge
    /// The task was cancelled, or the client is gone.
    case cancelled
}
