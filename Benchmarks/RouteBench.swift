import Krait

/// Measures what a route decision costs: the look-up by itself, and a call of native code through
/// the router beside the same code without it.
package struct RouteBench: Sendable {
    /// One policy's figures, in microseconds.
    package struct Figures: Sendable {
        package var policy: RoutingPolicy
        /// Deciding and recording why, as `krait route explain` does.
        package var decision: Double
        /// A call through the router.
        package var routed: Double
        /// The same call of the code alone.
        package var direct: Double
    }

    private let count = 20_000

    package init() {}

    /// Measures each policy in turn.
    package func run(onFigures: (Figures) throws -> Void) async throws {
        let code = NativeBackend { _ in nil }
        let registry = try Registry(
            natives: [.init("predict:Desk.Polish", backend: code)],
            pools: (1...8).map { .init("pool\($0)", operations: ["predict"], backend: code) }
        )
        let call = Call("predict:Desk.Polish")
        for policy in RoutingPolicy.allCases {
            let strategy = policy == .fastest ? FastestRoute() : nil
            let router = Router(registry: registry, policy: policy, strategy: strategy)
            let decision = try await microseconds { _ = try router.explain(call.operation) }
            let routed = try await microseconds { _ = try await router.call(call) }
            let direct = try await microseconds { _ = try await code.call(call) }
            try onFigures(
                Figures(policy: policy, decision: decision, routed: routed, direct: direct)
            )
        }
    }

    /// The best of some rounds: what the machine does beside it only ever adds.
    private func microseconds(_ body: () async throws -> Void) async throws -> Double {
        var best = Double.infinity
        for _ in 0..<10 {
            let start = ContinuousClock.now
            for _ in 0..<count { try await body() }
            best = min(best, start.duration(to: .now) / .microseconds(1) / Double(count))
        }
        return best
    }
}
