import Glibc
import Krait
import KraitControl
import KraitWire

/// Runs a command line: parses it, runs the command, and makes an exit code of whatever happens.
struct CommandRunner: Sendable {
    let root: Command
    let context: CommandContext
    /// What interrupts a command; tests send another signal than the one every command hears.
    var interruptions = [SIGTERM, SIGINT]

    func run(_ arguments: [String]) async -> ExitCode {
        do {
            switch try ArgumentParser(root: root).parse(arguments) {
            case .version:
                try context.output.write(VersionCommand.text)
                return .ok
            case .help(let path, let command):
                try context.output.write(HelpText(path: path, command: command).text)
                return .ok
            case .run(let parsed):
                return try await run(parsed)
            }
        } catch {
            return report(error)
        }
    }

    private func run(_ parsed: ParsedArguments) async throws -> ExitCode {
        guard let body = parsed.command.run else { return .usage }
        guard parsed.command.interruption == .cancels else {
            return try await body(parsed, context)
        }
        let signals = TerminationSignals(interruptions)
        return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            group.addTask { try await body(parsed, context) }
            group.addTask {
                for await _ in signals { return nil }
                return nil
            }
            if let code = try await group.next() ?? nil {
                group.cancelAll()
                return code
            }
            // Interrupted: the command cleans up; whoever cannot wait for that sends a second one.
            let impatience = TerminationSignals(interruptions)
            group.addTask {
                for await _ in impatience { _exit(ExitCode.interrupted.rawValue) }
                return nil
            }
            group.cancelAll()
            _ = try? await group.next()
            return .interrupted
        }
    }

    /// Tells an error to the person, and chooses its code.
    private func report(_ error: any Error) -> ExitCode {
        let code = Self.exitCode(of: error)
        if code != .outputClosed {
            let text = error is UsageError ? "\(error)" : "krait: \(error)"
            // Where even that cannot be written, the exit code has to say it.
            try? context.errors.write(text + "\n")
        }
        return code
    }

    static func exitCode(of error: any Error) -> ExitCode {
        switch error {
        case is UsageError: .usage
        case is ConfigurationProblems: .configuration
        case is ControlClientError: .notRunning
        case is OutputClosed: .outputClosed
        case is CancellationError: .interrupted
        case let failure as CommandFailure: failure.exitCode
        default: .failed
        }
    }
}
