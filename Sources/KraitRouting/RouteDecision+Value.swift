import KraitWire

extension RouteDecision {
    /// The decision as `krait route explain --json` prints it.
    public var value: Value {
        [
            "operation": .string(operation),
            "policy": .string(policy.rawValue),
            "chosen": .string(chosen.description),
            "reason": .string(reason.rawValue),
            "because": .string(sentence),
            "alternatives": .list(
                alternatives.map { alternative in
                    [
                        "route": .string(alternative.route.description),
                        "reason": .string(alternative.reason.rawValue),
                        "because": .string(alternative.sentence),
                    ]
                }
            ),
            "failed": .list(
                failed.map {
                    ["route": .string($0.route.description), "code": .string($0.code.rawValue)]
                }
            ),
            "fallbacks": .list(fallbacks.map { .string($0.description) }),
            "duration_us": duration.map { .double($0 / .microseconds(1)) } ?? .null,
        ]
    }
}
