import KraitObservability

/// The way of one client's answers: what a stream sends waits until the client has read enough.
///
/// So a client that does not read holds up its own streams, and what waits for it is bounded.
final class LineReplies: Sendable {
    private struct State {
        /// What is on its way to the socket.
        var unwritten = 0
        var waiting: [Int: AsyncStream<Never>.Continuation] = [:]
        var nextID = 0
    }

    let client: Int
    private let mailbox: LineMailbox
    private let limit: Int
    private let state = Lock(State())

    /// - Parameter limit: from how many unwritten bytes on a stream's lines wait.
    init(client: Int, mailbox: LineMailbox, limit: Int) {
        self.client = client
        self.mailbox = mailbox
        self.limit = limit
    }

    /// Sends a line that is not the last of its request; waits until there is room for it.
    ///
    /// - Throws: `CancellationError` where the task is cancelled, as it is when the client leaves.
    func send(_ line: [UInt8]) async throws(CancellationError) {
        while !reserve(line.count + 1) {
            await room()
            if Task.isCancelled { throw CancellationError() }
        }
        mailbox.send(line, to: client, isLast: false)
    }

    /// Sends the last line of a request, of which there is one.
    func answer(_ line: [UInt8]) {
        add(line.count + 1)
        mailbox.send(line, to: client, isLast: true)
    }

    /// Bytes were made ready for the socket by its own thread.
    func add(_ bytes: Int) { state.withLock { $0.unwritten += bytes } }

    /// The socket has taken bytes.
    func written(_ bytes: Int) {
        let woken = state.withLock { state in
            state.unwritten -= bytes
            guard state.unwritten < limit else { return [AsyncStream<Never>.Continuation]() }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in woken { continuation.finish() }
    }

    private func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard state.unwritten < limit else { return false }
            state.unwritten += bytes
            return true
        }
    }

    private func room() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let id = state.withLock { state -> Int? in
            guard state.unwritten >= limit else { return nil }
            state.nextID += 1
            state.waiting[state.nextID] = continuation
            return state.nextID
        }
        guard let id else { return }
        for await _ in stream {}
        _ = state.withLock { $0.waiting.removeValue(forKey: id) }
    }
}
