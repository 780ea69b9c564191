import Glibc

/// Why a worker, or the forkserver that makes workers, could not be started.
package struct LaunchError: Error, Equatable, Sendable {
    /// What happened and what to do, with the last lines the child wrote where there are any.
    package var reason: String
    /// Whether trying again cannot help (no interpreter, an adapter that does not import).
    package var isFinal: Bool

    package init(_ reason: String, isFinal: Bool) {
        self.reason = reason
        self.isFinal = isFinal
    }

    /// The system refuses another pipe or socket; `errno` says why.
    static func noDescriptors() -> LaunchError {
        let error = String(cString: strerror(errno))
        return LaunchError("no descriptors are left: \(error)", isFinal: false)
    }
}
