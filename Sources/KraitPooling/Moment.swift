/// A point in time, as the pool's decisions count it: so long after the process began to count.
///
/// Not `ContinuousClock.Instant`, whose layout the compiler does not know: whatever holds one is
/// copied and compared by way of its type's witnesses, which cost a tenth of a call.
package struct Moment: InstantProtocol, Sendable {
    private static let origin = ContinuousClock.now
    private var sinceOrigin: Duration

    private init(_ sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }

    package init(_ instant: ContinuousClock.Instant) {
        self.init(Self.origin.duration(to: instant))
    }

    /// This moment.
    package static var now: Moment { Moment(.now) }

    /// The same point of the machine's clock.
    package var instant: ContinuousClock.Instant { Self.origin + sinceOrigin }

    package func advanced(by duration: Duration) -> Moment { Moment(sinceOrigin + duration) }

    package func duration(to other: Moment) -> Duration { other.sinceOrigin - sinceOrigin }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.sinceOrigin < right.sinceOrigin
    }

    package static func + (moment: Moment, duration: Duration) -> Moment {
        moment.advanced(by: duration)
    }

    package static func += (moment: inout Moment, duration: Duration) {
        moment.sinceOrigin += duration
    }
}
