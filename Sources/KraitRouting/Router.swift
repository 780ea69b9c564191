import KraitWire

/// Carries each call to the implementation that the policy and the call choose.
///
/// A value: there is no lock and no actor on a call's way, and a change (a pool that came or went)
/// is another router. Without middlewares and observer a call costs one look-up, one walk over the
/// operation's implementations and the backend's own call.
package struct Router: Backend {
    private let parts: Parts

    /// Behind one reference, so that handing a router out, or keeping it in a task, is one retain.
    fileprivate final class Parts: Sendable {
        let registry: Registry
        let planner: RoutePlanner
        let middlewares: [any Middleware]
        let observer: (any RouteObserver)?
        let fallbacks: FallbackChains
        let strategy: (any RoutingStrategy)?
        /// Nothing stands between a call and its backend.
        let isDirect: Bool

        init(
            _ registry: Registry,
            _ planner: RoutePlanner,
            _ middlewares: [any Middleware],
            _ observer: (any RouteObserver)?,
            _ fallbacks: FallbackChains,
            _ strategy: (any RoutingStrategy)?
        ) {
            self.registry = registry
            self.planner = planner
            self.middlewares = middlewares
            self.observer = observer
            self.fallbacks = fallbacks
            self.strategy = strategy
            isDirect =
                middlewares.isEmpty && observer == nil && fallbacks.isEmpty && strategy == nil
        }
    }

    package init(
        registry: Registry,
        policy: RoutingPolicy = .preferNative,
        middlewares: [any Middleware] = [],
        observer: (any RouteObserver)? = nil,
        fallbacks: FallbackChains = FallbackChains(),
        strategy: (any RoutingStrategy)? = nil
    ) {
        let planner = RoutePlanner(policy: policy)
        parts = Parts(registry, planner, middlewares, observer, fallbacks, strategy)
    }

    package var registry: Registry { parts.registry }
    package var planner: RoutePlanner { parts.planner }
    /// From the outermost to the one next to the backend.
    package var middlewares: [any Middleware] { parts.middlewares }
    package var observer: (any RouteObserver)? { parts.observer }
    package var fallbacks: FallbackChains { parts.fallbacks }
    /// Who is asked before the policy; nil for nobody.
    package var strategy: (any RoutingStrategy)? { parts.strategy }

    /// Answers a call: decides, passes the middlewares, asks the backend, records.
    ///
    /// Errors of the decision are `unknown_operation` and `unknown_pool`, before anything was sent;
    /// all others are the backend's, completed by the operation and the pool where it left them
    /// out.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        guard parts.isDirect else { return try await callRecorded(call) }
        let way = try decide(call.operation, call.options.route, call.required)
        do {
            // Copying a call costs two dozen references, and nearly all are asked as they are.
            guard way.changes(call) else { return try await way.backend.call(call) }
            return try await way.backend.call(way.asked(call))
        } catch {
            let error = error.completed(operation: call.operation, route: way.route)
            guard FallbackChains.concerns(error) else { throw error }
            return try await callElsewhere(call, after: error, on: way)
        }
    }

    @inline(never)
    private func callElsewhere(
        _ call: Call,
        after error: CallError,
        on way: Way
    ) async throws(CallError) -> Reply {
        let failed = [RouteDecision.FailedPlace(way.route, error)]
        guard let route = nextRoute(after: error, of: call, failed, way, call.required) else {
            throw error
        }
        return try await callDecided(call, requiring: call.required, route.choice, failed).reply
    }

    /// A function of its own, so that `call` reserves no room for the decision.
    private func callRecorded(_ call: Call) async throws(CallError) -> Reply {
        try await callDecided(call).reply
    }

    /// Answers a call and gives its decision, with the measured duration, beside the reply.
    ///
    /// Where the chosen place cannot take the call, the operation's fallbacks are tried, within the
    /// call's own time; the decision names the places that could not.
    package func callDecided(
        _ call: Call,
        requiring required: Capabilities = []
    ) async throws(CallError) -> (reply: Reply, decision: RouteDecision) {
        try await callDecided(
            call,
            requiring: required.union(call.required),
            call.options.route,
            []
        )
    }

    /// - Parameters:
    ///   - choice: where the call goes first.
    ///   - failed: the places that could not take it before.
    private func callDecided(
        _ call: Call,
        requiring required: Capabilities,
        _ choice: RouteChoice,
        _ failed: [RouteDecision.FailedPlace]
    ) async throws(CallError) -> (reply: Reply, decision: RouteDecision) {
        let start = ContinuousClock.now
        var (next, failed) = (call, failed)
        next.options.route = choice
        while true {
            let way: Way
            do {
                way = try decide(call.operation, next.options.route, required)
            } catch {
                observer?.callRefused(error)
                throw error
            }
            var decision = way.decision(on: next, parts, requiring: required, failed)
            let begin = strategy == nil ? start : .now
            do {
                let reply = try await pass(next, from: 0, along: way)
                decision.duration = start.duration(to: .now)
                ended(decision, since: begin, .success(reply.source))
                return (reply, decision)
            } catch {
                let error = error.completed(operation: call.operation, route: way.route)
                decision.duration = start.duration(to: .now)
                ended(decision, since: begin, .failure(error))
                failed.append(RouteDecision.FailedPlace(way.route, error))
                guard let route = nextRoute(after: error, of: call, failed, way, required) else {
                    throw error
                }
                next.options.route = route.choice
                if let timeout = call.options.timeout {
                    let left = timeout - start.duration(to: .now)
                    guard left > .zero else { throw error }
                    next.options.timeout = left
                }
            }
        }
    }

    /// Tells the observer and the strategy how a call has ended on a place.
    private func ended(
        _ decision: RouteDecision,
        since begin: ContinuousClock.Instant,
        _ outcome: Result<Reply.Source, CallError>
    ) {
        observer?.callEnded(decision, outcome)
        guard let strategy else { return }
        var failure: CallError.Code?
        if case .failure(let error) = outcome { failure = error.code }
        strategy.callEnded(
            decision.operation,
            on: decision.chosen,
            after: begin.duration(to: .now),
            failure: failure
        )
    }

    /// The next of the operation's fallbacks at which somebody answers.
    private func nextRoute(
        after error: CallError,
        of call: Call,
        _ failed: [RouteDecision.FailedPlace],
        _ way: Way,
        _ required: Capabilities
    ) -> Route? {
        var tried = failed.map(\.route)
        // What the caller has had of it cannot be taken back.
        if call.flow?.hasBegun == true { return nil }
        let offered = way.entry.routes
        while let route = fallbacks.next(
            after: error,
            of: call,
            tried: tried,
            offered: offered
        ) {
            if (try? decide(call.operation, route.choice, required)) != nil { return route }
            tried.append(route)
        }
        return nil
    }

    /// What a call of the operation with these options would take, without making it.
    package func explain(
        _ operation: String,
        options: CallOptions = CallOptions(),
        requiring required: Capabilities = []
    ) throws(CallError) -> RouteDecision {
        let way = try decide(operation, options.route, required)
        let call = Call(operation, options: options)
        var decision = way.decision(on: call, parts, requiring: required, [])
        if options.route == .automatic {
            decision.fallbacks = fallbacks.routes(of: operation).filter { $0 != way.route }
        }
        return decision
    }

    // Not inlined, as `asked` and `completed` are not: what they need for a moment would have its
    // place in the frame of each call that waits, and a thousand of those fall out of the cache.
    @inline(never)
    private func decide(
        _ operation: String,
        _ choice: RouteChoice,
        _ required: Capabilities = []
    ) throws(CallError) -> Way {
        let entry = registry.entry(for: operation)
        if let strategy, choice == .automatic, entry.candidates.count > 1,
            let way = advised(strategy, operation, entry, required)
        {
            return way
        }
        let index = planner.choose(
            among: entry.candidates,
            choice: choice,
            requiring: required
        )
        if let index { return Way(entry: entry, index: index) }
        throw registry.refusal(of: operation, choice: choice, requiring: required)
    }

    /// The way that the strategy chooses among the places that are capable; nil for none.
    private func advised(
        _ strategy: any RoutingStrategy,
        _ operation: String,
        _ entry: Registry.Entry,
        _ required: Capabilities
    ) -> Way? {
        let capable = { (index: Int) in
            entry.candidates[index].capabilities.isSuperset(of: required)
        }
        let places =
            required.isEmpty
            ? entry.routes : entry.routes.indices.filter(capable).map { entry.routes[$0] }
        guard let advice = strategy.choose(for: operation, among: places),
            let index = entry.routes.firstIndex(of: advice.place), capable(index)
        else { return nil }
        return Way(entry: entry, index: index, advice: advice)
    }

    private func pass(
        _ call: Call,
        from index: Int,
        along way: Way
    ) async throws(CallError) -> Reply {
        guard index < middlewares.count else {
            return try await way.backend.call(way.asked(call))
        }
        let operation = call.operation
        return try await middlewares[index].intercept(call) { next throws(CallError) in
            var call = next
            call.operation = operation
            return try await pass(call, from: index + 1, along: way)
        }
    }
}

