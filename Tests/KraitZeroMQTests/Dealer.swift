import CZeroMQ
import Glibc
import KraitTestSupport

@testable import KraitZeroMQ

/// A worker's end of a socket, driven by hand.
final class Dealer {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer

    struct Failure: Error {
        var action: String
        var number: Int32
    }

    /// - Parameters:
    ///   - server: the public key of the other side; nil for a plain peer.
    ///   - keys: the dealer's own.
    init(
        _ name: String,
        to endpoint: String,
        server: String? = nil,
        keys: CurveKeys? = nil
    ) throws {
        guard let context = zmq_ctx_new(), let socket = zmq_socket(context, ZMQ_DEALER) else {
            throw Failure(action: "make a socket", number: zmq_errno())
        }
        self.context = context
        self.socket = socket
        var linger: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, name.utf8.count)
        if let server, let keys {
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, 40)
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.publicKey, 40)
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secretKey, 40)
        }
        guard zmq_connect(socket, endpoint) == 0 else {
            throw Failure(action: "connect", number: zmq_errno())
        }
    }

    deinit {
        zmq_close(socket)
        zmq_ctx_term(context)
    }

    /// Sends one message of these frames.
    func send(_ frames: [UInt8]...) throws { try send(frames) }

    func send(_ frames: [[UInt8]]) throws {
        for (number, frame) in frames.enumerated() {
            let more = number + 1 < frames.count ? ZMQ_SNDMORE : 0
            guard zmq_send(socket, frame, frame.count, more) >= 0 else {
                throw Failure(action: "send", number: zmq_errno())
            }
        }
    }

    /// Sends one frame if the socket takes it now: one that was refused already has nowhere to send
    /// it to, and would wait for ever.
    func offer(_ frame: [UInt8]) { zmq_send(socket, frame, frame.count, ZMQ_DONTWAIT) }

    /// A message's frames, or nil where none is waiting.
    func receiveNow() -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        repeat {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0 else { return nil }
            let size = zmq_msg_size(&message)
            frames.append(Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: size)))
            if zmq_msg_more(&message) == 0 { return frames }
        } while true
    }

    /// The next message's frames; nil where none comes.
    func receive(within bound: Duration = .seconds(10)) async -> [[UInt8]]? {
        var received: [[UInt8]]?
        _ = await eventually(within: bound) {
            received = receiveNow()
            return received != nil
        }
        return received
    }

    /// The next so many messages, each of one frame.
    func receive(_ count: Int) async -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while messages.count < count, let frames = await receive() { messages += frames }
        return messages
    }
}
