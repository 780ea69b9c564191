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
    /// The same compressed, for workers that read it so.
    let compressed: CompressedEnvelope?
    /// What is sent in its place to a worker that has its session.
    var bare: BareCall?
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
        or compressed: CompressedEnvelope?,
        _ traits: CallTraits,
        timeout: Duration?,
        _ inbox: (any CallInbox)?
    ) {
        self.compressed = compressed
        self.inbox = inbox
        self.envelope = envelope
        self.attachments = attachments
        self.traits = traits
        self.timeout = timeout
    }

    /// Stands for what the call asks for: two calls of equal content have the same.
    ///
    /// Of what is large beside it pieces are looked at, from end to end: all of it would hold up
    /// the thread. So two calls that differ in nothing but a few bytes of a large value may have
    /// the same one.
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
            attachment.withUnsafeBytes { bytes in
                let last = max(0, bytes.count - Self.piece)
                for number in 0..<Self.pieces {
                    let start = last / (Self.pieces - 1) * number
                    let end = number == Self.pieces - 1 ? bytes.count : start + Self.piece
                    let piece = bytes[min(start, bytes.count)..<min(end, bytes.count)]
                    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: piece))
                }
            }
        }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// How many pieces of a large value are looked at, and how large they are.
    private static let pieces = 64
    private static let piece = 1 << 10

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

extension Duration {
    /// Milliseconds as headers have them: rounded up, at least 1 since 0 means no deadline, and at
    /// most what fits.
    var wireMilliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds < Int64(UInt32.max) / 1_000 else { return .max }
        let whole = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return UInt32(clamping: max(1, whole))
    }
}
