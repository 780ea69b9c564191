import CZeroMQ
import Glibc

/// Bytes that are sent without a copy: libzmq holds their owner until it has let go of them.
// Allowed: the owner keeps the bytes where they are, and nobody changes them.
package struct OutgoingFrame: @unchecked Sendable {
    private let bytes: UnsafeRawBufferPointer
    private let owner: AnyObject

    /// Frames up to this size are copied: that costs less than the callback.
    private static let smallFrame = 1_024

    /// - Parameters:
    ///   - bytes: stay where they are for as long as the owner lives.
    ///   - owner: is let go of on any thread.
    package init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        self.bytes = bytes
        self.owner = owner
    }

    package var count: Int { bytes.count }

    /// Sends it; the error, or 0.
    func send(on socket: UnsafeMutableRawPointer, _ flags: Int32) -> Int32 {
        var message = zmq_msg_t()
        if bytes.count <= Self.smallFrame {
            guard zmq_msg_init_size(&message, bytes.count) == 0 else { return zmq_errno() }
            if let start = bytes.baseAddress {
                zmq_msg_data(&message).copyMemory(from: start, byteCount: bytes.count)
            }
        } else {
            let held = Unmanaged.passRetained(owner)
            let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            let status = zmq_msg_init_data(
                &message,
                start,
                bytes.count,
                { _, hint in
                    if let hint { Unmanaged<AnyObject>.fromOpaque(hint).release() }
                },
                held.toOpaque()
            )
            guard status == 0 else {
                held.release()
                return zmq_errno()
            }
        }
        while zmq_msg_send(&message, socket, flags) < 0 {
            let error = zmq_errno()
            if error == EINTR { continue }
            zmq_msg_close(&message)
            return error
        }
        return 0
    }
}
