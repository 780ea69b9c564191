/// How much of a process's output is logged: so many lines and bytes a second, and for what is
/// beyond them one line a second that says how many were dropped.
///
/// A value: decides, and knows the time only by being told.
struct OutputBudget: Equatable {
    typealias Instant = ContinuousClock.Instant

    /// What a second may hold.
    var lines = 1_000
    var bytes = 256 << 10

    private var spentLines = 0
    private var spentBytes = 0
    private var dropped = 0
    /// When the second is over; nil before the first line of one.
    private var end: Instant?
    private var readBytes = 0
    private var readEnd: Instant?

    init(lines: Int = 1_000, bytes: Int = 256 << 10) {
        self.lines = lines
        self.bytes = bytes
    }

    /// Whether nothing more is logged within this second.
    func isSpent(at now: Instant) -> Bool {
        guard let end, now < end else { return false }
        return spentLines >= lines || spentBytes >= bytes
    }

    /// Whether a line of so many bytes is logged; otherwise it counts as dropped.
    mutating func admits(bytes count: Int, at now: Instant) -> Bool {
        if end.map({ $0 <= now }) ?? true {
            end = now + .seconds(1)
            (spentLines, spentBytes) = (0, 0)
        }
        guard !isSpent(at: now) else {
            dropped += 1
            return false
        }
        spentLines += 1
        spentBytes += count
        return true
    }

    /// Takes note of what was read, whether or not it is logged.
    mutating func read(_ count: Int, at now: Instant) {
        if readEnd.map({ $0 <= now }) ?? true {
            readEnd = now + .seconds(1)
            readBytes = 0
        }
        readBytes += count
    }

    /// Whether so much has come within a second that reading it is to pause between: a line
    /// without end, too, costs its reader time.
    func isFlood(at now: Instant) -> Bool {
        let isReading = readEnd.map { now < $0 } ?? false
        return isSpent(at: now) || (isReading && readBytes >= Self.floodBytes)
    }

    private static let floodBytes = 1 << 20

    /// Lines that were passed over within a second that is spent.
    mutating func drop(_ lines: Int) { dropped += lines }

    /// When `takeDropped` has something to say; nil where nothing was dropped.
    var reportDue: Instant? { dropped > 0 ? end : nil }

    /// How many lines were dropped since the last time.
    mutating func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}
