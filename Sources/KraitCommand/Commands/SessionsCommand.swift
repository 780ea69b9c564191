import Krait
import KraitControl

/// `krait sessions`: programs that remember, and what is kept of them.
enum SessionsCommand {
    static let id = Argument.positional("ID", "the session's name")
    static let pool = Argument<String?>.option(
        "pool",
        "NAME",
        .text,
        "the pool whose workers serve it"
    )
    static let programs = Argument<[String]>.repeated(
        "program",
        "NAME=MODULE:SIGNATURE",
        .text,
        "a program, such as answer=ChainOfThought:'question -> answer'; may be given again"
    )
    static let spec = Argument<String?>.option(
        "spec",
        "FILE",
        .text,
        "a JSON file in the place of --program: {\"programs\": …, \"lm\": …}; - reads it"
    )
    static let checkpoints = Argument<String?>.option(
        "checkpoints",
        "WHEN",
        .text,
        "when it is saved: after so many calls (1, where nobody says), or drain"
    )
    static let timeToLive = Argument<Duration?>.option(
        "ttl",
        "TIME",
        .duration,
        "how long it is kept without a call; 24h where nobody says"
    )

    static let command = Command(
        name: "sessions",
        summary: "show, begin and end sessions",
        discussion: """
            A session has DSPy programs of its own that remember what they have answered and \
            learnt. Its calls go to the worker that has its state; what it knows is kept in a \
            file, so that it goes on after the end of its worker, and of the daemon.
            """,
        examples: [
            .init(
                text: """
                    krait sessions begin ann-7 \
                    --program answer=ChainOfThought:'question, past: dspy.History -> reply'
                    """,
                meaning: "begins one with a program that knows its own history"
            ),
            .init(
                text: """
                    krait call session_run --session ann-7 '{"program": "answer", "inputs": \
                    {"question": "Why?"}}'
                    """,
                meaning: "asks it something"
            ),
            .init(text: "krait sessions end ann-7", meaning: "forgets it"),
        ],
        exitCodes: [.failed, .notRunning],
        subcommands: [list, show, begin, end]
    )

