import Glibc

/// A system call that failed: what was tried, and the system's reason.
struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, such as `open /run/krait/default/daemon.json`.
    let action: String
    let code: Int32

    /// The error in `errno`.
    ///
    /// Call it before anything else can change that.
    init(_ action: String, code: Int32 = errno) {
        self.action = action
        self.code = code
    }

    /// The system's words for the code.
    var reason: String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }

    var description: String { "cannot \(action): \(reason)" }
}
