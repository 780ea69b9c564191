import CZeroMQ
import Glibc

/// What libzmq or the kernel refused, with the reason in words.
package struct ZeroMQError: Error, Equatable, CustomStringConvertible {
    /// What was attempted, such as `bind ipc:///run/krait/router.sock`.
    package var action: String
    /// The C error number.
    package var number: Int32

    /// The error that the C library has just set.
    static func last(_ action: String) -> ZeroMQError {
        ZeroMQError(action: action, number: zmq_errno())
    }

    package var description: String {
        "could not \(action): \(String(cString: zmq_strerror(number)))"
    }
}
