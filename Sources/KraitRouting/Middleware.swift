import KraitWire

/// Something that stands between the router and every backend: a cache, a limit, a log.
///
/// Choose between the two edges of a router first. A `Backend` is where a call ends: exactly one
/// answers it. A `Middleware` is on the way: it sees each call, may change its arguments and
/// options, hand it on any number of times, answer in the backend's place, or refuse. The route has
/// been decided before: changing `options.route` or `operation` has no effect.
///
/// ```swift
/// struct Patience: Middleware {
///     func intercept(
///         _ call: Call,
///         next: (Call) async throws(CallError) -> Reply
///     ) async throws(CallError) -> Reply {
///         var call = call
///         call.options.timeout = call.options.timeout ?? .seconds(300)
///         return try await next(call)
///     }
/// }
/// ```
public protocol Middleware: Sendable {
    /// Answers a call, mostly by handing it on to `next`. Cancelling the task cancels the call.
    func intercept(
        _ call: Call,
        next: (Call) async throws(CallError) -> Reply
    ) async throws(CallError) -> Reply
}

/// Somebody who is told of every decision of a router: metrics, a log, a trace.
///
/// The methods are called in the caller's task after the call has ended; what they take, the caller
/// waits.
public protocol RouteObserver: Sendable {
    /// A routed call ended: with a reply's source, or an error.
    func callEnded(_ decision: RouteDecision, _ outcome: Result<Reply.Source, CallError>)
    /// A call was refused before there was a decision: nobody offers what it asks for.
    func callRefused(_ error: CallError)
}
