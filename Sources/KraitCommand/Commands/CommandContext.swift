import Glibc
import Krait
import KraitControl
import KraitObservability
import KraitWire

/// What a command may touch of the world: its arguments do not say, and a test brings its own.
struct CommandContext: Sendable {
    var output: any TextSink
    var errors: any TextSink
    /// Reads standard input to its end; at most so many bytes.
    var readInput: @Sendable (_ limit: Int) async throws -> [UInt8]
    var environment: [String: String]
    /// The command line after the program's name, for the daemon that is started with the same.
    var arguments: [String] = []
    /// Whether a person reads the errors: remarks beside the result are written only then.
    var isInteractive = false
    /// Whether the output is a terminal, on which one table can take another's place.
    var isTerminal = false
    /// What ends a command that goes on until it is interrupted; tests send another signal.
    var interruptions = TerminationSignals.usual

    /// Writes one JSON document.
    func write(json value: Value) throws {
        try output.write(try value.json(pretty: true) + "\n")
    }

    /// Does what goes on by itself, until that ends or somebody interrupts it, which is no failure.
    func untilInterrupted(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = TerminationSignals(interruptions)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            group.cancelAll()
        }
    }

    /// The world of this process.
    static var process: CommandContext {
        CommandContext(
            output: DescriptorSink(number: STDOUT_FILENO),
            errors: DescriptorSink(number: STDERR_FILENO),
            readInput: { limit in
                try await DedicatedThread.run {
                    try Descriptor.duplicate(of: STDIN_FILENO).readAll(limit: limit)
                }
            },
            environment: processEnvironment(),
            arguments: Array(CommandLine.arguments.dropFirst()),
            isInteractive: isatty(STDERR_FILENO) == 1,
            isTerminal: isatty(STDOUT_FILENO) == 1
        )
    }

    static func processEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}

/// The parts of a command's work that are not this target's: `main` passes those that exist, and a
/// command whose part is not there is not offered.
struct Programs: Sendable {
    /// Makes what a daemon serves.
    var makeCore: (@Sendable (DaemonPlan) throws -> any DaemonCore)?
    var demo: (@Sendable (DemoRequest, CommandContext) async throws -> ExitCode)?
    var parity: (@Sendable (ParityRequest, CommandContext) async throws -> ExitCode)?
    var bench: (@Sendable (BenchRequest, CommandContext) async throws -> ExitCode)?
    /// Starts a pool of one echo worker, calls it once, and stops it again.
    var echoRoundTrip: (@Sendable (_ python: String?) async throws -> Duration)?
}

/// A command failed in a way that is told in a sentence, and ends with that code.
struct CommandFailure: Error, CustomStringConvertible {
    let exitCode: ExitCode
    let description: String

    init(_ exitCode: ExitCode, _ description: String) {
        self.exitCode = exitCode
        self.description = description
    }
}
