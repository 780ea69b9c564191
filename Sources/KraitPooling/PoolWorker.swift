import KraitWire

/// One worker as its pool sees it: something that takes calls, answers them, and ends some day.
///
/// All methods but `run` are called on the pool's executor and never block. The conformance for
/// Python processes lives in `Krait/Assembly`, so a pool is tested with scripted workers.
package protocol PoolWorker: AnyObject, Sendable {
    /// Lives the worker's whole life, and says how it ended. Called once. A cancelled task changes
    /// nothing: a worker is ended by `stop`.
    func run(reporting pool: any PoolReports) async -> WorkerExit

    /// Hands over a call whose header is complete. It is answered through `pool.answered`, or
    /// counts as lost when the worker exits.
    func send(_ envelope: [UInt8])

    /// Hands over a call as `send` does, with the bytes that belong beside it, or in its compressed
    /// form where there is one and the worker reads it.
    func send(
        _ envelope: [UInt8],
        with attachments: [any SharedBytes],
        or compressed: CompressedEnvelope?
    )

    /// Says that the reader of a stream takes so much more.
    func credit(_ id: CallID, _ more: UInt32)

    /// Says that nobody waits for the call any more.
    func cancel(_ id: CallID)

    /// Begins to end the worker, at any time in its life; `run` returns once it is gone.
    func stop(_ reason: StopReason)

    /// What is known of its process, for `krait status`.
    var facts: WorkerFacts { get }
}

/// What is known of a worker's process.
package struct WorkerFacts: Sendable, Equatable {
    package var processID: Int32?
    /// Where it runs, of one that came from elsewhere.
    package var host: String?
    package var residentBytes: Int?
    package var age: Duration?
    /// For how long the oldest of its calls has run.
    package var oldestCall: Duration?

    package init(
        processID: Int32? = nil,
        host: String? = nil,
        residentBytes: Int? = nil,
        age: Duration? = nil,
        oldestCall: Duration? = nil
    ) {
        self.processID = processID
        self.host = host
        self.residentBytes = residentBytes
        self.age = age
        self.oldestCall = oldestCall
    }
}

/// Where a pool's workers come from.
package protocol WorkerSource: Sendable {
    /// Makes a worker that has not begun yet.
    func makeWorker(_ id: WorkerID) -> any PoolWorker

    /// Workers that are made from now on come from code that is loaded anew, once the first of
    /// them needs it.
    func startAfresh()

    /// Loads the code anew beside what runs, and makes workers of it from now on.
    ///
    /// - Throws: why it cannot be loaded; then workers are made of the old code as before.
    func reload() async throws(ReloadError)
}

extension WorkerSource {
    package func startAfresh() {}
    package func reload() async throws(ReloadError) {}
}

/// Why a pool's code could not be loaded anew.
package struct ReloadError: Error, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// What a worker tells its pool, on the pool's executor.
package protocol PoolReports: Sendable {
    /// It takes calls, and has so much memory of its own.
    func workerReady(_ id: WorkerID, slots: Int, residentBytes: Int?)
    /// It has so much memory of its own by now.
    func workerMeasured(_ id: WorkerID, residentBytes: Int)
    /// It is about to leave by itself, and wants no new calls.
    func workerLeaves(_ id: WorkerID)
    /// Replies, faults, chunks, ends and tool calls, as they came in one message.
    func answered(_ answers: [ReceivedEnvelope], by id: WorkerID)
}

/// The thread a pool and its workers share.
package protocol PoolExecutor: SerialExecutor {
    /// Whether the caller is on the thread.
    var isCurrent: Bool { get }
    /// Runs `body` on the thread, soon and in order.
    func perform(_ body: @escaping @Sendable () -> Void)
}

/// A pool's clock.
package struct PoolTime: Sendable {
    package var now: @Sendable () -> Moment
    /// Returns at the instant, or earlier where the task is cancelled.
    package var sleep: @Sendable (_ until: Moment) async -> Void

    package init(
        now: @escaping @Sendable () -> Moment,
        sleep: @escaping @Sendable (_ until: Moment) async -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's own clock.
    package static let system = PoolTime(
        now: { .now },
        sleep: { try? await Task.sleep(until: $0.instant, clock: .continuous) }
    )
}
