import KraitPipelines
import KraitRouting
import KraitWire

extension Orchestrator: Caller {
    /// Makes a call: the router chooses who answers it, and the answer says who did.
    ///
    /// - Throws: `CallError` with what went wrong, where, and whether the call may have been begun.
    ///   Cancelling the task fails the call at once with `cancelled`.
    public func call(_ call: Call) async throws(CallError) -> Reply {
        guard call.options.session == nil else {
            return try await runtime.router().call(placed(call))
        }
        return try await runtime.router().call(call)
    }

    /// Makes a call, and says which way it took.
    public func callRouted(_ call: Call) async throws(CallError) -> RoutedReply {
        try await runtime.router().callRouted(placed(call))
    }

    /// Makes a call, and hands on what it streams; where the place that answers does not stream,
    /// there are no chunks.
    public func callStreaming(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(CallError) -> Void
    ) async throws(CallError) -> RoutedReply {
        let stream = stream(call)
        for try await chunk in stream { try await receive(chunk) }
        guard let reply = stream.reply else {
            throw CallError(.cancelled, "the stream ended without a reply", delivery: .unknown)
        }
        return RoutedReply(reply, decision: stream.decision)
    }

    /// Checks that a call of the operation could be routed now, without making one.
    public func check(_ operation: String, options: CallOptions) throws(CallError) {
        try runtime.router().check(operation, options: options)
    }

    /// Makes a call of an operation with its arguments.
    ///
    /// - Parameters:
    ///   - route: `.pool(name)` or `.native` to force where it runs.
    ///   - timeout: how long to wait in all; nil takes the pool's default.
    public func call(
        _ operation: String,
        _ arguments: ValueMap = [:],
        on route: RouteChoice = .automatic,
        timeout: Duration? = nil
    ) async throws(CallError) -> Reply {
        let options = CallOptions(route: route, timeout: timeout)
        return try await runtime.router().call(
            Call(operation, arguments, options: options)
        )
    }

    /// Says which implementation a call of the operation would take now, and why.
    public func explain(_ operation: String) throws(CallError) -> RouteDecision {
        try runtime.router().explain(operation)
    }
}
