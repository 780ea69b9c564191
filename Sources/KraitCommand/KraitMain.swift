import Glibc

/// The `krait` command.
@main enum KraitMain {
    static func main() async {
        // A reader that goes away is an error of the write, and no reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
        let programs = Programs(
            makeCore: { $0.core },
            demo: DemoProgram.run,
            parity: ParityProgram.run,
            bench: BenchProgram.run,
            echoRoundTrip: EchoRoundTrip.run
        )
        let runner = CommandRunner(root: commandTree(programs), context: .process)
        exit(await runner.run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }
}
