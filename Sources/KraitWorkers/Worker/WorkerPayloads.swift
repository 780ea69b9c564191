import KraitWire
import KraitZeroMQ

/// How large values get to one worker and back: through shared memory, or as frames.
struct WorkerPayloads {
    private let arena: Arena?
    private let tag: UInt32
    private var segments: WorkerSegments?

    init(_ arena: Arena?) {
        self.arena = arena
        tag = arena?.addWorker() ?? 0
        segments = arena.map { WorkerSegments(prefix: $0.prefix, tag: tag) }
    }

    /// Whether shared memory is used at all.
    var isLending: Bool { arena != nil }

    /// What the worker is told of it.
    var offer: HostHello.ArenaOffer? {
        arena.map { HostHello.ArenaOffer(prefix: $0.prefix, tag: tag, limit: $0.limit) }
    }

    /// Leases of all these bytes; nil where one of them is not the arena's, or cannot be lent.
    func lend(_ attachments: [any SharedBytes]) -> [LeaseDescriptor]? {
        guard let arena else { return nil }
        var leases: [LeaseDescriptor] = []
        for bytes in attachments {
            guard let bytes = bytes as? ArenaBytes, let lease = arena.lend(bytes, to: tag) else {
                // Those that were lent already come back when the worker is gone.
                leases.forEach { arena.revoke($0) }
                return nil
            }
            leases.append(lease)
        }
        return leases
    }

    /// Gives an envelope what came beside it, or the reason why it cannot be had.
    mutating func attach(_ frames: ArraySlice<ReceivedFrame>, to envelope: inout ReceivedEnvelope) {
        guard envelope.header.flags.contains(.leased) else {
            envelope.attachments = Array(frames)
            return
        }
        do throws(WireError) {
            var taken: [any SharedBytes] = []
            for frame in frames {
                let lease = try frame.withUnsafeBytes { (bytes) throws(WireError) in
                    try LeaseDescriptor(bytes)
                }
                taken.append(try take(lease))
            }
            envelope.attachments = taken
        } catch {
            envelope.failure = error
        }
    }

    private mutating func take(_ lease: LeaseDescriptor) throws(WireError) -> any SharedBytes {
        guard let arena else { throw .staleLease("nothing is lent to this worker") }
        if arena.owns(lease.segment) { return try arena.take(lease, from: tag) }
        guard segments?.owns(lease.segment) == true,
            let bytes = try segments?.take(lease)
        else { throw .staleLease("its segment is not this worker's") }
        return bytes
    }

    mutating func forgetDiscarded() { segments?.forgetDiscarded() }

    /// The worker is gone.
    mutating func close() {
        arena?.workerEnded(tag)
        segments?.close()
    }
}

extension OutgoingFrame {
    init(_ bytes: any SharedBytes) {
        self = bytes.withUnsafeBytes { OutgoingFrame($0, owner: bytes) }
    }
}
