import KraitWire

/// A running optimization: what it tells, and at the end the program.
///
/// The job begins with the first event that is asked for, and can be read once. Leaving the loop or
/// cancelling the task cancels it: its worker ends it at the next call of the model or the metric,
/// and what the last `candidate` was is the best there is.
public struct OptimizationStream: AsyncSequence, Sendable {
    /// What the job tells.
    public typealias Element = OptimizationEvent
    /// What it fails with.
    public typealias Failure = CallError

    private let stream: Result<ReplyStream, CallError>

    init(_ stream: Result<ReplyStream, CallError>) { self.stream = stream }

    /// The optimized program, once the events have been read to their end.
    public var result: OptimizedProgram {
        get throws(CallError) {
            guard let reply = try stream.get().reply else {
                throw CallError(.invalidInput, "a job has its result when it was read to its end")
            }
            return try OptimizedProgram(reply.value)
        }
    }

    /// Runs the job to its end, for its result alone.
    public func finished() async throws(CallError) -> OptimizedProgram {
        var iterator = makeAsyncIterator()
        while try await iterator.next() != nil {}
        return try result
    }

    /// Begins to read; a second reader finds an error.
    public func makeAsyncIterator() -> ChunkIterator<OptimizationEvent> {
        ChunkIterator(stream) { OptimizationEvent($0) }
    }
}

extension Orchestrator {
    /// Runs one of DSPy's optimizers as a job of its own.
    ///
    /// It takes a slot of a worker for as long as it runs, and its worker's interpreter with it:
    /// give it a pool of its own, with one slot for each worker.
    ///
    /// - Parameters:
    ///   - pool: where it runs; nil leaves it to the router.
    ///   - timeout: for the whole job.
    public func optimize(
        _ optimization: Optimization,
        on pool: String? = nil,
        timeout: Duration = Defaults.optimizationTimeout
    ) -> OptimizationStream {
        OptimizationStream(
            Result { () throws(CallError) in
                let route = pool.map(RouteChoice.pool) ?? .automatic
                let options = CallOptions(route: route, timeout: timeout)
                let (name, arguments) = (Optimization.operation, try optimization.arguments)
                let (call, tools) = try scored(Call(name, arguments, options: options))
                return stream(call, tools: tools + optimization.metric.tools)
            }
        )
    }

    /// DSPy's optimizers by name: what each takes, and why one cannot run there.
    public func optimizers(on pool: String? = nil) async throws(CallError) -> ValueMap {
        let route = pool.map(RouteChoice.pool) ?? .automatic
        return try await call("optimizers", on: route).value.map ?? [:]
    }
}
