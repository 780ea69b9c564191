import KraitWire
import KraitWorkers

/// Large values without a copy on Krait's side, for benches and for values that are views.
extension Orchestrator {
    /// Memory that a pool's workers can see, to be filled before it is sent; nil where the pool has
    /// none free.
    package func allocate(_ count: Int, for pool: String) -> ArenaBytes? {
        runtime.pools.first { $0.name == pool }?.backend.arena?.allocate(count)
    }

    /// Calls an operation of one argument `data`, and gives what came beside its answer.
    package func exchange(
        _ operation: String,
        _ bytes: any SharedBytes,
        with pool: String
    ) async throws(CallError) -> [any SharedBytes] {
        guard let pool = runtime.pools.first(where: { $0.name == pool }) else {
            throw CallError(.unknownPool, "there is no pool `\(pool)`")
        }
        return try await pool.backend.exchange(operation, bytes)
    }

    /// What a pool has of shared memory; nil where it uses none.
    package func arenaUsage(of pool: String) -> Arena.Usage? {
        runtime.pools.first { $0.name == pool }?.backend.arena?.usage
    }
}
