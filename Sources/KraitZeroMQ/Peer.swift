/// A connected peer, and what is on its way to it: what is sent in one turn of the courier's thread
/// leaves in as few messages as the batch limits allow.
///
/// Not isolated to the courier: each closure that is would cost a call two allocations.
// Allowed: all but its name is touched on the courier's thread alone, as each entry checks.
package final class Peer: @unchecked Sendable {
    package let name: String
    let identity: [UInt8]
    private let thread: IOThread
    /// Who carries for it; nil before it is connected, and after.
    private weak var carrier: (any Carrier)?
    private(set) var receiver: (any PeerReceiver)?
    private var outbox: Outbox?

    /// A peer that is not connected yet: what it is sent is lost.
    package init(_ name: String, on thread: IOThread) {
        self.name = name
        self.thread = thread
        identity = Array(name.utf8)
    }

    /// Puts an envelope into the outbox, with the frames that belong to it; it leaves at the end of
    /// this turn.
    package func send(_ envelope: [UInt8], with frames: [OutgoingFrame] = []) {
        thread.preconditionOnThread()
        if outbox?.add(envelope, frames) == true { carrier?.hasMail(self) }
    }

    func connect(_ receiver: any PeerReceiver, _ carrier: any Carrier, _ batch: Courier.Batch) {
        self.receiver = receiver
        self.carrier = carrier
        outbox = Outbox(batch)
    }

    /// Forgets what is in the outbox, and takes nothing any more.
    func disconnect() {
        receiver = nil
        carrier = nil
        outbox = nil
    }

    /// Sends what is in the outbox; where that fails, its receiver is told.
    func flush(through socket: RouterSocket) {
        if let failure = outbox?.flush(to: identity, through: socket) {
            receiver?.sendFailed(to: name, reason: failure)
        }
    }
}

/// Who is told that a peer has something to be sent, once until it is flushed.
protocol Carrier: AnyObject {
    func hasMail(_ peer: Peer)
}

/// Envelopes on their way to one peer, in messages that are closed at the batch's limits.
struct Outbox {
    private let batch: Courier.Batch
    /// Envelopes back to back, and where the closed messages among them end.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var openEnvelopes = 0
    /// The frames that belong to the envelopes, how many of them the closed messages have, and the
    /// bytes of those of the open one.
    private var frames: [OutgoingFrame] = []
    private var frameEnds: [Int] = []
    private var openFrameBytes = 0

    init(_ batch: Courier.Batch) { self.batch = batch }

    /// Adds an envelope; true where it is the first.
    mutating func add(_ envelope: [UInt8], _ added: [OutgoingFrame]) -> Bool {
        let isFirst = bytes.isEmpty
        // An envelope that would make the message too large closes it first.
        if openEnvelopes > 0 {
            let open = bytes.count - (ends.last ?? 0) + openFrameBytes
            if openEnvelopes == batch.envelopes || open + envelope.count > batch.bytes { close() }
        }
        bytes.append(contentsOf: envelope)
        openEnvelopes += 1
        if !added.isEmpty {
            frames += added
            openFrameBytes += added.reduce(0) { $0 + $1.count }
        }
        return isFirst
    }

    private mutating func close() {
        ends.append(bytes.count)
        frameEnds.append(frames.count)
        openEnvelopes = 0
        openFrameBytes = 0
    }

    /// Sends all there is; what went wrong, if anything did.
    mutating func flush(to identity: [UInt8], through socket: RouterSocket) -> String? {
        guard !bytes.isEmpty else { return nil }
        close()
        var failure: String?
        bytes.withUnsafeBytes { bytes in
            var (start, firstFrame) = (0, 0)
            for (end, endFrame) in zip(ends, frameEnds) {
                let message = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                switch socket.send(message, with: frames[firstFrame..<endFrame], to: identity) {
                case .sent: break
                case .unroutable: failure = "it is not connected"
                case .refused(let error): failure = "its queue refused (error \(error))"
                }
                (start, firstFrame) = (end, endFrame)
            }
        }
        bytes.removeAll(keepingCapacity: bytes.count <= 1 << 20)
        ends.removeAll(keepingCapacity: true)
        frameEnds.removeAll(keepingCapacity: true)
        if !frames.isEmpty { frames = [] }
        return failure
    }
}
