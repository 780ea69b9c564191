import CProcessSupport
import Glibc
import Krait
import KraitControl
import KraitObservability

/// Starts the daemon as a process of its own session, and waits until it is ready or has failed.
///
/// The program runs itself again, with the same arguments but `--detach`. The new process reports
/// over a pipe; what it or the system writes to standard error before it has a log comes over
/// another, so that no reason is lost.
struct DetachedStart: Sendable {
    let directory: RunDirectory
    var program = Self.thisProgram()

    func run(_ context: CommandContext) async throws -> ExitCode {
        let signals = TerminationSignals(context.interruptions)
        let child = try spawn(context)
        return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            group.addTask {
                try await DedicatedThread.run { try child.follow(context, in: directory) }
            }
            group.addTask {
                // An interrupted start is given up: first gently, then not.
                var signal = SIGTERM
                for await _ in signals {
                    child.interrupt(signal)
                    signal = SIGKILL
                }
                return nil
            }
            let code = try await group.next() ?? nil
            group.cancelAll()
            guard let code, code == .ok else { return code ?? .interrupted }
            try context.output.write(
                "started \(directory.name) (pid \(child.pid)); its log is \(directory.log)\n"
            )
            return .ok
        }
    }

    /// The path of this program, so that the daemon has its name in lists of processes; where the
    /// file has been replaced or removed since, still the same program.
    private static func thisProgram() -> String {
        let itself = "/proc/self/exe"
        guard let resolved = realpath(itself, nil) else { return itself }
        defer { free(resolved) }
        let path = String(cString: resolved)
        var (here, there) = (stat(), stat())
        let isSame =
            stat(itself, &here) == 0 && stat(path, &there) == 0
            && here.st_ino == there.st_ino && here.st_dev == there.st_dev
        return isSame ? path : itself
    }

    private func spawn(_ context: CommandContext) throws(SystemError) -> StartingChild {
        let report = try Descriptor.pipe()
        let words = try Descriptor.pipe()
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, nothing.number, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, words.writing.number, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, words.writing.number, STDERR_FILENO)
        posix_spawn_file_actions_adddup2(&actions, report.writing.number, StartReporter.descriptor)
        // Not even one that this process was given itself, such as a build tool's pipe.
        krait_close_from(&actions, StartReporter.descriptor + 1)
        // POSIX_SPAWN_SETSID is a GNU extension, and Glibc's module hides those.
        let newSession: Int32 = 0x80
        let flags = newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        let kept = context.arguments.filter { $0 != StartCommand.detach.parameter.title }
        let ready = "\(StartCommand.readyDescriptor.parameter.title)=\(StartReporter.descriptor)"
        ProcessEnvironment.leaveRun()
        var pid: pid_t = 0
        let code = withCStrings(["krait"] + kept + [ready]) { arguments in
            posix_spawn(&pid, program, &actions, &attributes, arguments, environ)
        }
        guard code == 0 else { throw SystemError("start \(program)", code: code) }
        return StartingChild(pid: pid, report: report.readingEnd(), words: words.readingEnd())
    }
}

/// A daemon that is starting, as its starter sees it.
final class StartingChild: Sendable {
    let pid: pid_t
    private let report: Descriptor
    private let words: Descriptor
    private let lastWords = Lock([UInt8]())
    private let isInterrupted = Lock(false)
    /// How much of its standard error is kept: the end says why.
    private static let tail = 16 << 10

    init(pid: pid_t, report: consuming Descriptor, words: consuming Descriptor) {
        self.pid = pid
        self.report = report
        self.words = words
    }

    /// Ends the start; whatever is reported after this no longer counts.
    func interrupt(_ signal: Int32) {
        isInterrupted.withLock { $0 = true }
        kill(pid, signal)
    }

    /// Shows how the start goes until it is decided.
    ///
    /// Waits in the kernel: for a thread of its own.
    func follow(_ context: CommandContext, in directory: RunDirectory) throws -> ExitCode {
        let report = try readReport(context)
        if isInterrupted.withLock(\.self) {
            _ = end()
            directory.removeRemains()
            return .interrupted
        }
        switch report {
        case .progress: return .ok
        case .failed(let code, let message):
            _ = end()
            throw CommandFailure(code, message)
        case nil:
            return try diedEarly(in: directory)
        }
    }

    /// The report that decides the start; nil where the daemon ended without one.
    private func readReport(_ context: CommandContext) throws -> StartReport? {
        var lines = LineBuffer(limit: 1 << 20)
        var polled = [report.number, words.number].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while polled[0].fd >= 0 {
            guard poll(&polled, 2, -1) >= 0 || errno == EINTR else {
                throw SystemError("wait for the daemon")
            }
            if polled[1].fd >= 0, polled[1].revents != 0 {
                let bytes = try words.read(upTo: 64 << 10)
                if bytes.isEmpty { polled[1].fd = -1 }
                lastWords.withLock { $0 = Array(($0 + bytes).suffix(Self.tail)) }
            }
            guard polled[0].revents != 0 else { continue }
            let bytes = try report.read(upTo: 64 << 10)
            if bytes.isEmpty { polled[0].fd = -1 }
            lines.append(bytes)
            while case .whole(let line)? = lines.next() {
                switch StartReport(line: line) {
                case .progress(.step(let text)):
                    if context.isInteractive { try context.errors.write("\(text)\n") }
                case nil: continue
                case let decided: return decided
                }
            }
        }
        return nil
    }

    /// It ended without a word of its own: what it wrote to standard error or its log says why.
    private func diedEarly(in directory: RunDirectory) throws -> ExitCode {
        let status = end()
        let signal = status & 0x7F
        let exit = (status >> 8) & 0xFF
        // It was told to end while it started, and did so in good order.
        let wasTold = [.ok, .interrupted].contains(ExitCode(rawValue: exit))
        if signal == 0, wasTold { return .interrupted }
        let log = (try? readFile(directory.log, limit: 16 << 20)) ?? []
        let bytes = (lastWords.withLock(\.self) + log).suffix(Self.tail)
        directory.removeRemains()
        let how = signal == 0 ? "with exit code \(exit)" : "by signal \(signal)"
        let words = String(decoding: bytes, as: UTF8.self)
        throw CommandFailure(
            .startFailed,
            "the daemon ended \(how) before it was ready" + (words.isEmpty ? "" : ":\n\(words)")
        )
    }

    /// Waits for the process, and gives its status as `waitpid` has it.
    private func end() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
