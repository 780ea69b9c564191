import Krait
import KraitControl
import KraitObservability
import KraitWire

/// Answers the rows of a file that have no answer yet, a few at a time.
///
/// A row is answered by one line, in the results or in the failures. What was under way when the
/// process was killed has none, and is asked again; what was written is not.
struct BatchRun: Sendable {
    let input: BatchInput
    let results: BatchFile
    let failures: BatchFile
    let concurrency: Int
    /// Answers a row.
    ///
    /// A `CallError` is the row's own failure, anything else ends the batch.
    let answer: @Sendable (Value) async throws -> BatchAnswer
    let progress: Lock<BatchProgress>
    /// What a row that has such an error came to.
    var failed: @Sendable (CallError) -> BatchAnswer = BatchAnswer.failed
    /// With how many failures of this run it ends; nil goes on.
    var maxErrors: Int?
    /// Hears of each row that is written.
    var listener: @Sendable (_ row: Int, BatchAnswer) -> Void = { _, _ in }
    /// Set to begin no further row.
    let isStopping = Lock(false)

    /// Runs to the end of the input, or until it is stopped; then nothing is under way any more.
    ///
    /// - Throws: what keeps it from going on, such as a full disk. What was under way then is
    ///   cancelled and has no answer.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rows = try input.rows()
            let done = (results.rows, failures.rows)
            var underWay = 0
            while !isStopping.withLock({ $0 }), let row = try rows.next() {
                if done.0.contains(row.number) || done.1.contains(row.number) { continue }
                if underWay == concurrency {
                    try await group.next()
                    underWay -= 1
                    // Stopped while it waited: the row has not begun.
                    if isStopping.withLock({ $0 }) { break }
                }
                group.addTask { try await settle(row) }
                underWay += 1
            }
            try await group.waitForAll()
        }
        try results.sync()
        try failures.sync()
    }

    private func settle(_ row: BatchInput.Row) async throws {
        let settled: BatchAnswer
        do {
            settled = try await answer(try row.value.get())
        } catch let error as CallError {
            // Who cancels a batch has not answered its rows.
            if error.code == .cancelled || error.code == .shuttingDown { throw error }
            settled = failed(error)
        }
        try (settled.isFailure ? failures : results).append(row: row.number, settled.fields)
        let errors = progress.withLock { progress in
            progress.rowEnded(settled)
            return progress.failed
        }
        listener(row.number, settled)
        guard let maxErrors, settled.isFailure, errors >= maxErrors else { return }
        throw CommandFailure(.failed, "\(errors) rows failed, the last one row \(row.number)")
    }
}
