import Krait
import KraitControl
import KraitEvaluation
import KraitObservability
import KraitWire

/// `krait optimize`: one of DSPy's optimizers over a program, as a job of the running daemon.
enum OptimizeCommand {
    static let program = Argument.positional(
        "PROGRAM",
        "Module:signature, such as 'ChainOfThought:question -> answer', or a spec in NAME.json"
    )
    static let trainset = Argument<String?>.option(
        "trainset",
        "FILE",
        .text,
        "the examples: a JSON object of inputs and expected fields each line"
    )
    static let valset = Argument<String?>.option(
        "valset",
        "FILE",
        .text,
        "what the optimizer chooses by, where it takes such rows"
    )
    static let testset = Argument<String?>.option(
        "testset",
        "FILE",
        .text,
        "the rows to score before and after; else --holdout of the training set"
    )
    static let holdout = Argument.option(
        "holdout",
        "SHARE",
        .number(0...0.99),
        default: Defaults.holdout,
        "which share of the training set is kept to score before and after"
    )
    static let output = Argument<String?>.option(
        "output",
        "FILE",
        .text,
        "where the program goes, as DSPy saves it; the job's own files go to FILE.job"
    )
    static let optimizer = Argument.option(
        "optimizer",
        "NAME",
        .text,
        default: "BootstrapFewShot",
        "DSPy's name of it; `krait call optimizers '{}'` lists them with their settings"
    )
    static let set = Argument<[String]>.repeated(
        "set",
        "NAME=VALUE",
        .text,
        "an argument of the optimizer, the value as JSON or text"
    )
    static let from = Argument<String?>.option(
        "from",
        "FILE",
        .text,
        "a saved program to go on from, such as a candidate of an earlier job"
    )
    static let seed = Argument.option(
        "seed",
        "N",
        .integer(0...1_000_000_000),
        default: 0,
        "draws the rows that are held out, and seeds the optimizer"
    )
    static let threads = Argument.option(
        "threads",
        "N",
        .integer(1...1_000_000_000),
        default: Defaults.optimizerThreads,
        "how many rows are under way at once"
    )
    static let skipBroken = Argument.flag(
        "skip-broken",
        "leave out lines that are no JSON objects; without it they are refused"
    )
    /// The pool that is for this, where there is one.
    private static let usualPool = "optimizer"

    static let command = Command(
        name: "optimize",
        summary: "let one of DSPy's optimizers improve a program",
        discussion: """
            Runs the optimizer on a worker of the running daemon, shows its progress, and saves \
            the program as DSPy's own JSON, which DSPy loads and Krait runs natively. A share of \
            the rows is held out and scored before and after. The worker is taken for as long as \
            it runs: give the daemon a pool named optimizer, with one slot a worker.

            METRIC is one of DSPy's by its name, or any operation of the daemon: it is given \
            {"example": …, "prediction": …} and gives a number, true or false, or a map with such \
            a "score" and, for GEPA and SIMBA, a "feedback". A row whose metric fails scores 0; \
            with --max-errors of them the job ends, and says which row it was.

            In FILE.job are log.txt, with what DSPy logs, and each program that was the best so \
            far; job.json names the last one. Ctrl-C ends the job. However it ends before its \
            time, the best program is there, and --from goes on from it.
            """,
        parameters: [
            program.parameter, trainset.parameter, EvaluateCommand.metric.parameter,
            optimizer.parameter, set.parameter, output.parameter, from.parameter,
            valset.parameter, testset.parameter, holdout.parameter,
            EvaluateCommand.inputs.parameter,
            EvaluateCommand.field.parameter, EvaluateCommand.fraction.parameter, seed.parameter,
            threads.parameter, EvaluateCommand.maxErrors.parameter, skipBroken.parameter,
            CallCommand.on.parameter, CallCommand.deadline.parameter, CallCommand.lm.parameter,
            jsonFlag.parameter,
        ] + DaemonChoice.parameters,
        examples: [
            .init(
                text: """
                    krait optimize 'Predict:message -> team' --trainset train.jsonl \
                    --metric answer_exact_match --field team --output triage.json
                    """,
                meaning: "finds demos for a program that sorts messages"
            ),
            .init(
                text: """
                    krait optimize 'ChainOfThought:question -> answer' --trainset train.jsonl \
                    --metric F1 --optimizer MIPROv2 --set auto=medium --output qa.json
                    """,
                meaning: "lets MIPROv2 write instructions and choose demos"
            ),
        ],
        exitCodes: [.failed, .notRunning, .interrupted],
        interruption: .handled,
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        guard let source = arguments[trainset], let name = arguments[EvaluateCommand.metric],
            let target = arguments[output]
        else {
            throw UsageError("it needs --trainset, --metric and --output", path: arguments.path)
        }
        let judge = metric(name, arguments)
        let optimization = try optimization(source, judge, arguments, context)
        let client = try DaemonChoice.client(arguments, context)
        if case .operation(let name) = judge {
            do {
                _ = try await client.inquire(.explain(operation: name))
            } catch is CommandFailure {
                let known = NamedMetric.names.joined(separator: ", ")
                let reason =
                    "there is no metric \(name), nor an operation of that name; metrics are"
                throw UsageError("\(reason) \(known)", path: arguments.path)
            }
        }
        let call = Call(
            Optimization.operation,
            try optimization.arguments,
            options: try await options(arguments, client)
        )
        let folder = try JobFolder(beside: target)
        if let left = folder.left {
            try context.errors.write(
                "an earlier job did not come to its end; --from \(left) goes on from its best\n"
            )
        }
        try folder.settle(.running)
        return try await attend(call, folder, target, client, arguments, context)
    }

