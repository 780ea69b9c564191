/// Something a supervisor keeps running.
///
/// `run` says that it has started, does its work, and ends in one of three ways: it returns (it is
/// done), throws (it failed), or is cancelled (it is to stop). A child that is cancelled tidies up
/// and returns or throws within its shutdown time; which of the two makes no difference then.
///
/// ```swift
/// struct Ticker: Supervised {
///     func run(started: StartSignal) async throws {
///         let source = try await open()      // throws here: it could not be started
///         started()                          // the supervisor starts the next child
///         for try await tick in source { … } // throws here: it crashed
///     }
/// }
/// ```
///
/// **A Swift task cannot be killed.** A child that does not heed its cancellation, because it waits
/// for something that does not, runs on: its supervisor reports it as unresponsive, stops what
/// else there is, and fails with a ``SupervisorError`` that names it, which no supervisor above
/// answers with a restart. Only the end of the process ends such a task.
package protocol Supervised: Sendable {
    /// Runs until the work is done, fails, or the task is cancelled.
    ///
    /// - Parameter started: Called as soon as others may rely on this child. Returning before that
    ///   counts as having started, throwing as a failure to start.
    func run(started: StartSignal) async throws
}

extension Supervised {
    /// Runs without a supervisor, for programs and tests that have none.
    package func run() async throws {
        try await run(started: StartSignal {})
    }
}

/// How a child tells its supervisor that it has started; OTP's `init_ack`.
///
/// Calling it again, or after the child has ended, does nothing.
package struct StartSignal: Sendable {
    private let signal: @Sendable () -> Void

    package init(_ signal: @escaping @Sendable () -> Void) {
        self.signal = signal
    }

    package func callAsFunction() { signal() }
}
