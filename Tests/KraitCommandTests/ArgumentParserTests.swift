import Krait
import Testing

@testable import KraitCommand

private enum Sample {
    static let json = Argument.flag("json", "as JSON")
    static let name = Argument.option("name", "NAME", .identifier, default: "default", "which")
    static let timeout = Argument<Duration?>.option("timeout", "TIME", .duration, "how long")
    static let pool = Argument<[PoolArgument]>.repeated("pool", "POOL", .pool, "a pool")
    static let secret = Argument<Int?>.option("fd", "N", .integer(3...9), hidden: true, "")
    static let operation = Argument.positional("OPERATION", "what to call")
    static let rest = Argument<[String]>.rest("FILE", "files")

    static let root = Command(
        name: "krait",
        summary: "the root",
        subcommands: [
            Command(
                name: "call",
                summary: "calls",
                parameters: [
                    json.parameter, name.parameter, timeout.parameter, pool.parameter,
                    secret.parameter, operation.parameter, rest.parameter,
                ],
                run: { _, _ in .ok }
            ),
            Command(
                name: "route",
                summary: "routes",
                subcommands: [
                    Command(name: "explain", summary: "explains", run: { _, _ in .ok })
                ]
            ),
            Command(name: "status", summary: "shows", run: { _, _ in .ok }),
        ]
    )

    static func parse(_ line: String) throws(UsageError) -> Request {
        try ArgumentParser(root: root).parse(line.split(separator: " ").map(String.init))
    }

    static func run(_ line: String) throws -> ParsedArguments {
        guard case .run(let parsed) = try parse(line) else {
            throw UsageError("not a command to run", path: [])
        }
        return parsed
    }
}

@Suite struct ArgumentParserTests {
    @Test func `what is not given has its default`() throws {
        let parsed = try Sample.run("call echo")
        #expect(parsed.path == ["krait", "call"])
        #expect(!parsed[Sample.json])
        #expect(parsed[Sample.name] == "default")
        #expect(parsed[Sample.timeout] == nil)
        #expect(parsed[Sample.pool].isEmpty)
        #expect(parsed[Sample.operation] == "echo")
        #expect(!parsed.wasGiven(Sample.name))
    }

    @Test(arguments: [
        "call --json --name lab --timeout 2s echo a b",
        "call echo a b --json --name=lab --timeout=2s",
        "call echo --name lab a --timeout 2000ms b --json",
    ])
    func `options stand before, between and after positional arguments`(_ line: String) throws {
        let parsed = try Sample.run(line)
        #expect(parsed[Sample.json])
        #expect(parsed[Sample.name] == "lab")
        #expect(parsed[Sample.timeout] == .seconds(2))
        #expect(parsed[Sample.operation] == "echo")
        #expect(parsed[Sample.rest] == ["a", "b"])
        #expect(parsed.wasGiven(Sample.name))
    }

    @Test func `a repeated option keeps all its values in order`() throws {
        let parsed = try Sample.run("call echo --pool a=echo --pool=b=dspy:2x3")
        #expect(parsed[Sample.pool].map(\.name) == ["a", "b"])
        #expect(parsed[Sample.pool].map(\.slots) == [nil, 3])
    }

    @Test func `after two dashes everything is positional, and one dash always is`() throws {
        let parsed = try Sample.run("call - -- --json --")
        #expect(parsed[Sample.operation] == "-")
        #expect(parsed[Sample.rest] == ["--json", "--"])
        #expect(!parsed[Sample.json])
    }

