/// What a call came back with, and how it was answered.
public struct Reply: Sendable {
    /// What the operation returned.
    public var value: Value
    /// Who answered.
    public var source: Source
    /// What the answer was compressed by on its way; nil where it was not.
    public var compression: Compression?

    /// A reply with this value.
    public init(_ value: Value, from source: Source, compression: Compression? = nil) {
        self.value = value
        self.source = source
        self.compression = compression
    }

    /// Who answered a call.
    public enum Source: Sendable, Hashable {
        /// Swift code in this process.
        case native
        /// A worker of the named pool; `codec` is what the bodies were written in.
        case pool(String, worker: String, codec: Codec)
    }
}
