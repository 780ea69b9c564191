import KraitObservability

extension DedicatedThread {
    /// Runs `body`, which may wait, on a thread of its own, and returns what it returns.
    ///
    /// Cancelling the task does not end it: `body` must have a way out of its own.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let code = start("krait-waits") {
                continuation.resume(with: Swift.Result(catching: body))
            }
            if code != 0 {
                continuation.resume(throwing: SystemError("start a thread", code: code))
            }
        }
    }
}
