import KraitObservability
import KraitWire

/// Takes the place that has answered an operation fastest so far, and keeps trying the others.
///
/// The policy `fastest` is this. What it has measured is bounded: operations beyond the limit are
/// not measured, and go the policy's way.
public final class FastestRoute: RoutingStrategy {
    /// `fastest`.
    public let name = "fastest"
    /// How many operations are measured.
    public static let operationLimit = 1_024
    private let latencies = Lock<[String: Latencies]>([:])
    private let chance = Lock(Chance())

    /// A strategy that has measured nothing.
    public init() {}

    /// The fastest place, or now and then another.
    public func choose(for operation: String, among places: [Route]) -> RouteAdvice? {
        let measured = latencies.withLock { all -> Latencies? in
            all[operation] ?? (all.count < Self.operationLimit ? Latencies() : nil)
        }
        return measured?.choose(among: places, random: chance.withLock { $0.next() })
    }

    /// Measures.
    public func callEnded(
        _ operation: String,
        on place: Route,
        after duration: Duration,
        failure: CallError.Code?
    ) {
        latencies.withLock { all in
            guard all[operation] != nil || all.count < Self.operationLimit else { return }
            all[operation, default: Latencies()].ended(place, after: duration, failure: failure)
        }
    }

    /// The mean of what was measured.
    public func expected(_ operation: String, on place: Route) -> Duration? {
        latencies.withLock { $0[operation] }?.mean(of: place)
    }

    /// The means of what was measured, looked up together.
    public func expected(_ operation: String, among places: [Route]) -> [Duration?] {
        guard let measured = latencies.withLock({ $0[operation] }) else {
            return places.map { _ in nil }
        }
        return places.map { measured.mean(of: $0) }
    }
}

/// Numbers that look random, without a system call for each: SplitMix64.
private struct Chance {
    private var state = UInt64.random(in: 0 ... .max)

    /// The next number from 0 up to 1.
    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }
}

/// How long one operation takes on each place: a pure value.
package struct Latencies: Sendable, Hashable {
    /// How many calls a place is given before its mean is believed.
    package static let believed = 3
    /// The share of calls that go to a place that is not the fastest, so that it can become it.
    package static let exploration = 0.05
    /// How much of a mean the newest call is.
    private static let weight = 0.2
    /// What a failure is measured as at least, with nothing measured before.
    private static let failureCost = Duration.seconds(1)

    private struct Mean: Sendable, Hashable {
        var place: Route
        var seconds: Double
        var count: Int
    }

    /// In no order: places are few, and to look through them costs less than to hash their names.
    private var means: [Mean] = []

    package init() {}

    /// The moving mean of a place's calls; nil before the first.
    package func mean(of place: Route) -> Duration? {
        find(place).map { .seconds(means[$0].seconds) }
    }

    private func find(_ place: Route) -> Int? { means.firstIndex { $0.place == place } }

    /// Measures a call.
    ///
    /// A failure of the place is as if it had taken twice as long as usual: a
    /// place that refuses at once is not fast.
    package mutating func ended(_ place: Route, after time: Duration, failure: CallError.Code?) {
        var seconds = time / .seconds(1)
        let index = find(place)
        switch failure {
        case nil: break
        // The caller's doing, which says nothing of the place.
        case .cancelled, .invalidInput, .faulted: return
        default:
            let usual = index.map { 2 * means[$0].seconds } ?? Self.failureCost / .seconds(1)
            seconds = max(seconds, usual)
        }
        guard let index else {
            return means.append(Mean(place: place, seconds: seconds, count: 1))
        }
        means[index].seconds += Self.weight * (seconds - means[index].seconds)
        means[index].count = min(means[index].count + 1, Self.believed)
    }

    /// The place that the next call takes.
    ///
    /// - Parameter random: a number from 0 up to 1.
    package func choose(among places: [Route], random: Double) -> RouteAdvice? {
        var best: (place: Int, seconds: Double)?
        for (index, place) in places.enumerated() {
            guard let mean = find(place).map({ means[$0] }), mean.count >= Self.believed else {
                return RouteAdvice(place, because: "it has not been measured often enough")
            }
            if best.map({ mean.seconds < $0.seconds }) ?? true { best = (index, mean.seconds) }
        }
        guard let best else { return nil }
        guard places.count > 1, random < Self.exploration else {
            return RouteAdvice(places[best.place], because: "it has been the fastest")
        }
        let other = Int(random / Self.exploration * Double(places.count - 1))
        return RouteAdvice(
            places[other < best.place ? other : other + 1],
            because: "it is its turn to be measured again"
        )
    }
}
