import KraitWire
import KraitWorkers

extension Orchestrator {
    /// A tensor that `fill` writes into shared memory which a pool's workers can see, so that
    /// calling them with it copies nothing; `fill` must set every number.
    ///
    /// Memory of this process's own where the pool has no room, no shared memory, or is not there:
    /// such a tensor can be sent as well, and is copied then. Throws `TableError` for a shape that
    /// is none, and what `fill` throws.
    public func tensor<Number: TableNumber>(
        shape: [Int],
        of type: Number.Type = Number.self,
        for pool: String,
        fill: (UnsafeMutableBufferPointer<Number>) throws -> Void
    ) throws -> Tensor {
        let arena = runtime.pools.first { $0.name == pool }?.backend.arena
        let shared = try Tensor(
            shape: shape,
            of: type,
            in: { count in arena?.allocate(count).map { ($0, $0.storage) } },
            fill: fill
        )
        return try shared ?? Tensor(shape: shape, of: type, fill: fill)
    }

    /// What a pool has of shared memory; nil where it uses none.
    package func arenaUsage(of pool: String) -> Arena.Usage? {
        runtime.pools.first { $0.name == pool }?.backend.arena?.usage
    }
}
