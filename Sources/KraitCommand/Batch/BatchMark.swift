import Glibc
import KraitControl
import KraitWire

/// What an output belongs to, in a file beside it, so that nobody resumes another batch with it.
struct BatchMark: Sendable, Equatable {
    let operation: String
    /// What each row's arguments are laid over, as JSON.
    let arguments: String
    let input: BatchInput.Fingerprint

    private var text: String {
        get throws {
            let value: Value = [
                "operation": .string(operation), "arguments": .string(arguments),
                "rows": .int(Int64(input.rows)), "bytes": .int(Int64(input.bytes)),
                "digest": .string(String(input.digest, radix: 16)),
            ]
            return try value.json() + "\n"
        }
    }

    /// Opens the failures beside the results, once it is sure that both are this batch's.
    ///
    /// - Parameter retryFailed: forgets the failures there are.
    func claim(_ results: BatchFile, retryFailed: Bool) throws -> BatchFile {
        let failures = try BatchFile(results.path + ".failed")
        try claim(results.path + ".run", isNew: results.isEmpty && failures.isEmpty)
        if retryFailed { try failures.clear() }
        return failures
    }

    /// Checks the output's mark, or makes it where the batch begins.
    ///
    /// - Parameter isNew: whether the output has no row yet.
    private func claim(_ path: String, isNew: Bool) throws {
        let text = try text
        let found = isNew ? nil : try? readFile(path, limit: 1 << 20)
        if !isNew {
            guard let found, found == Array(text.utf8) else {
                throw CommandFailure(
                    .failed,
                    "the output is of another batch: its operation, arguments or input differ from "
                        + "\(path); choose another --output"
                )
            }
            return
        }
        // Whole or not at all, also where this process is killed here.
        let draft = path + ".new"
        let file = try Descriptor.open(draft, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(Array(text.utf8))
        guard fsync(file.number) == 0, rename(draft, path) == 0 else {
            throw SystemError("write \(path)")
        }
    }
}
