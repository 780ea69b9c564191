import Glibc
import KraitTestSupport
import KraitWorkers
import Testing

/// A program that a test has started, with its output in files; it is killed when forgotten.
final class Program: Sendable {
    let id: pid_t
    private let folder: String
    /// Closing it is the end of the program's standard input.
    private let input: Int32

    /// Starts a program; `folder` must live longer, and is another program's no more.
    init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String],
        folder: String
    ) throws {
        self.folder = folder
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        // What else is started gets no descriptors but its own anyway.
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        let outputs = ["output", "errors"].map {
            open("\(folder)/\($0)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        }
        input = ends[1]
        defer { for descriptor in [ends[0]] + outputs { close(descriptor) } }
        id = try spawn(
            path,
            arguments,
            environment: environment,
            descriptors: [ends[0]] + outputs
        )
    }

    deinit {
        close(input)
        // Reaped already where `end` was awaited; the number is ours until then.
        var status: Int32 = 0
        if waitpid(id, &status, WNOHANG) == 0 {
            kill(id, SIGKILL)
            waitpid(id, &status, 0)
        }
    }

    var output: String { wholeFile("\(folder)/output") ?? "" }
    var errors: String { wholeFile("\(folder)/errors") ?? "" }

    /// Waits for the end; the exit code, or a negative signal number.
    func end(within bound: Duration = .seconds(60)) async throws -> Int32 {
        var status: Int32 = 0
        let hasEnded = await eventually(within: bound) { waitpid(id, &status, WNOHANG) == id }
        try #require(hasEnded, "process \(id) still runs; it said: \(errors)")
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : -signal
    }
}
