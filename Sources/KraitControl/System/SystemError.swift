import Glibc

/// A system call that failed: what was tried, and the system's reason.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, such as `open /run/krait/default/daemon.json`.
    package let action: String
    package let code: Int32

    /// The error in `errno`.
    ///
    /// Call it before anything else can change that.
    package init(_ action: String, code: Int32 = errno) {
        self.action = action
        self.code = code
    }

    /// The system's words for the code.
    package var reason: String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }

    package var description: String { "cannot \(action): \(reason)" }
}
