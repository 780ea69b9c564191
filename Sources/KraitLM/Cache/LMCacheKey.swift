import KraitWire

/// What a request's answer is found by: two requests with one key have one answer.
///
/// As in DSPy 3.4.1 (`clients/cache.py`, `clients/execution.py`): the whole request counts, with
/// its model and `rolloutID`, in an order that does not; by which key, and how long it may take,
/// does not. Unlike there, an endpoint that is not the provider's own counts: what is called
/// `local` somewhere else is another model.
struct LMCacheKey: Hashable, Sendable {
    let bytes: [UInt8]

    /// The key of a request; nil where the request has no body to compare, so that its answer is
    /// nobody else's.
    init?(_ request: LMRequest, at endpoint: String? = nil) {
        guard let body = try? OpenAIDialect().body(request, model: "", isStream: false) else {
            return nil
        }
        var parts: [Value] = [
            .string(request.model ?? ""), Self.sorted(body), .int(Int64(request.n)),
            request.rolloutID.map { .int(Int64($0)) } ?? .null,
        ]
        if let endpoint { parts.append(.string(endpoint)) }
        // Tagged, unlike what is sent: it has a form for everything. And bytes, since Swift holds
        // texts of different bytes for equal.
        guard let bytes = try? Codec.messagePack.encode(.list(parts)) else { return nil }
        self.bytes = bytes
    }

    /// The key of a text's embedding; nil where the text has no bytes to compare.
    init?(embedding text: String, by model: String, dimensions: Int?, at endpoint: String? = nil) {
        var parts: [Value] = [
            "embedding", .string(model), .string(text),
            dimensions.map { .int(Int64($0)) } ?? .null,
        ]
        if let endpoint { parts.append(.string(endpoint)) }
        guard let bytes = try? Codec.messagePack.encode(.list(parts)) else { return nil }
        self.bytes = bytes
    }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .list(let elements): .list(elements.map(sorted))
        case .map(let map):
            .map(
                ValueMap(
                    uniqueEntries: map.entries.map { ($0.key, sorted($0.value)) }
                        .sorted { $0.key < $1.key }
                )
            )
        default: value
        }
    }
}
