/// Keeps the last records, for tests and for a look at a running daemon.
public final class MemoryLogHandler: LogHandler {
    private struct State {
        /// A ring: the oldest record is at `oldest` once it is full.
        var ring: [LogRecord] = []
        var oldest = 0
    }

    private let state = Lock(State())
    private let maximumRecords: Int

    /// Keeps at most `maximumRecords`; the oldest goes first.
    public init(maximumRecords: Int = 1_000) {
        precondition(maximumRecords > 0, "a memory of no records keeps nothing: use .none")
        self.maximumRecords = maximumRecords
    }

    /// Keeps the record, in the place of the oldest where it is full.
    public func log(_ record: LogRecord) {
        state.withLock { state in
            if state.ring.count < maximumRecords {
                state.ring.append(record)
            } else {
                state.ring[state.oldest] = record
                state.oldest = (state.oldest + 1) % maximumRecords
            }
        }
    }

    /// What is kept, oldest first.
    public var records: [LogRecord] {
        state.withLock { Array($0.ring[$0.oldest...] + $0.ring[..<$0.oldest]) }
    }
}
