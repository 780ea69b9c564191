import Glibc
import Krait
import KraitControl
import KraitObservability
import KraitWire

/// `krait run`: a pipeline once, or a pipeline or an operation over all rows of a file.
enum RunCommand {
    static let pipeline = Argument.positional(
        "PIPELINE",
        "what to run; with --input, an operation as well"
    )
    static let json = Argument<String?>.optional(
        "JSON",
        .text,
        "what the pipeline takes, as JSON; - reads it"
    )
    static let trace = Argument.flag("trace", "show each step: its time, where it ran, and why")
    static let input = Argument<String?>.option(
        "input",
        "FILE",
        .text,
        "the rows: one JSON value each line, of arguments or for the pipeline"
    )
    static let output = Argument<String?>.option(
        "output",
        "FILE",
        .text,
        "where the answers go, one a line; failures go to FILE.failed"
    )
    static let concurrency = Argument.option(
        "concurrency",
        "N",
        .integer(1...100),
        default: 16,
        "how many rows are under way at once"
    )
    static let signature = Argument<String?>.option(
        "signature",
        "TEXT",
        .text,
        "for predict and its like: each row holds the signature's inputs"
    )
    static let retryFailed = Argument.flag("retry-failed", "ask again what has failed before")

    static let command = Command(
        name: "run",
        summary: "run a pipeline, once or for each row of a file",
        discussion: """
            Runs a pipeline of the running program on one value, and prints what it gives: a text \
            as it is, anything else as JSON. Ctrl-C cancels the run. --stream prints what the last \
            step sends as it comes, --trace how each step went, and where a run fails what the \
            last step before had given. With --json it is one document, errors too.

            With --input and --output it runs once for each row, and calls an operation where no \
            pipeline has the name. Each answer is a line {"row": N, "value": …} in the output, \
            each failure a line {"row": N, "error": …} in FILE.failed; N is the input's line, from \
            1. A line that is no JSON (of an operation, no JSON object) is a failure of its row.

            The same command goes on where an earlier run ended, however it ended: rows with a \
            line are not asked again. Ctrl-C finishes the rows that are under way, a second one \
            ends at once. FILE.run says which batch the output belongs to.
            """,
        parameters: [
            pipeline.parameter, json.parameter, trace.parameter, CallCommand.stream.parameter,
            input.parameter, output.parameter, concurrency.parameter, signature.parameter,
            retryFailed.parameter, CallCommand.on.parameter, CallCommand.deadline.parameter,
            CallCommand.session.parameter, CallCommand.lm.parameter, jsonFlag.parameter,
        ] + DaemonChoice.parameters,
        examples: [
            .init(
                text: """
                    krait run support '{"message": "It broke."}' --trace --name support-desk
                    """,
                meaning: "runs a pipeline, and shows how each step went"
            ),
            .init(
                text: """
                    krait run predict --signature "question -> answer" --input questions.jsonl \
                    --output answers.jsonl
                    """,
                meaning: "answers each question of a file"
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
        if let text = arguments[json] {
            guard arguments[input] == nil, arguments[output] == nil else {
                let message = "run takes one JSON value, or rows by --input and --output"
                throw UsageError(message, path: arguments.path)
            }
            return try await RunOnce.run(text, arguments, context)
        }
        guard let source = arguments[input], let target = arguments[output] else {
            throw UsageError("run needs JSON, or --input and --output", path: arguments.path)
        }
        let client = try DaemonChoice.client(arguments, context)
        let program = try await RowProgram(
            arguments[pipeline],
            signature: arguments[signature],
            options: options(arguments, isBatch: true),
            client
        )
        let rows = BatchInput(path: source)
        let fingerprint = try rows.fingerprint()
        let results = try BatchFile(target)
        let failures = try claim(arguments, program, fingerprint, results)
        let before = results.rows.count + failures.rows.count
        let batch = BatchRun(
            input: rows,
            results: results,
            failures: failures,
            concurrency: arguments[concurrency],
            answer: { row in
                let given = try await program.answer(row)
                return BatchAnswer(fields: ["value": given.value], usage: given.usage)
            },
            progress: Lock(BatchProgress(total: fingerprint.rows, before: before))
        )
        let start = ContinuousClock.now
        do {
            try await attend(batch, since: start, context)
        } catch {
            try report(batch, since: start, arguments, context)
            throw CommandFailure(
                exitCode(of: error),
                "\(error)\nThe answers so far are kept; the same command goes on from there."
            )
        }
        return try report(batch, since: start, arguments, context)
    }

    /// What all calls start from.
    static func options(_ arguments: ParsedArguments, isBatch: Bool = false) -> CallOptions {
        CallOptions(
            route: arguments[CallCommand.on].map(RouteChoice.init(control:)) ?? .automatic,
            timeout: arguments[CallCommand.deadline],
            // Whoever runs a batch can run it again.
            isIdempotent: isBatch,
            priority: isBatch ? .low : .normal,
            session: arguments[CallCommand.session],
            lm: arguments[CallCommand.lm].map { ["model": .string($0)] }
        )
    }

    /// Opens the failures, once it is sure that the output is this batch's.
    private static func claim(
        _ arguments: ParsedArguments,
        _ program: RowProgram,
        _ fingerprint: BatchInput.Fingerprint,
        _ results: BatchFile
    ) throws -> BatchFile {
        let mark = BatchMark(
            operation: program.title,
            arguments: arguments[signature] ?? "",
            input: fingerprint
        )
        return try mark.claim(results, retryFailed: arguments[retryFailed])
    }

    /// Runs the batch, draws its progress, and lets signals stop it.
    static func attend(
        _ batch: BatchRun,
        since start: ContinuousClock.Instant,
        _ context: CommandContext
    ) async throws {
        let signals = TerminationSignals(context.interruptions)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals {
                    let isImpatient = batch.isStopping.withLock { stopping in
                        defer { stopping = true }
                        return stopping
                    }
                    if isImpatient { _exit(ExitCode.interrupted.rawValue) }
                    try? context.errors.write("\nfinishing what is under way\n")
                }
            }
            if context.isInteractive {
                group.addTask {
                    while !Task.isCancelled {
                        try? draw(batch, since: start, context)
                        try? await Task.sleep(for: .milliseconds(250))
                    }
                }
            }
            try await batch.run()
            group.cancelAll()
        }
    }

    private static func draw(
        _ batch: BatchRun,
        since start: ContinuousClock.Instant,
        _ context: CommandContext
    ) throws {
        let line = batch.progress.withLock { $0 }.line(after: start.duration(to: .now))
        try context.errors.write("\r\u{1B}[K" + line)
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
        if context.isInteractive { try context.errors.write("\r\u{1B}[K") }
        if arguments[jsonFlag] {
            try context.write(json: progress.value(after: elapsed))
        } else {
            try context.output.write(progress.line(after: elapsed) + "\n")
        }
        if progress.left > 0 {
            if batch.isStopping.withLock({ $0 }) {
                try context.errors.write("interrupted; the same command does the rest\n")
            }
            return .interrupted
        }
        guard progress.failed > 0 || batch.failures.rows.count > 0 else { return .ok }
        try context.errors.write(
            "failures are in \(batch.failures.path); --retry-failed asks them again\n"
        )
        return .failed
    }

    static func exitCode(of error: any Error) -> ExitCode {
        error is ControlClientError ? .notRunning : .failed
    }
}