    @Test func `a value may hold an equals sign and may be empty to the parser`() throws {
        #expect(try Sample.run("call x --pool=a=m.n:C:1")[Sample.pool].first?.adapter == "m.n:C")
        #expect(
            throws: UsageError(
                "--name must be 1 to 64 letters, digits, `-`, `_` or `.`, "
                    + "and begin with none of `-` and `.`, not \"\"",
                path: ["krait", "call"]
            )
        ) {
            try Sample.run("call x --name=")
        }
    }

    @Test(arguments: [
        ("", "krait: a command is missing: one of call, route, status"),
        ("stats", "krait: there is no command \"stats\"; did you mean `status`?"),
        ("xyzzy", "krait: there is no command \"xyzzy\""),
        ("--jsn", "krait: there is no option \"--jsn\""),
        ("route", "krait route: a command is missing: one of explain"),
        ("route explian", "krait route: there is no command \"explian\"; did you mean `explain`?"),
        ("help cal", "krait: there is no command \"cal\"; did you mean `call`?"),
        ("call", "krait call: OPERATION is missing: what to call"),
        ("call x --jsno", "krait call: there is no option \"--jsno\"; did you mean `--json`?"),
        ("call x --nam=a", "krait call: there is no option \"--nam\"; did you mean `--name`?"),
        ("call x -q", "krait call: there is no option \"-q\""),
        ("call x --json=yes", "krait call: --json takes no value"),
        ("call x --json --json", "krait call: --json is given twice"),
        ("call x --name a --name b", "krait call: --name is given twice"),
        ("call x --name", "krait call: --name needs a value: --name NAME"),
        (
            "call x --timeout soon",
            "krait call: --timeout must be a time with its unit, such as 500ms, 30s, 2m or 1h, "
                + "not \"soon\""
        ),
        ("status now", "krait status: \"now\" is one argument too many"),
    ])
    func `a line that cannot be followed says why`(_ line: String, _ message: String) {
        let error = #expect(throws: UsageError.self) { try Sample.run(line) }
        let first = error?.description.split(separator: "\n").first.map(String.init)
        #expect(first == message)
        #expect(error?.description.hasSuffix("--help`.") == true)
    }

    @Test(arguments: [
        ("--help", ["krait"]), ("help", ["krait"]), ("-h", ["krait"]),
        ("call --help", ["krait", "call"]), ("help call", ["krait", "call"]),
        ("call --nonsense -h", ["krait", "call"]),
        ("route --help", ["krait", "route"]),
        ("help route explain", ["krait", "route", "explain"]),
    ])
    func `help is there for every command`(_ line: String, _ path: [String]) throws {
        guard case .help(let found, let command) = try Sample.parse(line) else {
            Issue.record("no help")
            return
        }
        #expect(found == path)
        #expect(command.name == path.last)
    }

    @Test func `help behind two dashes is an argument`() throws {
        #expect(try Sample.run("call -- --help")[Sample.operation] == "--help")
    }

    @Test(arguments: ["--version", "-V"]) func `the version is asked for`(_ line: String) throws {
        guard case .version = try Sample.parse(line) else {
            Issue.record("no version")
            return
        }
    }

    @Test func `a hidden option is understood and not suggested`() throws {
        #expect(try Sample.run("call x --fd 3")[Sample.secret] == 3)
        let error = #expect(throws: UsageError.self) { try Sample.run("call x --fx 3") }
        #expect(error?.reason == "there is no option \"--fx\"")
    }
}

@Suite struct HelpTextTests {
    @Test func `the help is the declaration laid out`() throws {
        let command = Command(
            name: "call",
            summary: "make one call",
            discussion: "Calls an operation of the running daemon and prints its value as JSON, "
                + "wherever it runs.",
            parameters: [
                Sample.operation.parameter, Sample.rest.parameter, Sample.name.parameter,
                Sample.pool.parameter, Sample.json.parameter, Sample.secret.parameter,
            ],
            examples: [.init(text: "krait call echo", meaning: "calls echo")],
            exitCodes: [.failed],
            run: { _, _ in .ok }
        )
        let expected = """
            krait call: make one call

            USAGE
              krait call OPERATION [FILE…] [--name NAME] [--pool POOL]… [--json]

            Calls an operation of the running daemon and prints its value as JSON, wherever
            it runs.

            ARGUMENTS
              OPERATION  what to call
              FILE       files

            OPTIONS
              --name NAME  which (default: default)
              --pool POOL  a pool (may be repeated)
              --json       as JSON
              --help       show this

            EXAMPLES
              krait call echo
                  calls echo

            EXIT CODES
              0    done
              1    the call or the operation failed; the error says why
              2    the command line is not valid
              130  interrupted before it was done
              141  the reader of the output went away

            """
        #expect(HelpText(path: ["krait", "call"], command: command).text == expected)
    }

