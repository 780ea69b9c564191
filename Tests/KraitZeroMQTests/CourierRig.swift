import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitZeroMQ

/// A courier on a thread of its own, at an endpoint in a temporary folder.
struct CourierRig: Sendable {
    let thread: IOThread
    let courier: Courier
    let endpoint: String

    var file: String { String(endpoint.dropFirst("ipc://".count)) }

    static func run(
        maximumMessage: Int = 1 << 20,
        batch: Courier.Batch = .init(envelopes: 32, bytes: 64 << 10),
        _ body: (CourierRig) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await IOThread.with { thread in
                let endpoint = "ipc://\(folder)/router.sock"
                let courier = try await Courier.open(
                    on: thread,
                    endpoint: endpoint,
                    maximumMessage: maximumMessage,
                    batch: batch
                )
                let rig = CourierRig(thread: thread, courier: courier, endpoint: endpoint)
                do {
                    try await body(rig)
                } catch {
                    await courier.close()
                    throw error
                }
                await courier.close()
            }
        }
    }

    /// A dealer that the courier has heard from, so that it can be sent to, and its ticket.
    func connected(
        _ name: String,
        to receiver: Receiver = Receiver()
    ) async throws -> (dealer: Dealer, peer: Peer) {
        let peer = await courier.connect(name, to: receiver)
        let dealer = try Dealer(name, to: endpoint)
        try dealer.send([0])
        try #require(await eventually { receiver.messages.contains([[0]]) })
        return (dealer, peer)
    }

    /// Sends all of these in one turn of the thread.
    func send(_ envelopes: [[UInt8]], to peer: Peer) async throws {
        try await turn { courier in
            for envelope in envelopes { courier.send(envelope, to: peer) }
        }
    }

    /// Does several things with the courier in one turn of its thread.
    func turn(_ body: @escaping @Sendable (isolated Courier) -> Void) async throws {
        try await thread.run { courier.assumeIsolated { body($0) } }
    }
}

/// Keeps what it is told of peers.
final class Receiver: PeerReceiver {
    private let state = Lock(State())
    private let onFailure: @Sendable () -> Void

    private struct State {
        var frames: [(ReceivedFrame, [ReceivedFrame])] = []
        var failures: [String] = []
    }

    init(onFailure: @escaping @Sendable () -> Void = {}) { self.onFailure = onFailure }

    func received(_ frame: ReceivedFrame, attachments: [ReceivedFrame], from peer: String) {
        state.withLock { $0.frames.append((frame, attachments)) }
    }

    func sendFailed(to peer: String, reason: String) {
        state.withLock { $0.failures.append("\(peer): \(reason)") }
        onFailure()
    }

    var failures: [String] { state.withLock { $0.failures } }

    /// The bytes of all frames of all messages so far.
    var messages: [[[UInt8]]] {
        frames.map { ([$0] + $1).map { $0.withUnsafeBytes { Array($0) } } }
    }

    var frames: [(ReceivedFrame, [ReceivedFrame])] { state.withLock { $0.frames } }

    func forget() { state.withLock { $0.frames = [] } }
}
