import KraitRouting

/// Where the calls of an operation go when the place they were routed to cannot take them: its pool
/// has failed, drains, has a full queue, or the operation's breaker is open.
///
/// ```swift
/// PythonPool("large", adapter: .dspy(model: "openai/gpt-4o"))
/// PythonPool("small", adapter: .dspy(model: "ollama/llama3.2"))
/// Fallback("predict", to: .pool("small"))
/// ```
/// A call that a worker may have begun is made elsewhere only where it is idempotent, and one that
/// names its place stays there. All tries together take no longer than the call's own timeout.
public struct Fallback: Sendable, Hashable {
    /// The operation whose calls it is for; specialisations included.
    public var operation: String
    /// The places to try, in order.
    public var routes: [Route]

    /// The places to try, in order, for calls of an operation.
    public init(_ operation: String, to routes: Route...) {
        self.init(operation, to: routes)
    }

    /// The places to try, in order, for calls of an operation.
    public init(_ operation: String, to routes: [Route]) {
        self.operation = operation
        self.routes = routes
    }
}
