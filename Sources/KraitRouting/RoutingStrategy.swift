import KraitWire

/// A way of one's own to choose among the places that could answer a call.
///
/// It is asked where the call leaves the choice and there is more than one place; what it leaves
/// open, the policy decides. It is a value that every call uses: both methods are called from any
/// thread and take as long as the call waits.
///
/// ```swift
/// struct AtNight: RoutingStrategy {
///     let name = "at-night"
///
///     func choose(for operation: String, among places: [Route]) -> RouteAdvice? {
///         isNight() ? RouteAdvice(.pool("large"), because: "it is night") : nil
///     }
/// }
/// ```
public protocol RoutingStrategy: Sendable {
    /// What decisions call it.
    var name: String { get }

    /// The place to take, and why; nil, or a place that is not among these, leaves it open.
    func choose(for operation: String, among places: [Route]) -> RouteAdvice?

    /// A call has ended on a place. Default: nothing.
    func callEnded(
        _ operation: String,
        on place: Route,
        after duration: Duration,
        failure: CallError.Code?
    )

    /// How long a call is expected to take on a place. Default: not known.
    func expected(_ operation: String, on place: Route) -> Duration?

    /// The same for several places, in their order. Default: one after the other.
    func expected(_ operation: String, among places: [Route]) -> [Duration?]
}

extension RoutingStrategy {
    /// Learns nothing.
    public func callEnded(
        _ operation: String,
        on place: Route,
        after duration: Duration,
        failure: CallError.Code?
    ) {}

    /// Knows nothing.
    public func expected(_ operation: String, on place: Route) -> Duration? { nil }

    /// Asks for each.
    public func expected(_ operation: String, among places: [Route]) -> [Duration?] {
        places.map { expected(operation, on: $0) }
    }
}

/// A place that a strategy has chosen, and why.
public struct RouteAdvice: Sendable, Hashable {
    /// The place.
    public var place: Route
    /// Why, as the end of a sentence: `it is night`.
    public var reason: String

    /// A place with a reason.
    public init(_ place: Route, because reason: String) {
        self.place = place
        self.reason = reason
    }
}
