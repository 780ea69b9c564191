import KraitWire

/// Reads a stream's chunks as what they tell; the call is cancelled when it is dropped.
public struct ChunkIterator<Element: Sendable>: AsyncIteratorProtocol {
    private var chunks: ReplyStream.Iterator?
    private let error: CallError?
    private let read: @Sendable (Value) -> Element?

    /// - Parameter read: what a chunk tells; nil leaves it out.
    init(_ stream: Result<ReplyStream, CallError>, _ read: @escaping @Sendable (Value) -> Element?)
    {
        self.read = read
        switch stream {
        case .success(let stream): (chunks, error) = (stream.makeAsyncIterator(), nil)
        case .failure(let reason): (chunks, error) = (nil, reason)
        }
    }

    /// The next element; nil after the last.
    public mutating func next() async throws(CallError) -> Element? {
        try await next(isolation: #isolation)
    }

    /// The next element; nil after the last.
    public mutating func next(
        isolation actor: isolated (any Actor)?
    ) async throws(CallError) -> Element? {
        if let error { throw error }
        while let value = try await chunks?.next(isolation: actor) {
            if let element = read(value) { return element }
        }
        return nil
    }
}
