/// Counts outcomes over a time that moves along: the last tenth of it is dropped as a whole.
struct OutcomeWindow: Equatable {
    typealias Instant = Moment

    struct Counts: Equatable {
        var calls = 0
        var failures = 0
        var slow = 0

        static func += (left: inout Self, right: Self) {
            left.calls += right.calls
            left.failures += right.failures
            left.slow += right.slow
        }

        static func -= (left: inout Self, right: Self) {
            left.calls -= right.calls
            left.failures -= right.failures
            left.slow -= right.slow
        }
    }

    private static let parts = 10
    private let width: Duration
    private var buckets = Array(repeating: Counts(), count: parts)
    private var current = 0
    /// When the current part is over; nil before the first outcome.
    private var end: Instant?
    private(set) var total = Counts()

    init(length: Duration) { width = length / Self.parts }

    mutating func add(_ counts: Counts, at now: Instant) {
        advance(to: now)
        buckets[current] += counts
        total += counts
    }

    /// Drops what is older than the window.
    mutating func advance(to now: Instant) {
        guard let end else { return self.end = now + width }
        guard now >= end else { return }
        if now >= end + width * Self.parts {
            self = OutcomeWindow(length: width * Self.parts)
            self.end = now + width
            return
        }
        var next = end
        while next <= now {
            current = (current + 1) % Self.parts
            total -= buckets[current]
            buckets[current] = Counts()
            next += width
        }
        self.end = next
    }
}
