import KraitWire

/// Chooses among candidates: a pure function, without the code it chooses between.
package struct RoutePlanner: Sendable, Hashable {
    package let policy: RoutingPolicy

    package init(policy: RoutingPolicy) { self.policy = policy }

    /// The index of the candidate that a call takes, or nil where none fits.
    ///
    /// The first that fits wins: what the call forces, or else the first of the kind that the
    /// policy prefers, or else the first of the other kind. Costs one walk over the candidates and
    /// allocates nothing.
    package func choose(
        among candidates: [Candidate],
        choice: RouteChoice,
        requiring required: Capabilities = []
    ) -> Int? {
        var fallback: Int?
        for index in candidates.indices {
            let route = candidates[index].route
            guard candidates[index].capabilities.isSuperset(of: required),
                Self.allows(choice, route)
            else { continue }
            if choice != .automatic || policy.prefers(route) { return index }
            if fallback == nil { fallback = index }
        }
        return fallback
    }

    private static func allows(_ choice: RouteChoice, _ route: Route) -> Bool {
        switch (choice, route) {
        case (.automatic, _), (.native, .native): true
        case (.pool(let wanted), .pool(let name)): wanted == name
        case (.native, .pool), (.pool, .native): false
        }
    }
}
