import Krait

/// One echo call through a pool of its own, for `krait doctor`.
enum EchoRoundTrip {
    @Sendable static func run(python: String?) async throws -> Duration {
        let orchestrator = Orchestrator(name: "doctor") {
            PythonPool("doctor", adapter: .echo, workers: 1, python: python)
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            let start = ContinuousClock.now
            _ = try await krait.call("echo", ["ok": true])
            return start.duration(to: .now)
        }
    }
}
