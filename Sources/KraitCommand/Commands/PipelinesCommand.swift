import KraitControl
import KraitWire

/// `krait pipelines`: the pipelines of the running program, and what each will do.
enum PipelinesCommand {
    static let plan = Argument<String?>.option(
        "plan",
        "NAME",
        .text,
        "draw what that pipeline will do, step by step"
    )
    static let dot = Argument.flag("dot", "draw the plan for Graphviz")

    static let command = Command(
        name: "pipelines",
        summary: "show the pipelines that can be run",
        discussion: """
            Asks the running program for the pipelines among its orchestrator's parts: the name, \
            what it takes and gives, and its steps. A daemon that `krait start` has started has \
            none; a Swift program that calls `Orchestrator.run()` has those it declares.
            """,
        parameters: [plan.parameter, dot.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [
            .init(text: "krait pipelines --name support-desk", meaning: "as a table"),
            .init(
                text: "krait pipelines --name support-desk --plan support --dot | dot -Tsvg",
                meaning: "draws one"
            ),
        ],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        if arguments[dot], arguments[plan] == nil {
            throw UsageError(
                "--dot draws a plan: which one, says --plan NAME",
                path: arguments.path
            )
        }
        let client = try DaemonChoice.client(arguments, context)
        let answer = try await client.inquire(.pipelines(plan: arguments[plan]))
        if arguments[jsonFlag] {
            try context.write(json: answer)
        } else if arguments[plan] != nil {
            let drawing = answer[arguments[dot] ? "dot" : "text"]
            try context.output.write(drawing?.string ?? "")
        } else {
            try context.output.write(table(answer["pipelines"]?.list ?? []))
        }
        return .ok
    }

    private static func table(_ pipelines: [Value]) -> String {
        guard !pipelines.isEmpty else { return "no pipelines\n" }
        var table = TextTable(["PIPELINE", "TAKES", "GIVES", "STEPS"])
        for pipeline in pipelines {
            let steps = pipeline["steps"]?.list?.compactMap(\.string) ?? []
            table.add([
                pipeline["name"]?.string ?? "?", pipeline["input"]?.string ?? "?",
                pipeline["output"]?.string ?? "?", steps.joined(separator: ", "),
            ])
        }
        return table.text
    }
}

/// `krait runs`: the latest runs of pipelines, and how one of them went.
enum RunsCommand {
    static let number = Argument<Int?>.optional(
        "NUMBER",
        .integer(1...Int(Int32.max)),
        "the run whose steps are shown"
    )

    static let command = Command(
        name: "runs",
        summary: "show the latest runs of pipelines",
        discussion: """
            The running program keeps what is known of the latest runs of its pipelines, and never \
            what they were given or gave. With a number, the steps of that run are drawn: how long \
            each took, where its calls went and why, and what they took of language models.
            """,
        parameters: [number.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
        examples: [
            .init(text: "krait runs --name support-desk", meaning: "the latest first"),
            .init(text: "krait runs 12 --name support-desk", meaning: "each step of run 12"),
        ],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let answer = try await client.inquire(.runs(number: arguments[number]))
        if arguments[jsonFlag] {
            try context.write(json: answer)
        } else if arguments[number] != nil {
            try context.output.write(TraceText.whole(answer))
        } else {
            try context.output.write(table(answer["runs"]?.list ?? []))
        }
        return .ok
    }

    private static func table(_ runs: [Value]) -> String {
        guard !runs.isEmpty else { return "no runs yet\n" }
        var table = TextTable(
            ["RUN", "PIPELINE", "AGO", "TOOK", "STEPS", "TOKENS", "COST", "CAME TO"],
            rightAligned: [0, 2, 3, 4, 5, 6]
        )
        for run in runs {
            let usage = run["usage"]
            table.add([
                run["number"]?.int.map(String.init) ?? "?", run["pipeline"]?.string ?? "?",
                run["age_s"]?.double.map(StatusText.age) ?? "?",
                run["seconds"]?.double.map { TraceText.time($0 * 1_000) } ?? "?",
                run["steps_ended"]?.int.map(String.init) ?? "?",
                TraceText.tokens(usage) ?? "-", TraceText.cost(usage) ?? "-",
                TraceText.end(of: run["failure"]),
            ])
        }
        return table.text
    }
}