/// A decision that can be carried out: the operation's implementations and the one chosen.
private struct Way {
    let entry: Registry.Entry
    let index: Int
    var advice: RouteAdvice?

    var route: Route { entry.candidates[index].route }
    var backend: any Backend { entry.backends[index] }

    /// The call as the backend is asked: a pool for the operation without its specialisation.
    @inline(never)
    func asked(_ call: Call) -> Call {
        guard let base = base(of: call.operation) else { return call }
        var asked = call
        asked.operation = base
        return asked
    }

    /// Whether the backend is asked for something else than the call's operation.
    @inline(never)
    func changes(_ call: Call) -> Bool { base(of: call.operation) != nil }

    /// What the backend is asked for where that is not the operation itself.
    ///
    /// The one begins with the other, so their lengths tell whether they differ.
    private func base(of operation: String) -> String? {
        guard operation.utf8.count != entry.operation.utf8.count, case .pool = route
        else { return nil }
        return entry.operation.isEmpty ? Registry.base(of: operation) : entry.operation
    }

    func decision(
        on call: Call,
        _ router: Router.Parts,
        requiring required: Capabilities,
        _ failed: [RouteDecision.FailedPlace]
    ) -> RouteDecision {
        RouteDecision(
            operation: call.operation,
            policy: router.planner.policy,
            choice: call.options.route,
            required: required,
            candidates: entry.candidates,
            index: index,
            failed: failed,
            strategy: router.strategy?.name,
            advice: advice?.reason,
            expected: router.strategy?.expected(call.operation, among: entry.routes) ?? []
        )
    }
}

extension Call {
    /// What whoever answers it must be capable of.
    fileprivate var required: Capabilities { flow?.tools.isEmpty == false ? .tools : [] }
}

extension CallError {
    /// The error with the fields that its origin could not know.
    @inline(never)
    fileprivate func completed(operation: String, route: Route) -> CallError {
        var error = self
        if error.operation == nil { error.operation = operation }
        if error.pool == nil, case .pool(let name) = route { error.pool = name }
        return error
    }
}
