import KraitObservability
import KraitPooling
import KraitTestSupport
import KraitWire
import KraitZeroMQ
import Testing

/// A pool on a thread of its own, with scripted workers and a clock that a test moves.
struct PoolRig: Sendable {
    let pool: WorkerPool
    let workers: ScriptedWorkers
    let clock: ManualClock
    private let log: MemoryLogHandler

    /// Runs `body` beside the pool, then stops the pool and checks that all of it is gone.
    static func run(
        _ configuration: PoolConfiguration = PoolConfiguration(workers: 1),
        _ script: ScriptedWorkers.Script = .init(),
        _ body: @Sendable (PoolRig) async throws -> Void
    ) async throws {
        let rig = try PoolRig(configuration, script)
        defer { rig.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await rig.pool.run() }
            do {
                try await body(rig)
            } catch {
                await rig.end()
                throw error
            }
            await rig.end()
            try await group.waitForAll()
        }
        #expect(rig.workers.all.allSatisfy { $0.seen.isGone || !$0.seen.hasBegun })
        #expect(rig.events.contains("pool.stopped"))
        #expect(rig.clock.sleepers == 0, "every timer ends with the pool")
    }

    init(
        _ configuration: PoolConfiguration = PoolConfiguration(workers: 1),
        _ script: ScriptedWorkers.Script = .init()
    ) throws {
        let thread = try IOThread(name: "pool")
        let clock = ManualClock()
        let start = Moment.now
        let log = MemoryLogHandler()
        self.clock = clock
        self.log = log
        workers = ScriptedWorkers(on: thread, script)
        pool = WorkerPool(
            name: "general",
            configuration: configuration,
            source: workers,
            executor: thread,
            time: PoolTime(
                now: { start + clock.now.offset },
                sleep: {
                    try? await clock.sleep(
                        until: .init(start.duration(to: $0)),
                        tolerance: nil
                    )
                }
            ),
            events: EventSink(logger: Logger(label: "test", handler: log, level: .trace))
        )
    }

    /// The names of what happened, in order.
    var events: [String] { log.records.map(\.message) }

    /// Ends the thread of a pool that is gone.
    func close() { workers.thread.stop() }

    /// Ends the pool and whatever workers a test has left.
    private func end() async {
        await pool.stop()
        for worker in workers.all { worker.leave(.stopped) }
    }

    /// The worker that was made as the `index`-th, once it has begun.
    func worker(_ index: Int) async throws -> ScriptedWorker {
        try #require(await eventually { workers.all.count > index })
        let worker = workers.all[index]
        try #require(await eventually { worker.seen.hasBegun })
        return worker
    }

    func call(_ timeout: Duration? = nil) async throws(CallError) -> ReceivedEnvelope {
        try await pool.call(EnvelopeHeader.bodyless(.call), timeout: timeout)
    }

    /// A call whose error is of interest.
    func failure(_ timeout: Duration? = nil) async -> CallError? {
        do throws(CallError) {
            _ = try await call(timeout)
            return nil
        } catch {
            return error
        }
    }

    /// Waits until the pool has so many calls queued.
    func waitForQueue(_ count: Int) async throws {
        try #require(await eventually { await pool.status().queued == count })
    }
}

extension ScriptedWorker {
    /// The `index`-th call it was sent, once it has come.
    func call(_ index: Int) async throws -> EnvelopeHeader {
        try #require(await eventually { seen.calls.count > index })
        return seen.calls[index]
    }
}

/// Checks how a call failed.
func expect(
    _ failure: CallError?,
    _ code: CallError.Code,
    _ delivery: CallError.Delivery,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(failure?.code == code, sourceLocation: location)
    #expect(failure?.delivery == delivery, sourceLocation: location)
}
