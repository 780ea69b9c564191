import CZeroMQ

/// One frame as libzmq received it: bytes that are shared, never copied and never changed.
///
/// Replies of one message are slices of one frame, so taking them apart allocates nothing; the
/// frame's memory goes back to libzmq with its last slice.
// Allowed: the message is filled before it is shared, and afterwards only read and closed once.
package final class ReceivedFrame: @unchecked Sendable {
    private let message: UnsafeMutablePointer<zmq_msg_t>
    package let count: Int

    /// Takes over a message that has been received into.
    init(taking message: UnsafeMutablePointer<zmq_msg_t>) {
        self.message = message
        count = zmq_msg_size(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// The name that the sender was let in by, where it had to be.
    var user: String? {
        zmq_msg_gets(message, "User-Id").map { String(cString: $0) }
    }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: count))
    }

    /// The bytes in `range`, valid while the slice lives.
    package subscript(range: Range<Int>) -> Slice { Slice(frame: self, range: range) }

    /// A part of a frame that keeps the frame alive.
    package struct Slice: Sendable {
        let frame: ReceivedFrame
        let range: Range<Int>

        package var count: Int { range.count }

        package func withUnsafeBytes<Result, Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try frame.withUnsafeBytes { (bytes) throws(Failure) in
                try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        }
    }
}
