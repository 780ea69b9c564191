import KraitControl

/// All commands there are, for programs that are there.
func commandTree(_ programs: Programs) -> Command {
    var commands: [Command] = []
    if let makeCore = programs.makeCore { commands.append(StartCommand.command(makeCore)) }
    commands += [
        StopCommand.command, StatusCommand.command, TopCommand.command, LogsCommand.command,
    ]
    commands += SteerCommands.commands
    commands += [
        CallCommand.command, RunCommand.command, PipelinesCommand.command, RunsCommand.command,
        SessionsCommand.command, EvaluateCommand.command, OptimizeCommand.command,
        RouteCommand.command, LMCommand.command,
        DoctorCommand.command(programs.echoRoundTrip), ConfigCommand.command, KeysCommand.command,
    ]
    if let demo = programs.demo { commands.append(DemoCommand.command(demo)) }
    if let parity = programs.parity { commands.append(ParityCommand.command(parity)) }
    if let bench = programs.bench { commands.append(BenchCommand.command(bench)) }
    commands.append(VersionCommand.command)
    return Command(
        name: "krait",
        summary: "DSPy programs from Swift, over supervised pools of Python workers",
        discussion: """
            A daemon runs pools of Python workers; the other commands talk to the daemon that is \
            running. Several daemons on one machine have different names.
            """,
        examples: [
            .init(
                text: "krait start --detach --pool general=dspy:2x16 --lm openai/gpt-4o-mini",
                meaning: "starts a daemon with a pool of two DSPy workers"
            ),
            .init(
                text: """
                    krait call predict '{"signature": "question -> answer", \
                    "inputs": {"question": "Why?"}}'
                    """,
                meaning: "makes one prediction"
            ),
            .init(text: "krait stop", meaning: "finishes what runs, and stops the daemon"),
        ],
        exitCodes: ExitCode.allCases,
        subcommands: commands
    )
}

/// The options of every command that talks to a daemon: which one.
enum DaemonChoice {
    static let name = Argument.option(
        "name",
        "NAME",
        .identifier,
        default: Configuration.defaultName,
        "the daemon's name"
    )
    static let runDirectory = Argument<String?>.option(
        "run-directory",
        "DIR",
        .text,
        "the folder of the daemons' folders, where it is not the usual one"
    )
    static let parameters = [name.parameter, runDirectory.parameter]

    static func client(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws -> ControlClient {
        ControlClient(
            directory: try RunDirectory(
                name: arguments[name],
                chosen: arguments[runDirectory],
                environment: context.environment
            )
        )
    }
}

/// The flag of every command that reads something.
let jsonFlag = Argument.flag("json", "print one JSON document")
