import KraitControl
import KraitWire

/// `krait status`: what the running daemon says of itself.
enum StatusCommand {
    static let command = Command(
        name: "status",
        summary: "show the daemon's pools and workers",
        discussion: """
            Asks the running daemon. In the table a pool's line is followed by those of its \
            workers; `busy` is how many of a worker's slots have a call, `restarts` how often its \
            process was replaced, and `last end` how the one before it ended and how long ago. \
            The JSON also has the last events of each pool.
            """,
        parameters: DaemonChoice.parameters + [jsonFlag.parameter],
        examples: [
            .init(text: "krait status", meaning: "as a table"),
            .init(text: "krait status --json", meaning: "as JSON, for programs"),
        ],
        exitCodes: [.notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let status = try await client.ask(.status, timeout: .seconds(10))
        if arguments[jsonFlag] {
            try context.write(json: status)
        } else {
            try context.output.write(StatusText.whole(status, name: arguments[DaemonChoice.name]))
        }
        return .ok
    }
}