    static let list = Command(
        name: "list",
        summary: "list the sessions",
        discussion: """
            One line a session: its pool, the worker that has its state (- where none has, until \
            its next call), how many calls are in what is kept, how large that is, and how long \
            ago it was used and saved.
            """,
        parameters: [pool.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [.init(text: "krait sessions list --pool general", meaning: "those of one pool")],
        exitCodes: [.failed, .notRunning]
    ) { arguments, context in
        let client = try DaemonChoice.client(arguments, context)
        let answer = try await client.inquire(.sessions(id: nil, pool: arguments[pool]))
        if arguments[jsonFlag] {
            try context.write(json: answer)
        } else {
            try context.output.write(table(answer["sessions"]?.list ?? []))
        }
        return .ok
    }

    static let show = Command(
        name: "show",
        summary: "show one session",
        discussion: """
            What is known of it, a line each; `missing` names what of its state could not be \
            saved, and so is lost with its worker.
            """,
        parameters: [id.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [.init(text: "krait sessions show ann-7", meaning: "shows one")],
        exitCodes: [.failed, .notRunning]
    ) { arguments, context in
        let client = try DaemonChoice.client(arguments, context)
        let answer = try await client.inquire(.sessions(id: arguments[id], pool: nil))
        if arguments[jsonFlag] {
            try context.write(json: answer)
        } else {
            try context.output.write(try RouteCommand.text(answer))
        }
        return .ok
    }

    static let begin = Command(
        name: "begin",
        summary: "begin a session",
        discussion: """
            Its programs are DSPy modules, each with a signature; a spec in a file may have all \
            that DSPy's modules take, and LM settings. With --caller it is that caller's alone. \
            What the programs do is asked for by `krait call session_run --session ID`.
            """,
        parameters: [id.parameter, programs.parameter, spec.parameter, pool.parameter]
            + [checkpoints.parameter, timeToLive.parameter, CallCommand.caller.parameter]
            + [jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [
            .init(
                text: "krait sessions begin ann-7 --program sort=Predict:'text -> kind'",
                meaning: "begins one"
            ),
            .init(
                text: "krait sessions begin ann-7 --spec session.json --pool general --ttl 1h",
                meaning: "from a file, for an hour after its last call"
            ),
        ],
        exitCodes: [.failed, .notRunning]
    ) { arguments, context in
        let asked = try await readSpec(arguments, context)
        var terms: ValueMap = [:]
        terms["checkpoints"] = arguments[checkpoints].map { text in
            Int(text).map { .int(Int64($0)) } ?? .string(text)
        }
        terms["ttl_s"] = arguments[timeToLive].map { .double($0 / .seconds(1)) }
        let options = CallOptions(
            route: arguments[pool].map(RouteChoice.pool) ?? .automatic,
            caller: arguments[CallCommand.caller],
            session: arguments[id]
        )
        let call = Call(
            "session_begin",
            ["spec": asked, "terms": .map(terms)],
            options: options
        )
        let answer = try await ask(call, arguments, context)
        if arguments[jsonFlag] {
            try context.write(json: answer["value"] ?? .null)
        } else {
            let names = answer["value"]?["programs"]?.list?.compactMap(\.string) ?? []
            let text = names.joined(separator: ", ")
            try context.output.write("the session \(arguments[id]) has begun: \(text)\n")
        }
        return .ok
    }

    static let end = Command(
        name: "end",
        summary: "end a session",
        discussion: "Forgets it, at its worker and in the file. With --caller as that caller.",
        parameters: [id.parameter, CallCommand.caller.parameter] + DaemonChoice.parameters,
        examples: [.init(text: "krait sessions end ann-7", meaning: "ends one")],
        exitCodes: [.failed, .notRunning]
    ) { arguments, context in
        let options = CallOptions(
            caller: arguments[CallCommand.caller],
            session: arguments[id]
        )
        _ = try await ask(Call("session_end", options: options), arguments, context)
        try context.output.write("the session \(arguments[id]) has ended\n")
        return .ok
    }

    private static func ask(
        _ call: Call,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> Value {
        let client = try DaemonChoice.client(arguments, context)
        do {
            return try await client.ask(.call(call), timeout: nil)
        } catch let failure as ControlFailure {
            throw CommandFailure(.failed, failure.details)
        }
    }

    private static func readSpec(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> Value {
        let listed = arguments[programs]
        guard listed.isEmpty != (arguments[spec] == nil) else {
            throw UsageError(
                "a session has programs: --program NAME=MODULE:SIGNATURE, or --spec FILE",
                path: arguments.path
            )
        }
        if let file = arguments[spec] {
            guard file != "-" else {
                return try await CallCommand.readValue("-", arguments, context)
            }
            do {
                return try readJSON(try readFile(file, limit: Limits.bodyBytes))
            } catch {
                throw UsageError("\(file) cannot be read as JSON: \(error)", path: arguments.path)
            }
        }
        var specs: ValueMap = [:]
        for program in listed {
            guard let (name, value) = Self.program(program) else {
                throw UsageError(
                    "--program \(program) is not NAME=MODULE:SIGNATURE, such as "
                        + "answer=ChainOfThought:'question -> answer'",
                    path: arguments.path
                )
            }
            specs[name] = value
        }
        return ["programs": .map(specs)]
    }

    /// Such as `answer=ChainOfThought:question -> answer`.
    static func program(_ text: String) -> (name: String, spec: Value)? {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let rest = parts[1].split(separator: ":", maxSplits: 1)
        guard rest.count == 2 else { return nil }
        let spec: Value = ["module": .string("\(rest[0])"), "signature": .string("\(rest[1])")]
        return ("\(parts[0])", spec)
    }

    private static func table(_ sessions: [Value]) -> String {
        guard !sessions.isEmpty else { return "no sessions\n" }
        var table = TextTable(
            ["SESSION", "POOL", "WORKER", "CALLER", "CALLS", "BYTES", "USED", "SAVED"],
            rightAligned: [4, 5, 6, 7]
        )
        for session in sessions {
            let isTaken = session["checked_out"]?.bool == true
            table.add([
                (session["id"]?.string ?? "?") + (isTaken ? " (checked out)" : ""),
                session["pool"]?.string ?? "?", session["worker"]?.string ?? "-",
                session["caller"]?.string ?? "-",
                session["version"]?.int.map(String.init) ?? "?",
                session["bytes"]?.int.map(String.init) ?? "?",
                session["idle_s"]?.double.map(StatusText.age) ?? "?",
                session["since_saved_s"]?.double.map(StatusText.age) ?? "-",
            ])
        }
        return table.text
    }
}
