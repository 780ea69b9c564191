import KraitObservability
import KraitPooling
import KraitWire
import KraitWorkers
import KraitZeroMQ

/// Where a pool's Python workers come from.
struct PythonWorkerSource: WorkerSource {
    let pool: String
    let transport: Transport
    let forkservers: Forkservers
    let settings: WorkerSettings
    /// Shared memory for what is large; nil where the workers are not of this machine.
    var arena: Arena?
    let events: EventSink
    let logger: Logger
    let secrets: Secrets
    /// What the pool's workers offer; nil until one is ready.
    let operations: @Sendable () -> Set<String>?
    /// Told which operations a worker offers, each time one is ready.
    let onOperations: @Sendable ([Ready.Operation]) -> Void

    func makeWorker(_ id: WorkerID) -> any PoolWorker {
        PooledPythonWorker(id, from: self, .forkserver(forkservers.current))
    }

    /// Makes the worker that has come from elsewhere.
    func makeGuest(_ id: WorkerID, _ guest: Guest) -> any PoolWorker {
        PooledPythonWorker(id, from: self, .guest(guest))
    }

    func startAfresh() { forkservers.replace() }

    func reload() async throws(ReloadError) { try await forkservers.reload() }
}

/// A Python worker as its pool sees it: pairs the worker's process with its place in the pool.
private final class PooledPythonWorker: PoolWorker {
    private let id: WorkerID
    private let source: PythonWorkerSource
    private let isGuest: Bool
    private let listener = Listener()
    private let worker: PythonWorker

    init(_ id: WorkerID, from source: PythonWorkerSource, _ origin: WorkerOrigin) {
        self.id = id
        if case .guest = origin { isGuest = true } else { isGuest = false }
        self.source = source
        let name = "\(source.pool)/\(id)"
        var events = source.events
        events[metadataKey: .worker] = .string(name)
        var logger = source.logger
        logger[metadataKey: .worker] = .string(name)
        worker = PythonWorker(
            name: name,
            courier: source.transport.courier,
            endpoint: source.transport.endpoint,
            serverKey: source.transport.publicKey,
            origin: origin,
            thread: source.transport.thread,
            settings: source.settings,
            arena: source.arena,
            listener: listener,
            events: events,
            logger: logger
        )
    }

    func run(reporting pool: any PoolReports) async -> WorkerExit {
        let isKnown = isGuest && source.operations() != nil
        listener.report(
            to: pool,
            as: id,
            // What its pool's own workers offer is what counts.
            operations: isKnown ? nil : source.onOperations
        )
        // What a process says of its failure ends up in errors and in the status.
        let secrets = source.secrets
        return switch await worker.run() {
        case .stopped: .stopped
        case .crashed(let status): .crashed(await worker.explanation(of: status))
        case .distrusted(let reason):
            .crashed("it was ended, since \(secrets.redacting(reason))")
        case .silent: .silent
        case .failedToStart(let reason): .failedToStart(secrets.redacting(reason))
        case .cannotStart(let reason): .cannotStart(secrets.redacting(reason))
        }
    }

    func send(_ envelope: [UInt8]) { worker.send(envelope) }

    func send(
        _ envelope: [UInt8],
        with attachments: [any SharedBytes],
        or compressed: CompressedEnvelope?
    ) {
        worker.assumeIsolated { $0.send(envelope, with: attachments, or: compressed) }
    }

    func credit(_ id: CallID, _ more: UInt32) {
        worker.send(EnvelopeHeader.bodyless(.credit, callID: id.rawValue, number: more))
    }

    func cancel(_ id: CallID) {
        worker.send(EnvelopeHeader.bodyless(.cancel, callID: id.rawValue))
    }

    func stop(_ reason: StopReason) {
        worker.assumeIsolated { $0.stop(gently: reason == .closing) }
    }

    var facts: WorkerFacts {
        worker.assumeIsolated { worker in
            let facts = worker.facts
            return WorkerFacts(
                processID: facts.processID,
                host: facts.host,
                residentBytes: facts.residentBytes,
                age: facts.age,
                oldestCall: facts.oldestCall
            )
        }
    }
}

extension PooledPythonWorker {
    /// Passes on what the worker says.
    ///
    /// It is told where to before the worker begins, since the two
    /// cannot be made in one step.
    private final class Listener: WorkerListener {
        private let target = Lock<Target?>(nil)

        private struct Target {
            var pool: any PoolReports
            var id: WorkerID
            var operations: (@Sendable ([Ready.Operation]) -> Void)?
        }

        func report(
            to pool: any PoolReports,
            as id: WorkerID,
            operations: (@Sendable ([Ready.Operation]) -> Void)?
        ) {
            target.withLock { $0 = Target(pool: pool, id: id, operations: operations) }
        }

        func workerReady(_ ready: Ready) {
            guard let target = target.withLock({ $0 }) else { return }
            target.operations?(ready.operations)
            target.pool.workerReady(
                target.id,
                slots: ready.slots,
                residentBytes: ready.residentBytes
            )
        }

        func workerLeaves() {
            guard let target = target.withLock({ $0 }) else { return }
            target.pool.workerLeaves(target.id)
        }

        func workerMeasured(residentBytes: Int) {
            guard let target = target.withLock({ $0 }) else { return }
            target.pool.workerMeasured(target.id, residentBytes: residentBytes)
        }

        func answered(_ answers: [ReceivedEnvelope]) {
            guard let target = target.withLock({ $0 }) else { return }
            target.pool.answered(answers, by: target.id)
        }
    }
}
