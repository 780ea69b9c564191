/// How many restarts within which time a supervisor makes before it gives up.
package struct RestartIntensity: Sendable, Hashable {
    package let maximum: Int
    package let window: Duration

    /// At most `maximum` restarts within any `window`; one more and the supervisor gives up.
    package static func atMost(_ maximum: Int, within window: Duration) -> RestartIntensity {
        precondition(maximum >= 0 && window > .zero, "a restart intensity is 0 or more in a time")
        return RestartIntensity(maximum: maximum, window: window)
    }

    /// Three in five seconds.
    package static let standard = RestartIntensity.atMost(3, within: .seconds(5))
}

/// The restarts that still count: OTP's sliding window.
///
/// ```
/// at most 3 in 5 s:   ×─────×──×───────×──────────▶
///                     0     2  3       5.1
///                           └───── 5 s ─────┘
/// ```
///
/// The fourth is allowed because at 5.1 s the first has left the window; at exactly 5 s it would
/// still have counted. It holds at most one entry more than the intensity allows.
package struct RestartLog<Instant: InstantProtocol>: Sendable, Equatable
where Instant.Duration == Duration {
    package let intensity: RestartIntensity
    private var restarts: [Instant] = []

    package init(_ intensity: RestartIntensity) { self.intensity = intensity }

    /// Notes a restart and says whether it is still allowed.
    package mutating func restarted(at now: Instant) -> Bool {
        restarts.removeAll { $0.duration(to: now) > intensity.window }
        restarts.append(now)
        return restarts.count <= intensity.maximum
    }
}
