import Krait
import KraitControl
import KraitEvaluation
import KraitObservability
import KraitSignatures
import KraitWire

/// `krait evaluate`: an operation or a pipeline over the rows of a file, each scored by a metric.
enum EvaluateCommand {
    static let program = Argument.positional(
        "PROGRAM",
        "the operation that predicts, or a pipeline of the running program"
    )
    static let input = Argument<String?>.option(
        "input",
        "FILE",
        .text,
        "the examples: a JSON object of inputs and expected fields each line"
    )
    static let output = Argument<String?>.option(
        "output",
        "FILE",
        .text,
        "where the scored rows go, one a line; those that failed go to FILE.failed"
    )
    static let metric = Argument<String?>.option(
        "metric",
        "METRIC",
        .text,
        "\(NamedMetric.names.joined(separator: ", ")), or an operation that scores"
    )
    static let field = Argument.option(
        "field",
        "NAME",
        .text,
        default: "answer",
        "which field the metric compares, of example and prediction"
    )
    static let fraction = Argument.option(
        "fraction",
        "SHARE",
        .number(0...1),
        default: 1,
        "from which F1 on answer_exact_match holds: DSPy's frac"
    )
    static let inputs = Argument<String?>.option(
        "inputs",
        "NAMES",
        .text,
        "which fields are inputs, with commas; else the signature's, or all not compared"
    )
    static let maxErrors = Argument.option(
        "max-errors",
        "N",
        .integer(1...1_000_000_000),
        default: 10,
        "with how many failures the run ends, as in DSPy"
    )
    static let failureScore = Argument.option(
        "failure-score",
        "SCORE",
        .number(-1_000_000...1_000_000),
        default: 0,
        "what a row that failed counts as, as in DSPy"
    )
    static let provideTraceback = Argument.flag(
        "provide-traceback",
        "show of each failure all that is known, Python's traceback too"
    )
    static let threshold = Argument<Double?>.option(
        "threshold",
        "PERCENT",
        .number(0...100),
        "end with 6 where the score is below"
    )
    static let table = Argument.option(
        "table",
        "N",
        .integer(0...10_000),
        default: 0,
        "show the first N rows as a table"
    )

    static let command = Command(
        name: "evaluate",
        summary: "score an operation or a pipeline over the rows of a file",
        discussion: """
            Predicts for each row of the input with an operation of the running daemon, scores \
            each prediction by a metric, and prints the mean in percent, as dspy.Evaluate does. \
            A row is an example: the fields that the operation is given, and those that are known \
            to be right. A field that is missing is found before anything is asked.

            METRIC is one of DSPy's by its name; those with capitals at the end (SemanticF1, \
            CompleteAndGrounded) ask the pool's language model. Any operation of the daemon can be \
            one too: it is given {"example": …, "prediction": …} and gives a number, true or \
            false, or a map with such a "score".

            Each scored row is a line {"row": N, "score": …, "example": …, "prediction": …} in the \
            output. A row fails where the operation or the metric does, or the score is no finite \
            number: its line, with the error, is in FILE.failed, and it counts --failure-score. \
            With --max-errors of them the run ends. The same command goes on where an earlier run \
            ended, as `krait run` does; Ctrl-C finishes what is under way.
            """,
        parameters: [
            program.parameter, input.parameter, output.parameter, metric.parameter,
            field.parameter, fraction.parameter, inputs.parameter, RunCommand.signature.parameter,
            RunCommand.concurrency.parameter, maxErrors.parameter, failureScore.parameter,
            provideTraceback.parameter, threshold.parameter, table.parameter,
            RunCommand.retryFailed.parameter, CallCommand.on.parameter,
            CallCommand.deadline.parameter, CallCommand.lm.parameter, jsonFlag.parameter,
        ] + DaemonChoice.parameters,
        examples: [
            .init(
                text: """
                    krait evaluate predict --signature "question -> answer" --input dev.jsonl \
                    --output base.jsonl --metric answer_exact_match
                    """,
                meaning: "scores answers to the questions of a file"
            ),
            .init(
                text: """
                    krait evaluate chain_of_thought --signature "question -> answer" \
                    --input dev.jsonl --output new.jsonl --metric F1 --threshold 80
                    """,
                meaning: "ends with 6 where the mean F1 is below 80 %"
            ),
            .init(
                text: "krait evaluate compare base.jsonl new.jsonl",
                meaning: "says which rows got better or worse"
            ),
        ],
        exitCodes: [.failed, .notRunning, .belowThreshold, .interrupted],
        subcommands: [EvaluateCompareCommand.command],
        interruption: .handled,
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        guard let source = arguments[input], let target = arguments[output],
            arguments[metric] != nil
        else { throw UsageError("it needs --input, --output and --metric", path: arguments.path) }
        let client = try DaemonChoice.client(arguments, context)
        let program = try await RowProgram(
            arguments[program],
            signature: arguments[RunCommand.signature],
            options: RunCommand.options(arguments, isBatch: true),
            client
        )
        let evaluation = try await evaluation(arguments, program, client)
        let rows = BatchInput(path: source)
        let fingerprint = try rows.fingerprint()
        guard fingerprint.rows > 0 else {
            throw CommandFailure(.failed, "\(source) has no rows, so there is nothing to score")
        }
        let results = try BatchFile(target)
        let failures = try claim(arguments, program, evaluation, fingerprint, results)
        let before = try EvaluatedRows(target)
        let batch = BatchRun(
            input: rows,
            results: results,
            failures: failures,
            concurrency: arguments[RunCommand.concurrency],
            answer: evaluation.answer,
            progress: Lock(
                BatchProgress(
                    total: fingerprint.rows,
                    before: before.rows.count,
                    score: before.score
                )
            ),
            failed: evaluation.failed,
            maxErrors: arguments[maxErrors],
            listener: failureLines(arguments, context)
        )
        let start = ContinuousClock.now
        do {
            try await RunCommand.attend(batch, since: start, context)
        } catch {
            try report(batch, since: start, arguments, context)
            throw CommandFailure(
                RunCommand.exitCode(of: error),
                "\(error)\nThe rows so far are kept; the same command goes on from there."
            )
        }
        return try report(batch, since: start, arguments, context)
    }

