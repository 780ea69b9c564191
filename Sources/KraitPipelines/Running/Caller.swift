import KraitRouting
import KraitWire

/// Whoever answers the calls that a pipeline's steps make: a router, or a script in a test.
public protocol Caller: Sendable {
    /// Answers a call, or throws why it cannot. Cancelling the task cancels the call.
    func call(_ call: Call) async throws(CallError) -> Reply

    /// Answers a call and says which way it took, where the caller knows. Default: it does not.
    func callRouted(_ call: Call) async throws(CallError) -> RoutedReply

    /// Answers a call and hands on what it streams. Default: it streams nothing.
    ///
    /// - Parameter receive: given each chunk, in order; while it waits no other is read, and what
    ///   it throws ends the call.
    func callStreaming(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(CallError) -> Void
    ) async throws(CallError) -> RoutedReply

    /// Throws what a call of the operation with these options would be refused with.
    ///
    /// Nothing is called: this is how a pipeline finds a name that nobody offers before it runs.
    /// The default finds nothing.
    func check(_ operation: String, options: CallOptions) throws(CallError)
}

/// A reply and the decision that led to it.
public struct RoutedReply: Sendable {
    /// What the call came back with.
    public var reply: Reply
    /// Which way it took and why; nil where the caller does not decide.
    public var decision: RouteDecision?

    /// A reply, with its decision where there was one.
    public init(_ reply: Reply, decision: RouteDecision? = nil) {
        self.reply = reply
        self.decision = decision
    }
}

extension Caller {
    /// Answers the call, without a decision.
    public func callRouted(_ call: Call) async throws(CallError) -> RoutedReply {
        RoutedReply(try await self.call(call))
    }

    /// Answers the call, without a chunk.
    public func callStreaming(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(CallError) -> Void
    ) async throws(CallError) -> RoutedReply {
        try await callRouted(call)
    }

    /// Finds nothing.
    public func check(_ operation: String, options: CallOptions) throws(CallError) {}
}

extension Router: Caller {
    package func callRouted(_ call: Call) async throws(CallError) -> RoutedReply {
        let (reply, decision) = try await callDecided(call)
        return RoutedReply(reply, decision: decision)
    }

    package func check(_ operation: String, options: CallOptions) throws(CallError) {
        _ = try explain(operation, options: options)
    }
}
