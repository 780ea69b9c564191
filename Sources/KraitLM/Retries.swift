/// Decides whether and when a failed request is sent again; pure.
///
/// Transient errors are, as in DSPy: rate limits, time-outs, failures of the server and of the
/// connection, after what `Retry-After` asks for or, with full jitter, up to 1, 2, 4… seconds.
struct Retries: Equatable {
    /// How often more it may be sent.
    private(set) var left: Int
    private var bound: Duration

    static let first = Duration.seconds(1)

    init(_ count: Int, first: Duration = Self.first) {
        left = count
        bound = first
    }

    /// How long to wait before the next try; nil where there is none.
    ///
    /// - Parameters:
    ///   - remaining: how long the request has left.
    ///   - random: in `0..<1`.
    mutating func failed(_ error: LMError, remaining: Duration, random: Double) -> Duration? {
        guard left > 0, error.kind.isTransient else { return nil }
        let wait = error.retryAfter ?? bound * random
        guard wait <= LMLimits.longestWait, wait < remaining else { return nil }
        left -= 1
        bound = min(bound * 2, LMLimits.longestWait)
        return wait
    }
}
