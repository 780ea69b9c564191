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

    /// A strategy that has measured nothing.
    public init() {}

    /// The fastest place, or now and then another.
    public func choose(for operation: String, among places: [Route]) -> RouteAdvice? {
        let random = Double.random(in: 0..<1)
        return latencies.withLock { all in
            guard all[operation] != nil || all.count < Self.operationLimit else { return nil }
            return all[operation, default: Latencies()].choose(among: places, random: random)
        }
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
        latencies.withLock { $0[operation]?.mean(of: place) }
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
        var seconds: Double
        var count: Int
    }

    private var means: [Route: Mean] = [:]

    package init() {}

    /// The moving mean of a place's calls; nil before the first.
    package func mean(of place: Route) -> Duration? {
        means[place].map { .seconds($0.seconds) }
    }

    /// Measures a call.
    ///
    /// A failure of the place is as if it had taken twice as long as usual: a
    /// place that refuses at once is not fast.
    package mutating func ended(_ place: Route, after time: Duration, failure: CallError.Code?) {
        var seconds = time / .seconds(1)
        switch failure {
        case nil: break
        // The caller's doing, which says nothing of the place.
        case .cancelled, .invalidInput, .faulted: return
        default:
            let usual = means[place].map { 2 * $0.seconds } ?? Self.failureCost / .seconds(1)
            seconds = max(seconds, usual)
        }
        let before = means[place] ?? Mean(seconds: seconds, count: 0)
        let mean = before.seconds + Self.weight * (seconds - before.seconds)
        means[place] = Mean(seconds: mean, count: min(before.count + 1, Self.believed))
    }

    /// The place that the next call takes.
    ///
    /// - Parameter random: a number from 0 up to 1.
    package func choose(among places: [Route], random: Double) -> RouteAdvice? {
        if let place = places.first(where: { (means[$0]?.count ?? 0) < Self.believed }) {
            return RouteAdvice(place, because: "it has not been measured often enough")
        }
        guard let best = places.min(by: { seconds($0) < seconds($1) }) else { return nil }
        let others = places.filter { $0 != best }
        guard !others.isEmpty, random < Self.exploration else {
            return RouteAdvice(best, because: "it has been the fastest")
        }
        let index = Int(random / Self.exploration * Double(others.count))
        return RouteAdvice(others[index], because: "it is its turn to be measured again")
    }

    private func seconds(_ place: Route) -> Double { means[place]?.seconds ?? .infinity }
}
