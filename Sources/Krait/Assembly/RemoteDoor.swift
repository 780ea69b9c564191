import KraitObservability
import KraitPooling
import KraitWire
import KraitWorkers
import KraitZeroMQ

/// Where workers that somebody starts on other hosts come to join a pool.
///
/// They have the pool's join key, draw names of their own, and say in their hello which pool they
/// want. Lives on the pool's I/O thread.
final class RemoteDoor: Door {
    private let source: PythonWorkerSource
    private let pool: WorkerPool
    /// When a refusal was last told of, so that one who comes again and again fills no log.
    private let lastTold = Lock<ContinuousClock.Instant?>(nil)

    init(_ source: PythonWorkerSource, _ pool: WorkerPool) {
        self.source = source
        self.pool = pool
    }

    /// Lets them in from now on.
    func open(with keys: JoinKeys) async {
        await source.transport.courier.admit(
            guests: keys.workerPublicKey,
            prefix: source.pool,
            to: self
        )
    }

    func came(_ peer: String, with frame: ReceivedFrame) {
        do throws(WireError) {
            let first = try frame.withUnsafeBytes { (bytes) throws(WireError) in
                var reader = EnvelopeReader(bytes)
                return try reader.next()
            }
            guard let (header, body) = first else { return }
            let envelope = ReceivedEnvelope(header: header, frame: frame, body: body, sender: peer)
            switch header.kind {
            case .hello: try join(peer, frame, try envelope.decodeBody())
            case .goodbye: break
            default:
                // A worker of a run that is over, or that was given up: it still beats.
                answer(peer, "this Krait does not know the worker", isFinal: false)
            }
        } catch {
            tell("it sent what is not of the protocol: \(error)")
        }
    }

    private func join(
        _ peer: String,
        _ frame: ReceivedFrame,
        _ body: Value
    ) throws(WireError) {
        let hello = try WorkerHello(body)
        let request = try JoinRequest(body)
        guard request.pool == source.pool else {
            return refuse(
                peer,
                request,
                "this is the pool `\(source.pool)`, not `\(request.pool)`",
                isFinal: true
            )
        }
        guard !peer.hasSuffix("!") else {
            return refuse(peer, request, "a name does not end with `!`", isFinal: true)
        }
        let guest = Guest(
            name: peer,
            host: "\(request.host) (pid \(hello.pid))",
            firstWords: frame,
            screen: { [source] in source.objection(to: $0) }
        )
        do throws(GuestRefused) {
            try pool.guestArrived { source.makeGuest($0, guest) }
        } catch {
            refuse(peer, request, error.reason.description, isFinal: false)
        }
    }

    private func refuse(
        _ peer: String,
        _ request: JoinRequest,
        _ reason: String,
        isFinal: Bool
    ) {
        answer(peer, reason, isFinal: isFinal)
        tell("\(request.host): \(reason)")
    }

    private func answer(_ peer: String, _ reason: String, isFinal: Bool) {
        let words = Codec.json.goodbye(reason, isFinal: isFinal)
        source.transport.courier.assumeIsolated { $0.answer(words, to: peer) }
    }

    private func tell(_ reason: String) {
        let now = ContinuousClock.now
        let isSoon = lastTold.withLock { last in
            if let last, last.duration(to: now) < .seconds(1) { return true }
            last = now
            return false
        }
        if !isSoon { source.events.emit(.workerRefused, metadata: [.reason: "\(reason)"]) }
    }
}

extension PythonWorkerSource {
    /// Why a worker from elsewhere does not fit: calls would come to it that it cannot answer.
    func objection(to ready: Ready) -> String? {
        guard let wanted = operations() else { return nil }
        let missing = wanted.subtracting(ready.operations.map(\.name)).sorted()
        guard let first = missing.first else { return nil }
        return "it lacks \(missing.count) of the pool's operations, such as `\(first)`; start it "
            + "with the pool's own adapter"
    }
}

extension PoolStateMachine.Refusal: CustomStringConvertible {
    /// For the worker's log.
    package var description: String {
        switch self {
        case .full(let limit):
            "the pool has the \(limit) remote workers that its remote_workers allow"
        case .closed(let state): "the pool takes no workers now: it is \(state.name)"
        }
    }
}

extension Orchestrator {
    /// What workers from elsewhere need must be there before anything starts.
    func checkGuests(of pool: PythonPool) throws(CallError) {
        func refuse(_ reason: String) -> CallError {
            CallError(.invalidInput, "the pool `\(pool.name)`: \(reason)")
        }
        guard (0...Self.poolSizes.upperBound).contains(pool.remoteWorkers) else {
            throw refuse("`remoteWorkers` is 0 to \(Self.poolSizes.upperBound)")
        }
        guard pool.remoteWorkers > 0 || pool.joinKeys != nil else { return }
        guard pool.remoteWorkers > 0, let path = pool.joinKeys, let endpoint = pool.endpoint else {
            throw refuse("remote workers need `remoteWorkers`, `joinKeys` and a tcp `endpoint`")
        }
        guard !endpoint.hasSuffix(":*") else {
            throw refuse("remote workers need an `endpoint` whose port is known, not `*`")
        }
        do throws(JoinKeys.Problem) {
            _ = try JoinKeys.read(path, pool: pool.name)
        } catch {
            throw refuse(error.description)
        }
    }
}

extension PythonPool {
    /// The texts of the two files by which workers on other hosts and a pool of that name know each
    /// other, freshly drawn: the server's, for `joinKeys`, and the workers'.
    package static func drawJoinKeys(
        for pool: String
    ) throws(CallError) -> (server: String, worker: String) {
        do throws(JoinKeys.Problem) {
            return try JoinKeys.draw(pool: pool)
        } catch {
            throw CallError(.poolFailed, error.description)
        }
    }
}
