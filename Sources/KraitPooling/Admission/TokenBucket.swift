/// How many calls may be made in a time.
package struct RateLimit: Sendable, Equatable {
    /// Calls a second, in the long run.
    package var perSecond: Double
    /// How many may come at once after a rest.
    package var burst: Int

    package init(perSecond: Double, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? max(1, Int(perSecond.rounded(.up)))
    }
}

/// Keeps a rate: it fills steadily up to the burst, and each call takes one token out.
struct TokenBucket: Equatable {
    typealias Instant = Moment

    private let limit: RateLimit
    private var tokens: Double
    private var filled: Instant

    init(_ limit: RateLimit, at now: Instant) {
        self.limit = limit
        tokens = Double(limit.burst)
        filled = now
    }

    /// Takes a token; where there is none, how long until there is one.
    mutating func take(at now: Instant) -> Duration? {
        fill(at: now)
        if tokens >= 1 {
            tokens -= 1
            return nil
        }
        return .seconds((1 - tokens) / limit.perSecond)
    }

    /// How full it is, from 0 to 1; a full one remembers nothing.
    mutating func fullness(at now: Instant) -> Double {
        fill(at: now)
        return tokens / Double(limit.burst)
    }

    private mutating func fill(at now: Instant) {
        guard now > filled else { return }
        let gained = filled.duration(to: now) / .seconds(1) * limit.perSecond
        tokens = min(Double(limit.burst), tokens + gained)
        filled = now
    }
}

/// The rate of each caller by itself.
///
/// Only those that have lately called are remembered.
struct CallerBuckets: Equatable {
    typealias Instant = Moment

    static let maximumCount = 10_000
    private let limit: RateLimit
    private var buckets: [UInt64: TokenBucket] = [:]

    init(_ limit: RateLimit) { self.limit = limit }

    var count: Int { buckets.count }

    /// Takes a token of the caller's; where there is none, how long until there is one.
    mutating func take(of caller: UInt64, at now: Instant) -> Duration? {
        if buckets[caller] == nil, buckets.count >= Self.maximumCount { makeRoom(at: now) }
        return buckets[caller, default: TokenBucket(limit, at: now)].take(at: now)
    }

    /// Forgets the callers whose rate is used least: half of them, so that this is seldom.
    private mutating func makeRoom(at now: Instant) {
        var byFullness: [(caller: UInt64, fullness: Double)] = []
        for caller in Array(buckets.keys) {
            guard let fullness = buckets[caller]?.fullness(at: now) else { continue }
            byFullness.append((caller, fullness))
        }
        byFullness.sort { ($0.fullness, $0.caller) > ($1.fullness, $1.caller) }
        for entry in byFullness.prefix(Self.maximumCount / 2) { buckets[entry.caller] = nil }
    }
}