    private static func evaluation(
        _ arguments: ParsedArguments,
        _ program: RowProgram,
        _ client: ControlClient
    ) async throws -> RowEvaluation {
        var options = program.options
        // The judge is asked wherever there is one.
        options.route = .automatic
        let judging = options
        return RowEvaluation(
            judge: try await judge(arguments, client),
            inputs: try inputs(arguments),
            failureScore: arguments[failureScore],
            predict: { try await program.answer(.map($0)) },
            ask: { call in
                var call = call
                call.options = judging
                return try await program.call(call)
            }
        )
    }

    /// Finds who scores, before anything is asked.
    private static func judge(
        _ arguments: ParsedArguments,
        _ client: ControlClient
    ) async throws -> RowEvaluation.Judge {
        let name = arguments[metric] ?? ""
        let found: NamedMetric
        do throws(MetricError) {
            found = try NamedMetric(name, field: arguments[field], fraction: arguments[fraction])
        } catch {
            do {
                _ = try await client.inquire(.explain(operation: name))
            } catch is CommandFailure {
                throw UsageError("\(error) (nor an operation of that name)", path: arguments.path)
            }
            return .operation(name)
        }
        if found.asksModel {
            if arguments.wasGiven(field) {
                let reason = "\(name) compares `\(found.field)`, so --field is not for it"
                throw UsageError(reason, path: arguments.path)
            }
            _ = try await client.inquire(.explain(operation: NamedMetric.operation))
        }
        return .named(found)
    }

    /// The fields that are inputs, where that is said.
    private static func inputs(_ arguments: ParsedArguments) throws -> [String]? {
        if let names = arguments[inputs] {
            return names.split(separator: ",").map(String.init)
        }
        guard let text = arguments[RunCommand.signature] else { return nil }
        // Where only Python reads the signature, it says which inputs do not fit.
        return try? Schema(parsing: text).inputs.map(\.name)
    }

    /// Opens the failures, once it is sure that the output is this evaluation's.
    private static func claim(
        _ arguments: ParsedArguments,
        _ program: RowProgram,
        _ evaluation: RowEvaluation,
        _ fingerprint: BatchInput.Fingerprint,
        _ results: BatchFile
    ) throws -> BatchFile {
        var what: ValueMap = [
            "metric": .string(evaluation.judge.name), "field": .string(arguments[field]),
            "fraction": .double(arguments[fraction]),
            "failure_score": .double(evaluation.failureScore),
        ]
        what["signature"] = arguments[RunCommand.signature].map(Value.string)
        what["inputs"] = arguments[inputs].map(Value.string)
        what["on"] = arguments[CallCommand.on].map(Value.string)
        what["lm"] = arguments[CallCommand.lm].map(Value.string)
        let mark = BatchMark(
            operation: program.title,
            arguments: try Value.map(what).json(),
            input: fingerprint
        )
        return try mark.claim(results, retryFailed: arguments[RunCommand.retryFailed])
    }

    /// Tells of each failure.
    private static func failureLines(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) -> @Sendable (Int, BatchAnswer) -> Void {
        let isWhole = arguments[provideTraceback]
        return { row, answer in
            guard let wire = answer.fields["error"], let failure = ControlFailure(wire: wire) else {
                return
            }
            let short = failure.callError.map { "\($0)" } ?? failure.details
            let clear = context.isInteractive ? "\r\u{1B}[K" : ""
            let text = isWhole ? failure.details : short
            try? context.errors.write("\(clear)row \(row) failed: \(text)\n")
        }
    }

    /// Tells how the run ended.
    @discardableResult
    private static func report(
        _ batch: BatchRun,
        since start: ContinuousClock.Instant,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws -> ExitCode {
        let (progress, elapsed) = (batch.progress.withLock { $0 }, start.duration(to: .now))
        // From the files, in the rows' order: what they say is what is compared later.
        let rows = try EvaluatedRows(batch.results.path)
        let score = rows.score
        if context.isInteractive { try context.errors.write("\r\u{1B}[K") }
        if arguments[jsonFlag] {
            var value = progress.value(after: elapsed).map ?? [:]
            value["metric"] = arguments[metric].map(Value.string)
            value["score"] = .double(score.percent)
            value["total"] = .double(score.total)
            value["failures"] = .int(Int64(rows.failures))
            try context.write(json: .map(value))
        } else {
            if arguments[table] > 0 {
                try context.output.write(rows.table(first: arguments[table]).text + "\n")
            }
            let line = progress.line(after: elapsed)
            let total = EvaluationTable.number(score.total.rounded(toPlaces: 2))
            try context.output.write(
                "\(line)\n\(arguments[metric] ?? ""): \(score.percent) % (\(total) of "
                    + "\(score.count))\n"
            )
        }
        if progress.left > 0 {
            if batch.isStopping.withLock({ $0 }) {
                try context.errors.write("interrupted; the same command does the rest\n")
            }
            return .interrupted
        }
        if rows.failures > 0 {
            try context.errors.write(
                "\(rows.failures) rows failed and count \(arguments[failureScore]); they are in "
                    + "\(batch.failures.path), --retry-failed asks them again\n"
            )
        }
        guard let least = arguments[threshold], score.percent < least else { return .ok }
        try context.errors.write("the score \(score.percent) is below \(least)\n")
        return .belowThreshold
    }
}
