/// Names a timer of an I/O thread.
package struct TimerToken: Hashable, Sendable {
    fileprivate var number: UInt64
}

/// The timers of one thread.
///
/// There are a few for each worker and pool, so they stay in one array and the next is found by
/// walking it.
struct TimerQueue {
    private var timers: [(token: TimerToken, instant: ContinuousClock.Instant, body: () -> Void)]
    private var next: UInt64 = 0
    private var earliest: ContinuousClock.Instant?

    init() { timers = [] }

    mutating func add(
        at instant: ContinuousClock.Instant,
        _ body: @escaping () -> Void
    ) -> TimerToken {
        next += 1
        let token = TimerToken(number: next)
        timers.append((token, instant, body))
        earliest = earliest.map { min($0, instant) } ?? instant
        return token
    }

    mutating func remove(_ token: TimerToken) {
        timers.removeAll { $0.token == token }
        earliest = timers.lazy.map(\.instant).min()
    }

    /// Removes the first timer that is due, and gives back what it is to call.
    mutating func takeDue(at now: ContinuousClock.Instant) -> (() -> Void)? {
        guard let first = earliest, first <= now,
            let index = timers.firstIndex(where: { $0.instant == first })
        else { return nil }
        let body = timers.remove(at: index).body
        earliest = timers.lazy.map(\.instant).min()
        return body
    }

    /// How long a poll may wait: −1 for ever, rounded up so that it never wakes too early.
    func millisecondsToNext(from now: ContinuousClock.Instant) -> Int32 {
        guard let earliest else { return -1 }
        guard earliest > now else { return 0 }
        let (seconds, attoseconds) = now.duration(to: earliest).components
        guard seconds < Int64(Int32.max) / 1_000 else { return .max }
        return Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