    static let all: [([String], Command)] = {
        func walk(_ command: Command, _ path: [String]) -> [([String], Command)] {
            [(path, command)] + command.subcommands.flatMap { walk($0, path + [$0.name]) }
        }
        let programs = Programs(
            makeCore: { _ in ScriptedCore() },
            demo: { _, _ in .ok },
            parity: { _, _ in .ok },
            bench: { _, _ in .ok },
            echoRoundTrip: { _ in .zero }
        )
        return walk(commandTree(programs), ["krait"])
    }()

    @Test func `every command's help names all that it declares`() {
        #expect(Self.all.count == 32)
        for (path, command) in Self.all {
            let text = HelpText(path: path, command: command).text
            for parameter in command.parameters {
                #expect(text.contains(parameter.title) != parameter.isHidden, "\(path)")
                if let initial = parameter.defaultText { #expect(text.contains(initial)) }
            }
            for code in command.exitCodes { #expect(text.contains(code.meaning)) }
            for example in command.examples { #expect(text.contains(example.text)) }
            for subcommand in command.subcommands { #expect(text.contains(subcommand.summary)) }
        }
    }

    @Test func `no line is wider than the width but an example's`() {
        for (path, command) in Self.all {
            let examples = command.examples.map { "  \($0.text)" }
            let lines = HelpText(path: path, command: command).text.split(separator: "\n")
            for line in lines where !examples.contains(String(line)) {
                #expect(line.count <= HelpText.width, "\(path)")
            }
        }
    }

    @Test func `names, placeholders and texts are declared in one manner`() {
        for (path, command) in Self.all {
            let names = command.parameters.map(\.name)
            #expect(Set(names).count == names.count, "\(path)")
            for parameter in command.parameters {
                #expect(!parameter.help.hasSuffix("."), "\(path) \(parameter.title)")
                #expect(!parameter.help.isEmpty)
            }
            #expect(!command.summary.hasSuffix("."))
        }
    }

    @Test func `a command that has others may run by itself`() throws {
        let parser = ArgumentParser(root: commandTree(Programs()))
        for (line, path) in [
            (["evaluate", "predict"], ["krait", "evaluate"]),
            (["evaluate", "compare", "a", "b"], ["krait", "evaluate", "compare"]),
            (["evaluate", "--", "compare"], ["krait", "evaluate"]),
        ] {
            guard case .run(let parsed) = try parser.parse(line) else {
                Issue.record("\(line) does not run")
                continue
            }
            #expect(parsed.path == path)
        }
    }

    @Test func `a command whose program is missing is not offered`() {
        let names = commandTree(Programs()).subcommands.map(\.name)
        #expect(
            names == [
                "stop", "status", "top", "logs", "resize", "drain", "resume", "recycle", "call",
                "run", "pipelines", "runs", "sessions", "evaluate", "optimize", "route", "lm",
                "doctor", "config", "keys", "version",
            ]
        )
    }
}

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("stauts", "status"), ("statu", "status"), ("stat", "status"), ("strat", "start"),
        ("stop!", "stop"), ("STOP", "stop"), ("dcotor", "doctor"),
    ])
    func `a slip of the finger finds the name`(_ typed: String, _ name: String) {
        #expect(NearestName.find(typed, among: ["start", "stop", "status", "doctor"]) == name)
    }

    @Test(arguments: ["", "x", "banana", String(repeating: "s", count: 10_000)])
    func `what is near to nothing has no suggestion`(_ typed: String) {
        #expect(NearestName.find(typed, among: ["start", "stop", "status", "doctor"]) == nil)
    }
}
