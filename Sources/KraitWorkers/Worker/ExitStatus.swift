import Glibc

/// How a process ended.
package enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
    case exited(Int)
    case signalled(Int)
    /// It was bound to its forkserver, which ended; why.
    case orphaned(String)
    /// It runs elsewhere, and there is no way to it any more.
    case disconnected
    /// Nobody could tell.
    case unknown

    /// The forkserver's form: an exit code, or a negative signal number.
    init(code: Int) { self = code < 0 ? .signalled(-code) : .exited(code) }

    package var description: String {
        switch self {
        case .exited(let code): "it exited with code \(code)"
        case .signalled(let number):
            "it was killed by signal \(number) (\(String(cString: strsignal(Int32(number)))))"
        case .orphaned(let reason): "it ended with its forkserver: \(reason)"
        case .disconnected: "its connection was lost"
        case .unknown: "it is gone"
        }
    }
}
