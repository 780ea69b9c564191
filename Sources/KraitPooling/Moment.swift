/// A point in time, as the pool's decisions count it: so many nanoseconds after the process began
/// to count.
///
/// Not `ContinuousClock.Instant`, whose layout the compiler does not know: whatever holds one is
/// copied and compared by way of its type's witnesses, which cost a tenth of a call.
package struct Moment: InstantProtocol, Sendable {
    private static let origin = ContinuousClock.now
    private var nanoseconds: Int64

    private init(_ nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package init(_ instant: ContinuousClock.Instant) {
        self.init(Self.origin.duration(to: instant).nanoseconds)
    }

    /// This moment.
    package static var now: Moment { Moment(.now) }

    /// The same point of the machine's clock.
    package var instant: ContinuousClock.Instant { Self.origin + .nanoseconds(nanoseconds) }

    package func advanced(by duration: Duration) -> Moment {
        let (sum, isTooMuch) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Moment(isTooMuch ? .max : sum)
    }

    package func duration(to other: Moment) -> Duration {
        .nanoseconds(other.nanoseconds &- nanoseconds)
    }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (moment: Moment, duration: Duration) -> Moment {
        moment.advanced(by: duration)
    }

    package static func += (moment: inout Moment, duration: Duration) {
        moment = moment.advanced(by: duration)
    }
}

extension Duration {
    /// In whole nanoseconds; as many as there can be where it is longer than 292 years.
    fileprivate var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
