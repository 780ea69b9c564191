import KraitWire

/// Which implementation a call takes, and why.
///
/// It holds what the decision was made from; its reason and its alternatives are worked out when
/// somebody asks, so that deciding costs nothing that nobody reads.
public struct RouteDecision: Sendable, Hashable {
    /// The operation as the call named it, specialisation included.
    public let operation: String
    /// The router's policy.
    public let policy: RoutingPolicy
    /// What the call itself asked for.
    public let choice: RouteChoice
    /// What the implementation had to be capable of.
    public let required: Capabilities
    /// How long the call took, waiting included; nil where it was only explained.
    public internal(set) var duration: Duration?
    /// The places that could not take the call before this one, in the order they were asked.
    public let failed: [FailedPlace]
    /// Where the call would go next, in order; known where it was only explained.
    public internal(set) var fallbacks: [Route] = []
    /// The strategy that was asked before the policy; nil where there is none.
    public let strategy: String?
    /// Why the strategy chose as it did; nil where it left the choice open.
    public let advice: String?
    let candidates: [Candidate]
    let index: Int
    /// What the strategy expected of each candidate; empty where there is none.
    private let costs: [Duration?]

    /// A place that could not take a call.
    public struct FailedPlace: Sendable, Hashable {
        /// The place.
        public let route: Route
        /// Why it could not.
        public let code: CallError.Code
        /// The rule by which native code left the call to Python, where it did.
        public let rule: String?

        init(route: Route, code: CallError.Code, rule: String? = nil) {
            self.route = route
            self.code = code
            self.rule = rule
        }

        init(_ route: Route, _ error: CallError) {
            let rule = error.code == .delegated ? error.fault?.message : nil
            self.init(route: route, code: error.code, rule: rule)
        }

        /// The place and why it could not, as a part of a sentence.
        var sentence: String {
            if let rule { return "\(route) leaves it to Python by the rule \(rule)" }
            return "\(route) could not take it (\(code))"
        }
    }

    init(
        operation: String,
        policy: RoutingPolicy,
        choice: RouteChoice,
        required: Capabilities,
        candidates: [Candidate],
        index: Int,
        failed: [FailedPlace] = [],
        strategy: String? = nil,
        advice: String? = nil,
        expected costs: [Duration?] = []
    ) {
        self.operation = operation
        self.policy = policy
        self.choice = choice
        self.required = required
        self.candidates = candidates
        self.index = index
        self.failed = failed
        self.strategy = strategy
        self.advice = advice
        self.costs = costs
    }

    /// How long the call was expected to take, where a strategy measures that.
    public var expected: Duration? { cost(index) }

    private func cost(_ index: Int) -> Duration? { costs.isEmpty ? nil : costs[index] }

    /// Where the call runs.
    public var chosen: Route { candidates[index].route }

    /// Why an implementation was chosen, for programs.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// The call asked for it.
        case forced
        /// The place before it in the operation's fallbacks could not take the call.
        case fallback
        /// There is no other.
        case only
        /// The strategy chose it.
        case advised
        /// The policy prefers its kind.
        case preferred
        /// The policy prefers the other kind, and there is none of it.
        case preferredMissing = "preferred_missing"
        /// The policy prefers the other kind, which cannot do what the call requires.
        case preferredIncapable = "preferred_incapable"
    }

    /// Why the chosen implementation was chosen.
    public var reason: Reason {
        if !failed.isEmpty { return .fallback }
        if choice != .automatic { return .forced }
        if candidates.count == 1 { return .only }
        if advice != nil { return .advised }
        if policy.prefers(chosen) { return .preferred }
        return candidates.contains { policy.prefers($0.route) }
            ? .preferredIncapable : .preferredMissing
    }

    /// The decision as a sentence for a person.
    public var sentence: String {
        let kind = policy == .preferPython ? "pool with the operation" : "native implementation"
        let because =
            switch reason {
            case .forced: "the call asks for it"
            case .fallback: failed.map(\.sentence).joined(separator: " and ")
            case .only: "nothing else offers it"
            case .advised: advice ?? ""
            case .preferred: "the policy is \(policy.rawValue)"
            case .preferredMissing: "there is no \(kind)"
            case .preferredIncapable: "no \(kind) is capable of \(named(required))"
            }
        let doubt = candidates[index].isConfirmed ? "" : " (none of its workers is ready yet)"
        return "\(operation) runs on \(chosen)\(doubt), because \(because)."
    }

    /// An implementation that the call did not take.
    public struct Alternative: Sendable, Hashable {
        /// Where it would have run.
        public let route: Route
        /// Why not, for programs.
        public let reason: Reason
        /// Why not, as a sentence for a person.
        public let sentence: String
        /// How long the call was expected to take there, where a strategy measures that.
        public let expected: Duration?

        /// Why an implementation was not chosen, for programs.
        public enum Reason: String, Sendable, Hashable, CaseIterable {
            /// The call asked for another.
            case forcedElsewhere = "forced_elsewhere"
            /// It cannot do what the call requires.
            case incapable
            /// It was asked, and could not take the call.
            case failed
            /// The strategy chose another.
            case notAdvised = "not_advised"
            /// The policy prefers the other kind.
            case notPreferred = "not_preferred"
            /// Another of its kind comes before it.
            case later
        }
    }

    /// The implementations that the call did not take, in the order they were considered.
    public var alternatives: [Alternative] {
        candidates.indices.filter { $0 != index }.map { alternative(candidates[$0], cost($0)) }
    }

    private func alternative(_ candidate: Candidate, _ cost: Duration?) -> Alternative {
        let missing = required.subtracting(candidate.capabilities)
        let (reason, why): (Alternative.Reason, String) =
            if let place = failed.first(where: { $0.route == candidate.route }) {
                (.failed, place.sentence)
            } else if choice != .automatic && failed.isEmpty {
                (.forcedElsewhere, "the call asks for \(chosen)")
            } else if !missing.isEmpty {
                (.incapable, "it is not capable of \(named(missing))")
            } else if advice != nil {
                (.notAdvised, "the strategy \(strategy ?? "") chose \(chosen)")
            } else if policy.prefers(chosen) != policy.prefers(candidate.route) {
                (.notPreferred, "the policy is \(policy.rawValue)")
            } else {
                (.later, "\(chosen) comes before it")
            }
        let sentence = "Not \(candidate.route), because \(why)."
        return Alternative(
            route: candidate.route,
            reason: reason,
            sentence: sentence,
            expected: cost
        )
    }

    private func named(_ capabilities: Capabilities) -> String {
        capabilities.names.joined(separator: " and ")
    }
}

extension RouteDecision: CustomStringConvertible {
    /// The decision and each alternative, a line each.
    public var description: String {
        let chain = fallbacks.map(\.description).joined(separator: ", then ")
        let next = chain.isEmpty ? [] : ["  Where that cannot take it: \(chain)."]
        return ([sentence] + alternatives.map { "  " + $0.sentence } + next)
            .joined(separator: "\n")
    }
}
