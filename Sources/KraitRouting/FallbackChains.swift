import KraitWire

/// Where calls of an operation go when the place they were routed to cannot take them.
package struct FallbackChains: Sendable, Hashable {
    private let chains: [String: [Route]]

    /// The routes of each operation, in the order in which they are tried.
    package init(_ chains: [String: [Route]] = [:]) {
        self.chains = chains.filter { !$0.value.isEmpty }
    }

    package var isEmpty: Bool { chains.isEmpty }

    /// The chain of an operation, or of what it is a specialisation of.
    package func routes(of operation: String) -> [Route] {
        chains[operation] ?? Registry.base(of: operation).flatMap { chains[$0] } ?? []
    }

    /// Where a call goes that failed; nil where its error is the answer.
    ///
    /// Only what a place could not take is taken elsewhere: a call that a worker may have begun
    /// only where it may be made twice. What the caller has forced, or has used up, stays. Beyond
    /// the operation's chain, a call that native code delegates goes to a pool that offers the
    /// operation, and one that meets an open breaker to any other place that does.
    func next(
        after error: CallError,
        of call: Call,
        tried: [Route],
        offered: [Route]
    ) -> Route? {
        guard call.options.route == .automatic, Self.allows(error, call) else { return nil }
        let others: [Route] =
            switch error.code {
            case .delegated: offered.filter { $0 != .native }
            case .circuitOpen: offered
            default: []
            }
        return (routes(of: call.operation) + others).first { !tried.contains($0) }
    }

    /// Whether a call with this error may have another place, chain or no chain.
    static func concerns(_ error: CallError) -> Bool {
        error.code == .delegated || error.code == .circuitOpen
    }

    private static func allows(_ error: CallError, _ call: Call) -> Bool {
        switch error.code {
        case .delegated: true
        case .poolFailed, .poolDrained, .shuttingDown, .circuitOpen, .queueFull:
            error.delivery == .notSent || call.options.isIdempotent
        case .workerCrashed, .workerSilent: call.options.isIdempotent
        default: false
        }
    }
}

extension Route {
    /// The choice that forces it.
    var choice: RouteChoice {
        switch self {
        case .native: .native
        case .pool(let name): .pool(name)
        }
    }
}
