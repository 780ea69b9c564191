import KraitWire

/// What a request's answer is found by: two requests with one key have one answer.
///
/// As in DSPy 3.4.1 (`clients/cache.py`, `clients/execution.py`): the whole request counts, with
/// its model and `rolloutID`, in an order that does not; where it goes, by which key, and how long
/// it may take does not.
struct LMCacheKey: Hashable, Sendable {
    let digest: [UInt8]

    init(_ request: LMRequest) {
        var parts: [Value] = [.string(request.model ?? "")]
        var body = (try? OpenAIDialect().body(request, model: "", isStream: false)) ?? .null
        body = Self.sorted(body)
        parts += [body, .int(Int64(request.n)), request.rolloutID.map { .int(Int64($0)) } ?? .null]
        // Tagged, unlike what is sent: it has a form for everything.
        let bytes = (try? Codec.messagePack.encode(.list(parts))) ?? []
        digest = SHA256.digest(of: bytes)
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
