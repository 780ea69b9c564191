import KraitWire

/// What a request's answer is found by: two requests with one key have one answer.
///
/// As in DSPy 3.4.1 (`clients/cache.py`, `clients/execution.py`): the whole request counts, with
/// its model and `rolloutID`, in an order that does not; where it goes, by which key, and how long
/// it may take does not.
struct LMCacheKey: Hashable, Sendable {
    let bytes: [UInt8]

    /// The key of a request; nil where the request has no body to compare, so that its answer is
    /// nobody else's.
    init?(_ request: LMRequest) {
        guard let body = try? OpenAIDialect().body(request, model: "", isStream: false) else {
            return nil
        }
        let parts: Value = [
            .string(request.model ?? ""), Self.sorted(body), .int(Int64(request.n)),
            request.rolloutID.map { .int(Int64($0)) } ?? .null,
        ]
        // Tagged, unlike what is sent: it has a form for everything. And bytes, since Swift holds
        // texts of different bytes for equal.
        guard let bytes = try? Codec.messagePack.encode(parts) else { return nil }
        self.bytes = bytes
    }

    /// The key of a text's embedding; nil where the text has no bytes to compare.
    init?(embedding text: String, by model: String, dimensions: Int?) {
        let parts: Value = [
            "embedding", .string(model), .string(text),
            dimensions.map { .int(Int64($0)) } ?? .null,
        ]
        guard let bytes = try? Codec.messagePack.encode(parts) else { return nil }
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
