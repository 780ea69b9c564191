import CProcessSupport
import Glibc

/// A thread for work that waits in the kernel, which must not hold one of Swift's own few threads.
package enum DedicatedThread {
    /// Starts a thread that runs `body` and ends with it.
    ///
    /// - Parameter name: what `top -H` shows, up to 15 bytes.
    /// - Returns: 0, or the number of the system's error where it has no thread to give; `body` is
    ///   let go then.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Int32 {
        let box = Unmanaged.passRetained(Life(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { pointer in
                guard let pointer else { return nil }
                let life = Unmanaged<Life>.fromOpaque(pointer).takeRetainedValue()
                krait_name_thread(life.name)
                life.body()
                return nil
            },
            box.toOpaque()
        )
        if code == 0 { pthread_detach(thread) } else { box.release() }
        return code
    }

    private final class Life: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
