/// What a body is written in.
///
/// The raw value is the header's byte.
public enum Codec: UInt8, Sendable, Hashable, CaseIterable {
    /// JSON, with tags for what it has no form for.
    case json = 1
    /// MessagePack: smaller, and faster on both sides.
    case messagePack = 2

    /// The codec of a name as configuration and commands spell it: `json` or `msgpack`.
    public init?(name: String) {
        guard let codec = Codec.allCases.first(where: { $0.name == name }) else { return nil }
        self = codec
    }

    /// The name as configuration and commands spell it.
    public var name: String {
        switch self {
        case .json: "json"
        case .messagePack: "msgpack"
        }
    }
}
