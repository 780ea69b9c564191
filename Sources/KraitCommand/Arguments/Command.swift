/// One command of `krait`, declared: how it is called, what it does, and what runs.
struct Command: Sendable {
    let name: String
    /// What it does, in a few words: shown in the list of commands.
    let summary: String
    /// What it does, in a few sentences: shown by its own `--help`.
    var discussion = ""
    var parameters: [Parameter] = []
    var examples: [Example] = []
    /// The exit codes it can have, beside `.ok`, `.usage` and those of any program.
    var exitCodes: [ExitCode] = []
    var subcommands: [Command] = []
    var interruption = Interruption.ends
    /// Nil for a command that only groups others.
    var run: (@Sendable (ParsedArguments, CommandContext) async throws -> ExitCode)?

    struct Example: Sendable {
        let text: String
        let meaning: String
    }

    /// What Ctrl-C and SIGTERM do while it runs.
    enum Interruption: Sendable {
        /// The process ends at once: it holds nothing that would remain.
        case ends
        /// The command's task is cancelled, and it cleans up; a second signal ends it at once.
        case cancels
        /// The command sees to it.
        case handled
    }

    /// A subcommand by its name.
    subscript(subcommand: String) -> Command? { subcommands.first { $0.name == subcommand } }
}
