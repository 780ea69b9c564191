import Glibc
import KraitControl
import KraitObservability

/// A short program run for what it prints: bounded in time and in output.
struct ProgramRun: Sendable, Equatable {
    /// What became of it.
    enum End: Sendable, Equatable {
        case exited(Int32)
        case killed(signal: Int32)
        case timedOut
    }

    let end: End
    let output: [UInt8]
    let errors: [UInt8]
    /// What is kept of each stream.
    private static let limit = 64 << 10

    /// Runs a program in a process group of its own, and ends what is left of that afterwards.
    ///
    /// - Parameters:
    ///   - onErrors: what it writes to standard error, as it comes.
    ///   - termination: ends it early, from any task.
    static func run(
        _ program: String,
        _ arguments: [String],
        timeout: Duration,
        onErrors: @escaping @Sendable ([UInt8]) -> Void = { _ in },
        termination: Termination = Termination()
    ) async throws -> ProgramRun {
        try await DedicatedThread.run {
            let output = try Descriptor.pipe()
            let errors = try Descriptor.pipe()
            let pid = try start(
                [program] + arguments,
                output: output.writing.number,
                errors: errors.writing.number
            )
            termination.began(pid)
            return collect(pid, output, errors, before: .now + timeout, onErrors, termination)
        }
    }

    /// A way to send the program SIGTERM while it runs, and never another process of its number.
    final class Termination: Sendable {
        private struct State {
            var pid: pid_t?
            var isWanted = false
        }

        private let state = Lock(State())

        /// Sends the signal, at once or as soon as there is a process.
        func request() {
            state.withLock { state in
                state.isWanted = true
                if let pid = state.pid { kill(pid, SIGTERM) }
            }
        }

        fileprivate func began(_ pid: pid_t) {
            state.withLock { state in
                state.pid = pid
                if state.isWanted { kill(pid, SIGTERM) }
            }
        }

        fileprivate func isAboutToBeReaped() { state.withLock { $0.pid = nil } }
    }

    private static func start(
        _ arguments: [String],
        output: Int32,
        errors: Int32
    ) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var pid: pid_t = 0
        let code = withCStrings(arguments) { pointers in
            posix_spawnp(&pid, arguments[0], &actions, &attributes, pointers, environ)
        }
        guard code == 0 else { throw SystemError("start \(arguments[0])", code: code) }
        return pid
    }

    private static func collect(
        _ pid: pid_t,
        _ output: consuming Descriptor.Pipe,
        _ errors: consuming Descriptor.Pipe,
        before deadline: ContinuousClock.Instant,
        _ onErrors: (([UInt8]) -> Void),
        _ termination: Termination
    ) -> ProgramRun {
        let outputs = output.readingEnd()
        let errorOutputs = errors.readingEnd()
        var kept: [[UInt8]] = [[], []]
        var polled = [outputs.number, errorOutputs.number].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        var hasTimedOut = false
        while polled.contains(where: { $0.fd >= 0 }), !hasTimedOut {
            let left = ContinuousClock.now.duration(to: deadline).wholeMilliseconds
            hasTimedOut = poll(&polled, 2, Int32(clamping: max(0, left))) == 0 && left <= 0
            for index in 0..<2 where polled[index].fd >= 0 && polled[index].revents != 0 {
                let bytes =
                    try? index == 0
                    ? outputs.read(upTo: limit) : errorOutputs.read(upTo: limit)
                if bytes?.isEmpty ?? true { polled[index].fd = -1 }
                if index == 1, let bytes { onErrors(bytes) }
                kept[index] += (bytes ?? []).prefix(limit - kept[index].count)
            }
        }
        if hasTimedOut { kill(-pid, SIGKILL) }
        termination.isAboutToBeReaped()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        kill(-pid, SIGKILL)
        let signal = status & 0x7F
        let end: End =
            hasTimedOut
            ? .timedOut : signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
        return ProgramRun(end: end, output: kept[0], errors: kept[1])
    }
}

/// Lends texts as the null-ended list of C strings that `exec` and its kin take.
func withCStrings<Result>(
    _ texts: [String],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
