/// Where an implementation of an operation runs.
public enum Route: Sendable, Hashable, CustomStringConvertible {
    /// Swift code in this process.
    case native
    /// The workers of the named pool.
    case pool(String)

    /// `native`, or `pool general`.
    public var description: String {
        switch self {
        case .native: "native"
        case .pool(let name): "pool \(name)"
        }
    }
}

/// What an implementation can do beyond answering a plain call.
public struct Capabilities: OptionSet, Sendable, Hashable {
    /// One bit a capability.
    public let rawValue: UInt8

    /// The capabilities of these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Sends its answer piece by piece.
    public static let streaming = Capabilities(rawValue: 1 << 0)
    /// Calls tools while it answers.
    public static let tools = Capabilities(rawValue: 1 << 1)
    /// Takes signatures whose fields have declared classes, not only plain types.
    public static let customTypes = Capabilities(rawValue: 1 << 2)

    /// The names of these capabilities, for messages to a person.
    public var names: [String] {
        [(Self.streaming, "streaming"), (.tools, "tools"), (.customTypes, "custom types")]
            .filter { contains($0.0) }.map(\.1)
    }
}

/// One implementation of an operation, as a decision sees it: without its code.
package struct Candidate: Sendable, Hashable {
    package let route: Route
    package let capabilities: Capabilities
    /// Whether the implementation is known to offer the operation.
    ///
    /// False for a pool none of whose workers has said yet what it offers. Such a pool is asked
    /// where nobody else offers the operation, and its worker refuses what it does not know.
    package let isConfirmed: Bool

    /// A candidate for a decision.
    package init(_ route: Route, _ capabilities: Capabilities = [], isConfirmed: Bool = true) {
        self.route = route
        self.capabilities = capabilities
        self.isConfirmed = isConfirmed
    }
}
