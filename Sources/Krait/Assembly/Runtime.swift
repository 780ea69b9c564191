import KraitObservability
import KraitPooling
import KraitRouting
import KraitWire
import KraitZeroMQ

/// What is there while an orchestrator runs: the transport, the pools, and the router over them.
///
/// The router is an immutable value; it is made anew when a pool comes, goes or says what it can
/// do.
final class Runtime: Sendable {
    /// A pool that is running.
    struct Pool: Sendable {
        var name: String
        var workers: WorkerPool
        var backend: PoolBackend
        /// What its workers offer; nil until one is ready.
        var operations: Set<String>?
    }

    private struct State {
        var transport: Transport?
        var pools: [Pool] = []
        var natives: [Registry.Native] = []
        var policy = RoutingPolicy.preferNative
        var fallbacks = FallbackChains()
        var strategy: (any RoutingStrategy)?
        var middlewares: [any Middleware] = []
        var router: Router?

        /// Two parts of one name are refused before anything starts, so this cannot fail later.
        mutating func rebuild() throws(RegistryError) {
            let registry = try Registry(
                natives: natives,
                pools: pools.map {
                    Registry.Pool(
                        $0.name,
                        operations: $0.operations,
                        capabilities: [.streaming, .tools, .customTypes],
                        backend: $0.backend
                    )
                }
            )
            router = Router(
                registry: registry,
                policy: policy,
                middlewares: middlewares,
                fallbacks: fallbacks,
                strategy: strategy
            )
        }
    }

    private let state = Lock(State())

    /// Takes calls from now on.
    func open(
        _ transport: Transport,
        natives: [Registry.Native],
        policy: RoutingPolicy,
        fallbacks: FallbackChains,
        strategy: (any RoutingStrategy)?,
        middlewares: [any Middleware]
    ) throws(RegistryError) {
        try state.withLock { (state) throws(RegistryError) in
            state.transport = transport
            state.natives = natives
            state.policy = policy
            state.fallbacks = fallbacks
            state.strategy = strategy
            state.middlewares = middlewares
            try state.rebuild()
        }
    }

    /// Takes no more calls.
    func close() { state.withLock { $0 = State() } }

    /// Adds a pool, in the place of an earlier one of its name.
    ///
    /// A pool that has ended stays: its calls are refused with `shutting_down`, whereas of one that
    /// is not there nobody would know the operations.
    func add(_ pool: Pool) throws(RegistryError) {
        try state.withLock { (state) throws(RegistryError) in
            if let index = state.pools.firstIndex(where: { $0.name == pool.name }) {
                state.pools[index] = pool
            } else {
                state.pools.append(pool)
            }
            try state.rebuild()
        }
    }

    /// A worker of the pool has said what it offers.
    func offered(_ operations: Set<String>, by name: String) {
        state.withLock { state in
            guard let index = state.pools.firstIndex(where: { $0.name == name }),
                state.pools[index].operations != operations
            else { return }
            state.pools[index].operations = operations
            try? state.rebuild()
        }
    }

    /// What the workers of a pool offer; nil until one has said so.
    func operations(of name: String) -> Set<String>? {
        state.withLock { $0.pools.first { $0.name == name }?.operations }
    }

    var transport: Transport? { state.withLock { $0.transport } }

    var pools: [Pool] { state.withLock { $0.pools } }

    /// The router of this moment.
    func router() throws(CallError) -> Router {
        guard let router = state.withLock({ $0.router }) else {
            throw CallError(.shuttingDown, "the orchestrator is not running")
        }
        return router
    }
}
