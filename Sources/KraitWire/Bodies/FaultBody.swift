/// Faults as bodies.
extension Fault {
    /// The fault that a body holds.
    ///
    /// A message or traceback beyond its limit is cut: a fault with a part missing says more than a
    /// protocol error in its place.
    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        self.init(
            code: try body.word("code"),
            type: try body.prose("type", limit: Limits.nameBytes),
            message: try body.prose("message", limit: Limits.messageTextBytes),
            traceback: try body.prose("traceback", limit: Limits.tracebackBytes, keeping: .end),
            details: try body.optionalMap("details")
        )
    }

    /// The body of this fault.
    package var value: Value {
        var map: ValueMap = [
            "code": .string(code.rawValue),
            "type": .string(Prose.start.cut(type, to: Limits.nameBytes)),
            "message": .string(Prose.start.cut(message, to: Limits.messageTextBytes)),
            "traceback": .string(Prose.end.cut(traceback, to: Limits.tracebackBytes)),
        ]
        if !details.isEmpty { map["details"] = .map(details) }
        return .map(map)
    }
}
