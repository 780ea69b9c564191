import Glibc
import Krait
import KraitControl
import KraitObservability
import KraitWire

/// `krait logs`: what the daemon has logged.
enum LogsCommand {
    static let follow = Argument.flag("follow", "go on with what it logs, until it ends")
    static let lines = Argument.option(
        "lines",
        "N",
        .integer(0...1_000_000),
        default: 100,
        "how many of its last lines"
    )
    static let level = Argument<LogLevel?>.option(
        "level",
        "LEVEL",
        .logLevel,
        "only lines that matter as much or more (trace to critical)"
    )

    static let command = Command(
        name: "logs",
        summary: "show the daemon's log",
        discussion: """
            The log of a daemon that was started with --detach: a file in its run directory, of \
            bounded size. With --level only lines of that level or above count. What a daemon \
            logs at all its configuration says (`log_level`). A daemon in the foreground logs to \
            its own standard error, and under systemd `journalctl` has it. The log of a daemon \
            that stopped in good order is gone with it.
            """,
        parameters: [follow.parameter, lines.parameter, level.parameter]
            + DaemonChoice.parameters,
        examples: [
            .init(text: "krait logs --follow", meaning: "until the daemon ends, or Ctrl-C"),
            .init(text: "krait logs --level warning", meaning: "what went wrong"),
        ],
        exitCodes: [.failed, .notRunning],
        interruption: .handled,
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let directory = client.directory
        guard access(directory.log, R_OK) == 0 else { throw try await noLog(client) }
        try await context.untilInterrupted { try await show(directory, arguments, context) }
        return .ok
    }

    private static func show(
        _ directory: RunDirectory,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws {
        let file = try LogFile(directory.log, level: arguments[level])
        try context.output.write(joined(try file.last(arguments[lines])))
        var isOver = !arguments[follow]
        while !isOver {
            guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { return }
            // Asked before the last lines are read, so that none is missed.
            isOver = DaemonRecord(file: directory.record)?.identity.isAlive != true
            try context.output.write(joined(try file.next()))
        }
    }

    private static func joined(_ lines: [String]) -> String {
        lines.reduce(into: "") { $0 += $1 + "\n" }
    }

    /// Why there is no file: the daemon is in the foreground, or there is none.
    private static func noLog(_ client: ControlClient) async throws -> CommandFailure {
        let record = try await client.ping()
        return CommandFailure(
            .failed,
            "the daemon named \(record.name) (pid \(record.identity.pid)) is in the foreground: "
                + "its log goes to its own standard error; `krait start --detach` keeps a file"
        )
    }
}
