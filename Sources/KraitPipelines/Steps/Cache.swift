import KraitObservability
import KraitWire

/// Keeps what its steps gave, and gives it again where the same input comes.
///
/// ```swift
/// Cache(limit: 10_000, for: .seconds(3_600)) { Predict("question -> answer") }
/// ```
///
/// It belongs to the pipeline, so all its runs share it; it holds at most `limit` outputs, and what
/// was not asked for longest goes first. Failures are not kept. The same input at the same time is
/// worked on twice.
public struct Cache<Input: Sendable & Hashable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Cache" }
    private let kept: Lock<RecentValues<Input, Output>>
    private let steps: Steps<Input, Output>
    private let limit: Int

    /// A step with room for so many outputs.
    ///
    /// - Parameter lifetime: how long an output is good; nil keeps it while there is room.
    public init(
        limit: Int,
        for lifetime: Duration? = nil,
        @PipelineBuilder _ steps: () -> Steps<Input, Output>
    ) {
        self.limit = max(2, limit)
        kept = Lock(RecentValues(limit: self.limit, lifetime: lifetime))
        self.steps = steps()
    }

    /// Gives what is kept, or runs the steps.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        if let output = kept.withLock({ $0.value(of: input, at: .now) }) { return output }
        let output = try await context.run(steps, as: "missed", input, isLast: true)
        kept.withLock { $0.keep(output, of: input, at: .now) }
        return output
    }

    /// The steps, which run where nothing is kept.
    public var outline: StepOutline {
        StepOutline(.sequence, [.init("missed", steps)], note: "keeps \(limit) outputs")
    }
}

/// A bounded number of values by their keys: what was not asked for longest goes first.
///
/// Two generations: when the young one is half of all, it takes the place of the old one, and what
/// nobody asked for since is gone. So each question is one look or two, at any size.
package struct RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var value: Value
        var since: ContinuousClock.Instant
    }

    private let half: Int
    private let lifetime: Duration?
    private var young: [Key: Entry] = [:]
    private var old: [Key: Entry] = [:]

    package init(limit: Int, lifetime: Duration? = nil) {
        half = max(1, limit / 2)
        self.lifetime = lifetime
    }

    /// How many values there are.
    package var count: Int { young.count + old.count }

    /// The value of a key, unless it is too old.
    package mutating func value(of key: Key, at now: ContinuousClock.Instant) -> Value? {
        if let entry = young[key] { return isGood(entry, at: now) ? entry.value : nil }
        guard let entry = old.removeValue(forKey: key), isGood(entry, at: now) else { return nil }
        insert(entry, of: key)
        return entry.value
    }

    /// Keeps a value, in the place of an earlier one of its key.
    package mutating func keep(_ value: Value, of key: Key, at now: ContinuousClock.Instant) {
        old[key] = nil
        insert(Entry(value: value, since: now), of: key)
    }

    private mutating func insert(_ entry: Entry, of key: Key) {
        if young.count >= half, young[key] == nil { (old, young) = (young, [:]) }
        young[key] = entry
    }

    private func isGood(_ entry: Entry, at now: ContinuousClock.Instant) -> Bool {
        lifetime.map { entry.since.duration(to: now) < $0 } ?? true
    }
}
