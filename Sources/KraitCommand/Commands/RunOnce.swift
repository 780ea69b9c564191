import Krait
import KraitControl
import KraitWire

/// `krait run PIPELINE JSON`: one run of a pipeline.
enum RunOnce {
    static func run(
        _ input: String,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let isJSON = arguments[jsonFlag]
        let request = RunRequest(
            arguments[RunCommand.pipeline],
            try await CallCommand.readValue(input, arguments, context),
            options: RunCommand.options(arguments),
            isStreaming: arguments[CallCommand.stream],
            isTraced: arguments[RunCommand.trace]
        )
        let text = StreamText(context, isJSON: isJSON)
        do {
            let timeout = arguments[CallCommand.deadline].map { $0 + CallCommand.grace }
            let answer: Value
            do {
                answer = try await client.ask(.run(request), timeout: timeout) { chunk in
                    try text.write(chunk)
                }
            } catch {
                try? text.endLine()
                throw error
            }
            if request.isStreaming {
                try text.finish(answer)
            } else if isJSON {
                try context.write(json: answer)
            } else {
                try write(answer["value"] ?? .null, context)
            }
            try remark(answer["run"], arguments, context)
            return .ok
        } catch let failure as ControlFailure {
            if isJSON {
                let error: Value = ["error": failure.wire]
                try context.output.write(try error.json(pretty: !request.isStreaming) + "\n")
            } else {
                try context.errors.write("krait run: \(failure.details)\n")
                try remark(failure.run, arguments, context)
            }
            return .failed
        }
    }

    /// A text is for people; anything else is JSON.
    private static func write(_ value: Value, _ context: CommandContext) throws {
        guard let text = value.string else { return try context.write(json: value) }
        try context.output.write(text.hasSuffix("\n") ? text : text + "\n")
    }

    /// How the run went, beside what it gave.
    private static func remark(
        _ run: Value?,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws {
        guard let run, !arguments[jsonFlag] else { return }
        if arguments[RunCommand.trace] { try context.errors.write(TraceText.whole(run)) }
        guard let partial = run["partial"], let value = partial["value"] else { return }
        let path = partial["path"]?.list?.compactMap(\.string).joined(separator: "/") ?? ""
        if arguments[RunCommand.trace] {
            try context.errors.write("\(path) had given:\n\(try value.json(pretty: true))\n")
        } else if context.isInteractive {
            try context.errors.write("\(path) had given its output; --trace shows it\n")
        }
    }
}
