import KraitObservability

/// One request and its answer, on its way; one task reads it.
///
/// The client's thread puts in what comes, the reader takes it out. Its end of life ends the
/// request.
final class HTTPTransfer: Sendable {
    /// From how many bytes on, not yet read, the answer is kept waiting at its sender.
    static let window = 1 << 20

    private struct State {
        var head: HTTPHead?
        var chunks: [UInt8] = []
        var isPaused = false
        /// Whether the reader wants all of it at once: it is not woken before the end.
        var isWhole = false
        /// Nil while more may come.
        var outcome: Result<Void, HTTPFailure>?
        /// How often something has changed: who looked before a change must look again.
        var changes = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    let id: UInt64
    private let state = Lock(State())
    private let engine: HTTPEngine

    init(id: UInt64, engine: HTTPEngine) {
        self.id = id
        self.engine = engine
    }

    deinit { if state.withLock({ $0.outcome == nil }) { engine.cancel(id) } }

    /// What the thread puts into; not the transfer itself, whose end of life ends the request.
    var inlet: HTTPInlet {
        HTTPInlet(
            tookHead: { [weak self] head in self?.change { $0.head = head } },
            took: { [weak self] bytes in self?.took(bytes) ?? true },
            ended: { [weak self] result in self?.change { $0.outcome = $0.outcome ?? result } }
        )
    }

    // MARK: The reader

    /// The head, as soon as it is whole.
    func head() async throws(HTTPFailure) -> HTTPHead {
        try await wait { state throws(HTTPFailure) in
            if let head = state.head { return head }
            try state.outcome?.get()
            // An end without a head: the server said nothing.
            return state.outcome == nil ? nil : HTTPHead(status: 0)
        }
    }

    /// More of the body; nil at its end.
    func next() async throws(HTTPFailure) -> [UInt8]? {
        let (chunk, wasPaused) = try await wait { state throws(HTTPFailure) -> ([UInt8]?, Bool)? in
            guard state.chunks.isEmpty else {
                defer {
                    state.chunks = []
                    state.isPaused = false
                }
                return (state.chunks, state.isPaused)
            }
            guard let outcome = state.outcome else { return nil }
            try outcome.get()
            return (nil, false)
        }
        if wasPaused { engine.resume(id) }
        return chunk
    }

    /// The head and the whole body, with one waking of the reader.
    func whole() async throws(HTTPFailure) -> (head: HTTPHead, body: [UInt8]) {
        let wasPaused = state.withLock { state in
            defer { (state.isWhole, state.isPaused) = (true, false) }
            return state.isPaused
        }
        if wasPaused { engine.resume(id) }
        return try await wait { state throws(HTTPFailure) in
            guard let outcome = state.outcome else { return nil }
            try outcome.get()
            defer { state.chunks = [] }
            return (state.head ?? HTTPHead(status: 0), state.chunks)
        }
    }

    private func wait<Found: Sendable>(
        for find: (inout State) throws(HTTPFailure) -> Found?
    ) async throws(HTTPFailure) -> Found {
        while true {
            let (found, seen) = try state.withLock { state throws(HTTPFailure) in
                (try find(&state), state.changes)
            }
            if let found { return found }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isNew = state.withLock { state in
                        if state.changes != seen { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isNew { continuation.resume() }
                }
            } onCancel: {
                change { $0.outcome = $0.outcome ?? .failure(.cancelled) }
                engine.cancel(id)
            }
        }
    }

    // MARK: The thread

    private func change(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            body(&state)
            state.changes += 1
            if state.isWhole, state.outcome == nil { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// False where the sender is to wait: nothing was taken then.
    private func took(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var isTaken = true
        change { state in
            guard state.chunks.count < Self.window || state.isWhole else {
                state.isPaused = true
                isTaken = false
                return
            }
            state.chunks.append(contentsOf: bytes)
        }
        return isTaken
    }
}

/// Where the thread puts what comes.
struct HTTPInlet: Sendable {
    let tookHead: @Sendable (HTTPHead) -> Void
    /// False where the sender is to wait.
    let took: @Sendable (UnsafeRawBufferPointer) -> Bool
    let ended: @Sendable (Result<Void, HTTPFailure>) -> Void
}
