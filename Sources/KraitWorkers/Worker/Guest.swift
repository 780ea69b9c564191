import KraitWire
import KraitZeroMQ

/// How a worker's process comes about.
package enum WorkerOrigin: Sendable {
    /// Krait has it started here.
    case forkserver(Forkserver)
    /// Somebody started it elsewhere, and it has come.
    case guest(Guest)

    var guest: Guest? { if case .guest(let guest) = self { guest } else { nil } }
}

/// A worker that has come from elsewhere, as it said hello.
package struct Guest: Sendable {
    /// The routing id it drew.
    package var name: String
    /// Where it runs and as which process, for people, such as `box (pid 4711)`.
    package var host: String
    /// The message with its hello.
    package var firstWords: ReceivedFrame
    /// Says why what it offers does not fit its pool, if it does not.
    package var screen: @Sendable (Ready) -> String?

    package init(
        name: String,
        host: String,
        firstWords: ReceivedFrame,
        screen: @escaping @Sendable (Ready) -> String? = { _ in nil }
    ) {
        self.name = name
        self.host = host
        self.firstWords = firstWords
        self.screen = screen
    }
}

/// There is no process here to signal: such a worker is told that it is no longer wanted, and what
/// it sends afterwards is a stranger's.
extension PythonWorker {
    /// Counts on it no longer, whatever it does.
    func letGo() {
        dismiss("Krait no longer counts on this worker", isFinal: false)
        perform(machine.exited(.disconnected))
    }

    /// Refuses a worker that does not fit its pool.
    func refuse(_ objection: String, at now: ContinuousClock.Instant) {
        dismiss(objection, isFinal: true)
        perform(machine.violated(objection, at: now))
    }

    /// Says goodbye at once, since an outbox goes with its worker.
    func dismiss(_ reason: String, isFinal: Bool) {
        guard !isDismissed else { return }
        isDismissed = true
        let words = Codec.json.goodbye(reason, isFinal: isFinal)
        courier.assumeIsolated { $0.answer(words, to: wireName) }
    }
}

extension Codec {
    /// An envelope of the handshake; Krait's own can always be written.
    func words(_ kind: EnvelopeKind, _ body: Value) -> [UInt8] {
        do {
            return try encodeEnvelope(kind, callID: 0, body)
        } catch {
            preconditionFailure("Krait's own \(kind) cannot be written: \(error)")
        }
    }

    /// A goodbye to a worker that came from elsewhere; one that is not final bids it try again.
    package func goodbye(_ reason: String, isFinal: Bool) -> [UInt8] {
        words(.goodbye, ["reason": .string(reason), "final": .bool(isFinal)])
    }
}
