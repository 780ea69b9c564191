import KraitObservability
import KraitPooling
import KraitWire
import KraitZeroMQ

extension IOThread: PoolExecutor {}

/// Makes workers that do nothing by themselves: a test says when they are ready, what they answer
/// and how they end.
final class ScriptedWorkers: WorkerSource {
    struct Script: Sendable {
        /// Becomes ready with so many slots as soon as it begins; nil waits to be told.
        var slots: Int? = 1
        /// Leaves as soon as it is told to end.
        var leavesWhenTold = true
        /// Answers each call before `send` returns.
        var answersAtOnce = false
        /// Why the code cannot be loaded anew, where it cannot.
        var reloadError: ReloadError?
    }

    let thread: IOThread
    private let script: Script
    private let made = Lock<[ScriptedWorker]>([])

    init(on thread: IOThread, _ script: Script = Script()) {
        self.thread = thread
        self.script = script
    }

    func makeWorker(_ id: WorkerID) -> any PoolWorker {
        let worker = ScriptedWorker(id, script, on: thread)
        made.withLock { $0.append(worker) }
        return worker
    }

    func reload() async throws(ReloadError) {
        if let error = script.reloadError { throw error }
    }

    /// All workers that were made, in order.
    var all: [ScriptedWorker] { made.withLock { $0 } }
}

/// A worker that does what a test says.
final class ScriptedWorker: PoolWorker {
    let id: WorkerID
    private let script: ScriptedWorkers.Script
    private let thread: IOThread
    private let state = Lock(State())

    private struct State {
        var pool: (any PoolReports)?
        var ending: CheckedContinuation<WorkerExit, Never>?
        var exit: WorkerExit?
        var seen = Seen()
    }

    /// What the pool has asked of it.
    struct Seen: Sendable {
        var calls: [EnvelopeHeader] = []
        /// How many bytes came beside the calls.
        var attachments: [Int] = []
        var cancelled: [CallID] = []
        var credit: [UInt32] = []
        var stops: [StopReason] = []
        var hasBegun = false
        var isGone = false
    }

    init(_ id: WorkerID, _ script: ScriptedWorkers.Script, on thread: IOThread) {
        self.id = id
        self.script = script
        self.thread = thread
    }

    var seen: Seen { state.withLock { $0.seen } }

    // MARK: What the pool asks

    func run(reporting pool: any PoolReports) async -> WorkerExit {
        thread.preconditionOnThread()
        state.withLock {
            $0.pool = pool
            $0.seen.hasBegun = true
        }
        if let slots = script.slots {
            pool.workerReady(id, slots: slots, residentBytes: nil)
        }
        let exit = await withCheckedContinuation { continuation in
            let early = state.withLock { state in
                state.ending = continuation
                return state.exit
            }
            if let early { leave(early) }
        }
        state.withLock { $0.seen.isGone = true }
        return exit
    }

    func send(_ envelope: [UInt8]) {
        thread.preconditionOnThread()
        let header = envelope.withUnsafeBytes { try? EnvelopeHeader(reading: $0) }
        guard let header else { return }
        let pool = state.withLock { state in
            state.seen.calls.append(header)
            return state.pool
        }
        if script.answersAtOnce { pool?.answered([reply(to: header.callID)], by: id) }
    }

    func send(
        _ envelope: [UInt8],
        with attachments: [any SharedBytes],
        or compressed: CompressedEnvelope?
    ) {
        state.withLock { $0.seen.attachments += attachments.map(\.count) }
        send(envelope)
    }

    func credit(_ id: CallID, _ more: UInt32) {
        thread.preconditionOnThread()
        state.withLock { $0.seen.credit.append(more) }
    }

    func cancel(_ id: CallID) {
        thread.preconditionOnThread()
        state.withLock { $0.seen.cancelled.append(id) }
    }

    func stop(_ reason: StopReason) {
        thread.preconditionOnThread()
        state.withLock { $0.seen.stops.append(reason) }
        if script.leavesWhenTold { leave(.stopped) }
    }

    var facts: WorkerFacts { WorkerFacts(processID: Int32(id.number) + 1_000) }

    // MARK: What the test says

    func becomeReady(slots: Int) {
        thread.perform { [self] in
            state.withLock { $0.pool }?.workerReady(id, slots: slots, residentBytes: nil)
        }
    }

    /// Answers calls with replies, all in one message.
    func answer(_ calls: UInt64...) {
        let answers = calls.map(reply)
        thread.perform { [self] in
            state.withLock { $0.pool }?.answered(answers, by: id)
        }
    }

    private func reply(to call: UInt64) -> ReceivedEnvelope {
        ReceivedEnvelope(
            header: EnvelopeHeader(.reply, callID: call),
            frame: NoBytes(),
            body: 0..<0,
            sender: "\(id)"
        )
    }

    func leave(_ exit: WorkerExit) {
        let ending = state.withLock { state in
            state.exit = exit
            defer { state.ending = nil }
            return state.ending
        }
        ending?.resume(returning: exit)
    }
}

private final class NoBytes: SharedBytes {
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
}
