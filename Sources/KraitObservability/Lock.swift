import Glibc

/// State that several threads share, reachable only while its lock is held.
///
/// It stands on `pthread_mutex_t` because the thread sanitizer understands that one, and takes
/// `Synchronization.Mutex` for no lock at all. Hold it for a few instructions only: no I/O, no
/// call into code that may take another lock. An `await` inside does not compile. Taking a lock
/// that the thread already holds stops a debug build at that place instead of hanging it.
// Allowed: the mutex guards every access to `state`, which the compiler cannot see.
package final class Lock<State: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    package init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        #if DEBUG
            pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        #endif
        let result = pthread_mutex_init(mutex, &attributes)
        precondition(result == 0, "pthread_mutex_init: \(result)")
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with the lock held and gives back what it returns or throws.
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let locked = pthread_mutex_lock(mutex)
        precondition(locked == 0, "this thread already holds the lock (\(locked))")
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