    private static func optimization(
        _ source: String,
        _ judge: RowEvaluation.Judge,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws -> Optimization {
        let training = try rows(source, arguments, context)
        let spec = try OptimizedSource.spec(arguments[program], path: arguments.path)
        let scored: OptimizationMetric =
            switch judge {
            case .named(let found):
                .named(found.name, field: found.field, fraction: found.fraction)
            case .operation(let name): .operation(name)
            }
        var made = Optimization(.spec(spec), trainset: training.rows, metric: scored)
        made.lines = training.lines
        made.optimizer = arguments[optimizer]
        made.settings = try OptimizedSource.settings(arguments[set], path: arguments.path)
        made.valset = try arguments[valset].map { try rows($0, arguments, context).rows }
        made.testset = try arguments[testset].map { try rows($0, arguments, context).rows }
        made.holdout = arguments[holdout]
        made.inputs = arguments[EvaluateCommand.inputs].map {
            $0.split(separator: ",").map(String.init)
        }
        made.seed = arguments[seed]
        made.threads = arguments[threads]
        made.maxErrors = arguments[EvaluateCommand.maxErrors]
        if let parent = arguments[from] { made.parent = try SavedProgram(contentsOf: parent) }
        return made
    }

    private static func rows(
        _ path: String,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws -> TrainingRows {
        let rows = try TrainingRows(path, skipsBroken: arguments[skipBroken])
        if !rows.broken.isEmpty {
            try context.errors.write(
                "\(path): \(rows.broken.count) broken rows are left out\n\(rows.brokenText)\n"
            )
        }
        return rows
    }

    private static func metric(
        _ name: String,
        _ arguments: ParsedArguments
    ) -> RowEvaluation.Judge {
        let (field, fraction) = (EvaluateCommand.field, EvaluateCommand.fraction)
        let found = try? NamedMetric(name, field: arguments[field], fraction: arguments[fraction])
        return found.map(RowEvaluation.Judge.named) ?? .operation(name)
    }

    private static func options(
        _ arguments: ParsedArguments,
        _ client: ControlClient
    ) async throws -> CallOptions {
        var options = RunCommand.options(arguments)
        options.priority = .low
        options.timeout = arguments[CallCommand.deadline] ?? Defaults.optimizationTimeout
        if arguments[CallCommand.on] == nil {
            let pools = try await client.inquire(.status)["pools"]?.list ?? []
            let names = pools.compactMap { $0["name"]?.string }
            if names.contains(usualPool) { options.route = .pool(usualPool) }
        }
        return options
    }

    /// Runs the job, shows how far it is, and lets a signal end it.
    private static func attend(
        _ call: Call,
        _ folder: JobFolder,
        _ target: String,
        _ client: ControlClient,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let signals = TerminationSignals(context.interruptions)
        let answer = await withTaskGroup(of: Result<Value, any Error>?.self) { group in
            group.addTask {
                do {
                    return .success(
                        try await client.ask(.stream(call), timeout: nil) { chunk in
                            guard let event = OptimizationEvent(chunk) else { return }
                            try folder.took(event)
                            try show(event, context)
                        }
                    )
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            // Whoever is interrupted closes the connection, and that ends the job in its worker.
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if context.isInteractive { try context.errors.write("\r\u{1B}[K") }
        guard let answer else {
            try folder.settle(.cancelled)
            try context.errors.write("interrupted; \(goingOn(folder))\n")
            return .interrupted
        }
        do {
            let made = try OptimizedProgram(try answer.get()["value"] ?? .null)
            try made.write(to: target)
            try folder.settle(.done)
            return try report(made, target, arguments, context)
        } catch {
            let failure = error as? ControlFailure
            let reason = failure?.details ?? "\(error)"
            try folder.settle(.failed, reason)
            // What is refused has not begun, and has nothing to go on from.
            let isRefused = folder.progress == nil && folder.best == nil
            let told = isRefused ? reason : "\(reason)\n\(goingOn(folder))"
            throw CommandFailure(RunCommand.exitCode(of: error), told)
        }
    }

    private static func show(_ event: OptimizationEvent, _ context: CommandContext) throws {
        let clear = context.isInteractive ? "\r\u{1B}[K" : ""
        switch event {
        case .progress(let progress) where context.isInteractive:
            try context.errors.write(clear + OptimizationText.line(progress))
        case .candidate(let candidate):
            try context.errors.write("\(clear)\(OptimizationText.line(candidate))\n")
        case .log("error", let text): try context.errors.write("\(clear)\(text)\n")
        case .progress, .log: break
        }
    }

    /// What to do after a job that did not come to its end.
    private static func goingOn(_ folder: JobFolder) -> String {
        let came = folder.progress.map { " after \(OptimizationText.usage($0))" } ?? ""
        guard let best = folder.best else { return "no program was found yet\(came)" }
        return "the best program\(came) is \(best); --from \(best) goes on from it"
    }

    /// Tells what the job came to.
    private static func report(
        _ made: OptimizedProgram,
        _ target: String,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws -> ExitCode {
        if arguments[jsonFlag] {
            var map = made.lineage.map ?? [:]
            map["output"] = .string(target)
            try context.write(json: .map(map))
            return .ok
        }
        if let before = made.scoreBefore, let after = made.scoreAfter {
            let rows = made.lineage["testset"]?["rows"]?.int ?? 0
            try context.output.write("\(before) before, \(after) after, on \(rows) held-out rows\n")
            if after <= before {
                try context.errors.write("it is no better than before; see \(target).job/log.txt\n")
            }
        }
        let tokens = ["prompt_tokens", "completion_tokens"].map {
            made.lineage[$0]?.int ?? 0
        }
        try context.output.write(
            "\(made.lmCalls) LM calls, \(tokens[0])+\(tokens[1]) tokens; saved in \(target)\n"
        )
        return .ok
    }
}
