import KraitWire
// Allowed: for an atomic flag, which the thread sanitizer sees.
import Synchronization

/// A call from its arrival at the pool to its end, and the task that waits for it.
///
/// The task makes it and, once it is resumed, reads how the call ended. In between it is the pool's
/// alone, on the pool's executor.
// Allowed: it has one owner at a time; handing it over and `hasEnded` order the accesses.
final class WaitingCall: @unchecked Sendable {
    /// How a call ended.
    enum End {
        case answered(ReceivedEnvelope)
        case failed(CallFailure)
    }

    /// The call as it is sent, perhaps more than once.
    var envelope: [UInt8]
    /// What belongs beside it.
    let attachments: [any SharedBytes]
    let traits: CallTraits
    let timeout: Duration?
    /// Who takes what comes before its end, where it streams or has tools.
    let inbox: (any CallInbox)?
    /// Its name within the pool, once it has arrived there.
    var id: CallID?
    /// Whether its task was cancelled before it had arrived.
    var isGivenUp = false
    private var end: End?
    /// Orders `end` before its reading.
    ///
    /// Resuming does so too, but where a task is resumed before it
    /// has begun to wait, in a way that the thread sanitizer cannot see.
    private let hasEnded = Atomic(false)
    // Not a checked one: that costs an allocation a call, and `finish` is what is to be checked.
    private var continuation: UnsafeContinuation<Void, Never>?

    init(
        _ envelope: consuming [UInt8],
        with attachments: [any SharedBytes],
        _ traits: CallTraits,
        timeout: Duration?,
        _ inbox: (any CallInbox)?
    ) {
        self.inbox = inbox
        self.envelope = envelope
        self.attachments = attachments
        self.traits = traits
        self.timeout = timeout
    }

    /// Stands for what the call asks for: two calls of equal content have the same.
    var fingerprint: UInt64 {
        var hasher = Hasher()
        envelope.withUnsafeBytes { bytes in
            // The header differs from call to call.
            hasher.combine(
                bytes: UnsafeRawBufferPointer(rebasing: bytes.dropFirst(EnvelopeHeader.size))
            )
        }
        for attachment in attachments {
            hasher.combine(attachment.count)
            // Enough to tell calls apart; all of it would take the thread too long.
            attachment.withUnsafeBytes { bytes in
                hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(64 << 10)))
            }
        }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The task waits from now on; the call may be handed to the pool.
    func wait(_ continuation: UnsafeContinuation<Void, Never>) { self.continuation = continuation }

    /// How it ended; taken once, by its task, which has been resumed.
    func takeEnd() -> End {
        guard hasEnded.load(ordering: .acquiring), let end = end.take() else {
            preconditionFailure("a call was resumed before it had ended")
        }
        return end
    }

    /// Ends the wait; more than once does nothing.
    func finish(_ end: consuming End) {
        guard let continuation else { return }
        self.end = consume end
        self.continuation = nil
        hasEnded.store(true, ordering: .releasing)
        continuation.resume()
    }
}
