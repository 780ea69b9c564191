import KraitControl
import KraitWire

/// `krait route explain`: which way a call would go.
enum RouteCommand {
    static let operation = Argument.positional("OPERATION", "the operation, such as predict")

    static let command = Command(
        name: "route",
        summary: "say which way calls go",
        exitCodes: [.failed, .notRunning],
        subcommands: [explain]
    )

    static let explain = Command(
        name: "explain",
        summary: "say which route a call would take, and why",
        discussion: """
            Asks the running daemon's router, without making a call: what it would choose for the \
            operation, the reason, and the other ways there are.
            """,
        parameters: [operation.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [.init(text: "krait route explain predict", meaning: "explains predictions")],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let answer = try await client.inquire(.explain(operation: arguments[operation]))
        if arguments[jsonFlag] {
            try context.write(json: answer)
        } else {
            try context.output.write(try text(answer))
        }
        return .ok
    }

    /// The explanation as aligned lines: a key and its value each, lists one line an element.
    static func text(_ explanation: Value) throws -> String {
        guard case .map(let map) = explanation else { return try line(explanation) + "\n" }
        var table = TextTable([])
        for (key, value) in map.entries where value != .null {
            let lines = try (value.list ?? [value]).map(line)
            for (index, line) in lines.enumerated() { table.add([index == 0 ? key : "", line]) }
        }
        return String(table.text.drop { $0 == "\n" })
    }

    private static func line(_ value: Value) throws -> String {
        try value.string ?? value.json()
    }
}
