import KraitObservability
import KraitPooling
import KraitRouting
import KraitWire

/// A call's answer piece by piece, as the worker yields it.
///
/// ```swift
/// let stream = krait.stream("count", ["n": 3])
/// for try await chunk in stream { print(chunk) }
/// print(stream.reply?.value)
/// ```
///
/// The call begins with the first element that is asked for. The worker is at most `window` chunks
/// ahead of the reader, and its generator stands still meanwhile. Leaving the loop, cancelling the
/// task or dropping the iterator cancels the call, which ends the generator. Errors come after the
/// chunks that came before them. It can be read once.
///
/// The call's time limit covers the whole stream, from the queue to its end: the time the reader
/// takes counts. Give a long stream, or a slow reader, a `timeout` to match.
public struct ReplyStream: AsyncSequence, Sendable {
    /// A chunk.
    public typealias Element = Value
    /// What a stream ends with where it does not end well.
    public typealias Failure = CallError

    private let state: StreamState

    init(
        window: Int,
        tools: [HostTool],
        _ begin: @escaping @Sendable (any CallFlow) async throws(CallError) -> RoutedReply
    ) {
        state = StreamState(window: window, tools: tools, begin)
    }

    /// The final value and who gave it, once the stream has ended well; null where the operation
    /// gives nothing beside its chunks.
    public var reply: Reply? { state.outcome?.reply }

    /// Which way the call took and why, once the stream has ended well.
    public var decision: RouteDecision? { state.outcome?.decision }

    /// Begins to read; a second reader finds an error.
    public func makeAsyncIterator() -> Iterator { Iterator(state) }

    /// Reads the chunks; the call is cancelled when it is dropped.
    public struct Iterator: AsyncIteratorProtocol {
        private let lease: Lease
        private var batch: [ReceivedEnvelope] = []
        private var index = 0

        /// Ends the call with the last copy of the iterator.
        private final class Lease: Sendable {
            let state: StreamState
            let isFirst: Bool

            init(_ state: StreamState) {
                self.state = state
                isFirst = state.takeReader()
            }

            deinit { if isFirst { state.cancel() } }
        }

        fileprivate init(_ state: StreamState) { lease = Lease(state) }

        /// The next chunk; nil after the last.
        public mutating func next() async throws(CallError) -> Value? {
            try await next(isolation: #isolation)
        }

        /// The next chunk; nil after the last.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(CallError) -> Value? {
            let state = lease.state
            guard lease.isFirst else { throw StreamState.readTwice }
            if Task.isCancelled { state.cancel() }
            if index == batch.count {
                (batch, index) = (try await state.nextBatch(isolation: actor), 0)
                if batch.isEmpty { return nil }
            } else if state.isCancelled {
                throw StreamState.cancelled
            }
            index += 1
            return try state.read(batch[index - 1])
        }
    }
}

/// What a stream's reader and its call share.
final class StreamState: CallFlow {
    let credit: Int
    let tools: [HostTool]
    private let begin: @Sendable (any CallFlow) async throws(CallError) -> RoutedReply
    private let chunks = Mailbox<ReceivedEnvelope>()
    private let state = Lock(State())

    private struct State {
        var hasReader = false
        var hasBegun = false
        var isCancelled = false
        var call: Task<Void, Never>?
        var result: Result<RoutedReply, CallError>?
        var give: (@Sendable (Int) -> Void)?
        /// What was read and not given back as credit yet.
        var owed = 0
    }

    static let readTwice = CallError(.invalidInput, "a stream can be read once")
    static let cancelled = CallError(.cancelled, "the caller cancelled it", delivery: .unknown)

    init(
        window: Int,
        tools: [HostTool],
        _ begin: @escaping @Sendable (any CallFlow) async throws(CallError) -> RoutedReply
    ) {
        credit = min(max(1, window), Limits.credit)
        self.tools = tools
        self.begin = begin
    }

    // MARK: The reader

    /// The reply of a stream that has ended well.
    var outcome: RoutedReply? { state.withLock { try? $0.result?.get() } }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func takeReader() -> Bool {
        state.withLock { state in
            defer { state.hasReader = true }
            return !state.hasReader
        }
    }

    /// Ends the call and what the reader waits for.
    func cancel() {
        let call = state.withLock { state -> Task<Void, Never>? in
            guard state.result == nil else { return nil }
            state.isCancelled = true
            return state.call
        }
        call?.cancel()
        if isCancelled { chunks.close(discarding: true) }
    }

    /// All chunks that wait, at least one; none at the end.
    func nextBatch(isolation: isolated (any Actor)?) async throws(CallError) -> [ReceivedEnvelope] {
        startOnce()
        let taken = await withTaskCancellationHandler {
            await chunks.take(isolation: isolation)
        } onCancel: {
            cancel()
        }
        if let taken { return taken }
        let result = state.withLock { $0.isCancelled ? .failure(Self.cancelled) : $0.result }
        guard let result else { preconditionFailure("a stream ends after its call") }
        _ = try result.get()
        return []
    }

    /// The value of a chunk, which is paid back as credit, at half a window a time.
    func read(_ chunk: ReceivedEnvelope) throws(CallError) -> Value {
        let cost = CallExchange.cost(ofBytes: chunk.size)
        let due = state.withLock { state -> (Int, (@Sendable (Int) -> Void)?) in
            state.owed += cost
            guard state.owed * 2 >= credit else { return (0, nil) }
            defer { state.owed = 0 }
            return (state.owed, state.give)
        }
        due.1?(due.0)
        do throws(WireError) {
            return try chunk.decodeBody()
        } catch {
            cancel()
            throw CallError(
                .protocolViolation,
                "a chunk of the stream cannot be read: \(error)",
                worker: chunk.sender,
                delivery: .sent
            )
        }
    }

    private func startOnce() {
        state.withLock { state in
            guard state.call == nil, !state.isCancelled else { return }
            // Allowed: an iterator has no scope that could hold a child task. It ends with the
            // iterator, the task that reads, or the call.
            state.call = Task { await self.run() }
        }
    }

    private func run() async {
        let result: Result<RoutedReply, CallError>
        do throws(CallError) {
            result = .success(try await begin(self))
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            if !state.isCancelled { state.result = result }
            state.give = nil
        }
        chunks.close()
    }

    // MARK: The call

    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    func took(chunk: ReceivedEnvelope, give: @escaping @Sendable (Int) -> Void) {
        if chunk.header.number == 0 {
            state.withLock { state in
                state.hasBegun = true
                state.give = give
            }
        }
        chunks.put(chunk)
    }

    func toolBegins() { state.withLock { $0.hasBegun = true } }
}
