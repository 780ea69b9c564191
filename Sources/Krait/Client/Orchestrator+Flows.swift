import KraitObservability
import KraitPipelines
import KraitRouting
import KraitWire

/// Calls that stream, and calls with tools.
extension Orchestrator {
    /// How many chunks a worker may be ahead of a stream's reader, unless somebody says otherwise.
    public static let streamWindow = 256

    /// Streams what an operation yields; the call begins with the first chunk that is asked for.
    ///
    /// - Parameters:
    ///   - route: `.pool(name)` to force where it runs. Otherwise a place that can stream goes
    ///     before one that cannot, whose reply is a stream without chunks.
    ///   - timeout: for the whole stream, the reader's own time included; nil takes the pool's.
    ///   - tools: what the operation may call meanwhile.
    ///   - window: how many chunks the worker may be ahead of the reader.
    public func stream(
        _ operation: String,
        _ arguments: ValueMap = [:],
        on route: RouteChoice = .automatic,
        timeout: Duration? = nil,
        tools: [Tool] = [],
        window: Int = Orchestrator.streamWindow
    ) -> ReplyStream {
        let options = CallOptions(route: route, timeout: timeout)
        return stream(Call(operation, arguments, options: options), tools: tools, window: window)
    }

    /// Streams a call.
    public func stream(
        _ call: Call,
        tools: [Tool] = [],
        window: Int = Orchestrator.streamWindow
    ) -> ReplyStream {
        let offered = Result { () throws(CallError) in try Tool.offered(tools) }
        return ReplyStream(window: window, tools: (try? offered.get()) ?? []) {
            [runtime] flow throws(CallError) in
            _ = try offered.get()
            var call = self.placed(call)
            call.flow = flow
            let router = try runtime.router()
            let canStream =
                (try? router.explain(
                    call.operation,
                    options: call.options,
                    requiring: .streaming
                )) != nil
            let (reply, decision) = try await router.callDecided(
                call,
                requiring: canStream ? .streaming : []
            )
            return RoutedReply(reply, decision: decision)
        }
    }

    /// Makes a call of an operation that may call these tools while it runs.
    ///
    /// The tools run as child tasks of this task, many at once: with its task-local values, ended
    /// with the call, its deadline and its cancellation. A tool that does not heed cancellation
    /// keeps this method from returning.
    public func call(
        _ operation: String,
        _ arguments: ValueMap = [:],
        on route: RouteChoice = .automatic,
        timeout: Duration? = nil,
        tools: [Tool]
    ) async throws(CallError) -> Reply {
        let options = CallOptions(route: route, timeout: timeout)
        return try await call(Call(operation, arguments, options: options), tools: tools)
    }

    /// Makes a call that may call these tools while it runs.
    public func call(_ call: Call, tools: [Tool]) async throws(CallError) -> Reply {
        try await callRouted(call, tools: tools).reply
    }

    /// Makes a call that may call these tools while it runs, and says which way it took.
    public func callRouted(_ call: Call, tools: [Tool]) async throws(CallError) -> RoutedReply {
        var call = placed(call)
        call.flow = ToolsOnly(try Tool.offered(tools))
        return try await runtime.router().callRouted(call)
    }
}

/// The flow of a call that has tools and does not stream.
final class ToolsOnly: CallFlow {
    let credit = 0
    let tools: [HostTool]
    private let begun = Lock(false)

    init(_ tools: [HostTool]) { self.tools = tools }

    var hasBegun: Bool { begun.withLock { $0 } }
    func took(chunk: ReceivedEnvelope, give: @escaping @Sendable (Int) -> Void) {}
    func toolBegins() { begun.withLock { $0 = true } }
}
