import KraitWire

extension RouteDecision {
    /// The decision as `krait route explain --json` prints it.
    public var value: Value {
        [
            "operation": .string(operation),
            "policy": .string(policy.rawValue),
            "strategy": strategy.map(Value.string) ?? .null,
            "chosen": .string(chosen.description),
            "reason": .string(reason.rawValue),
            "because": .string(sentence),
            "alternatives": .list(
                alternatives.map { alternative in
                    [
                        "route": .string(alternative.route.description),
                        "reason": .string(alternative.reason.rawValue),
                        "because": .string(alternative.sentence),
                        "expected_us": alternative.expected.microseconds,
                    ]
                }
            ),
            "failed": .list(
                failed.map {
                    [
                        "route": .string($0.route.description),
                        "code": .string($0.code.rawValue),
                        "rule": $0.rule.map(Value.string) ?? .null,
                    ]
                }
            ),
            "fallbacks": .list(fallbacks.map { .string($0.description) }),
            "expected_us": expected.microseconds,
            "duration_us": duration.microseconds,
        ]
    }
}

extension Duration? {
    fileprivate var microseconds: Value {
        map { .double(($0 / .microseconds(0.1)).rounded() / 10) } ?? .null
    }
}
