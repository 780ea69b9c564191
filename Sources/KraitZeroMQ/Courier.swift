/// Carries envelopes between Krait and its workers: the outboxes, the ROUTER socket, the way in.
///
/// Isolated to its I/O thread. What is sent in one turn of the thread to one peer leaves in as few
/// messages as the batch limits allow, which is where the speed under load comes from: a message
/// costs both sides about as much as the call in it.
package actor Courier {
    private nonisolated let thread: IOThread
    private let link: Link

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Binds `endpoint` and begins to carry.
    ///
    /// - Parameters:
    ///   - batch: when a message with several envelopes is closed.
    ///   - keys: this side's CURVE keys, for TCP; then only who was admitted is let in.
    package static func open(
        on thread: IOThread,
        endpoint: String,
        maximumMessage: Int,
        batch: Batch,
        keys: CurveKeys? = nil
    ) async throws -> Courier {
        let courier = Courier(on: thread, batch: batch)
        try await courier.bind(endpoint, maximumMessage: Int64(maximumMessage), keys)
        return courier
    }

    private init(on thread: IOThread, batch: Batch) {
        self.thread = thread
        link = Link(batch: batch)
    }

    private func bind(_ endpoint: String, maximumMessage: Int64, _ keys: CurveKeys?) throws {
        let socket = try RouterSocket(
            endpoint: endpoint,
            maximumMessage: maximumMessage,
            keys: keys
        )
        link.socket = socket
        thread.add(link)
        if let admission = socket.admission {
            admission.onRefusal = { [link] in link.strays?.came() }
            thread.add(admission)
        }
    }

    /// Where it is bound, with the port that was chosen where none was named.
    package var endpoint: String? { link.socket?.endpoint }

    /// Lets the peer that has this key's secret half in, to speak as `name` and as its pulse.
    package func admit(_ publicKey: String, as name: String) {
        link.socket?.admission?.admit(publicKey, as: name)
    }

    /// Lets everybody in who has this key's secret half, to speak under names that begin with
    /// `prefix` and an `@`; who is not connected is led to `door`, which lives as long as it is
    /// wanted there.
    package func admit(guests publicKey: String, prefix: String, to door: any Door) {
        link.socket?.admission?.admit(publicKey, as: prefix + "@")
        link.door = door
    }

    /// Sends one envelope to somebody who need not be connected, at once; lost where he is gone.
    package func answer(_ envelope: [UInt8], to name: String) {
        envelope.withUnsafeBytes { bytes in _ = link.socket?.send(bytes, to: Array(name.utf8)) }
    }

    /// Lets nobody in by this key any more.
    package func revoke(_ publicKey: String) { link.socket?.admission?.revoke(publicKey) }

    /// How many peers were refused by their keys, since the start.
    package var refusedPeers: Int { link.socket?.admission?.refused ?? 0 }

    /// Unbinds, and removes the socket's file.
    ///
    /// What is still in an outbox is sent first.
    package func close() {
        link.flush()
        link.strays = nil
        thread.remove(link)
        if let admission = link.socket?.admission { thread.remove(admission) }
        link.socket = nil
    }

    /// When a message with several envelopes is closed: at whichever comes first.
    package struct Batch: Sendable {
        package var envelopes: Int
        package var bytes: Int

        package init(envelopes: Int, bytes: Int) {
            self.envelopes = envelopes
            self.bytes = bytes
        }
    }

    /// Lets `receiver` have what comes from `peer`, and `peer` be sent to, until `disconnect`.
    package func connect(_ peer: Peer, to receiver: any PeerReceiver) {
        link.connect(peer, to: receiver)
    }

    /// Connects a peer of this name.
    package func connect(_ name: String, to receiver: any PeerReceiver) -> Peer {
        let peer = Peer(name, on: thread)
        link.connect(peer, to: receiver)
        return peer
    }

    /// Forgets a peer, and what its outbox holds.
    package func disconnect(_ peer: Peer) { link.disconnect(peer) }

    /// Sends an envelope for somebody who is not on the thread; see `Peer.send`.
    package func send(_ envelope: [UInt8], with frames: [OutgoingFrame] = [], to peer: Peer) {
        peer.send(envelope, with: frames)
    }

    /// What arrived from peers that nobody is connected to, since the start.
    package var strayMessages: Int { link.strayMessages }

    /// Tells of such messages: how many there were since the last time, at most once in `interval`,
    /// so that whoever sends many costs a line and not a flood of them.
    ///
    /// `report` is called on the thread.
    package func reportStrays(
        every interval: Duration,
        to report: @escaping @Sendable (_ count: Int) -> Void
    ) {
        link.strays = Strays(interval: interval, thread: thread, report: report)
    }
}

/// What is told of a peer, on the courier's thread.
package protocol PeerReceiver: AnyObject, Sendable {
    /// A message came. The frame holds one or more envelopes.
    func received(_ frame: ReceivedFrame, attachments: [ReceivedFrame], from peer: String)
    /// A message to the peer could not be handed to libzmq; its envelopes are lost.
    func sendFailed(to peer: String, reason: String)
}

/// Where guests come to: peers that were let in by a key for several, and are not connected yet.
package protocol Door: AnyObject, Sendable {
    /// Such a peer sent a message; on the courier's thread.
    func came(_ peer: String, with frame: ReceivedFrame)
}

/// The courier's working parts, which the thread's loop drives; it lives on the thread alone.
private final class Link: IOSource, Carrier {
    var socket: RouterSocket?
    private let batch: Courier.Batch
    private var peers: [[UInt8]: Peer] = [:]
    /// Those who have something to be sent.
    private var pending: [Peer] = []
    var strayMessages = 0
    var strays: Strays?
    weak var door: (any Door)?

    private static let messagesPerTurn = 64
    private static let maximumAttachments = 1_024

    init(batch: Courier.Batch) { self.batch = batch }

    func connect(_ peer: Peer, to receiver: any PeerReceiver) {
        peer.connect(receiver, self, batch)
        peers[peer.identity] = peer
    }

    func disconnect(_ peer: Peer) {
        peer.disconnect()
        if peers[peer.identity] === peer { peers[peer.identity] = nil }
        pending.removeAll { $0 === peer }
    }

    func hasMail(_ peer: Peer) { pending.append(peer) }

    var descriptor: Int32 { socket?.descriptor ?? -1 }

    func flush() {
        guard !pending.isEmpty, let socket else { return }
        // A receiver that is told of a failure may send and disconnect.
        var due: [Peer] = []
        swap(&due, &pending)
        for peer in due { peer.flush(through: socket) }
        guard pending.isEmpty else { return }
        due.removeAll(keepingCapacity: true)
        pending = due
    }

    func receive() -> Int {
        guard let socket else { return 0 }
        var count = 0
        while count < Self.messagesPerTurn {
            let message: RouterSocket.Message?
            do {
                message = try socket.receive(maximumAttachments: Self.maximumAttachments)
            } catch {
                preconditionFailure("\(error)")
            }
            guard let message else { break }
            count += 1
            guard let peer = peers[message.peer], let receiver = peer.receiver,
                message.isFromWhomItSays
            else {
                stranger(message)
                continue
            }
            receiver.received(
                message.frame,
                attachments: message.attachments,
                from: peer.name
            )
        }
        // Another turn is needed for what was sent meanwhile.
        return count + pending.count
    }

    private func stranger(_ message: RouterSocket.Message) {
        if message.isGuest, message.isFromWhomItSays, let door,
            let name = String(validating: message.peer, as: UTF8.self)
        {
            return door.came(name, with: message.frame)
        }
        strayMessages += 1
        strays?.came()
    }
}
