import Glibc
import Krait
import KraitObservability
import KraitWire

/// `krait run`: one operation over all rows of a file.
enum RunCommand {
    static let operation = Argument.positional("OPERATION", "what to call with each row")
    static let input = Argument<String?>.option(
        "input",
        "FILE",
        .text,
        "the rows: a JSON object of arguments each line"
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
        summary: "make a call for each row of a file",
        discussion: """
            Calls an operation of the running daemon for each row of the input. Each answer is a \
            line {"row": N, "value": …} in the output, each failure a line {"row": N, "error": …} \
            in FILE.failed; N is the input's line, from 1. A line that is no JSON object is a \
            failure of its row.

            The same command goes on where an earlier run ended, however it ended: rows with a \
            line are not asked again. Ctrl-C finishes the rows that are under way, a second one \
            ends at once. FILE.run says which batch the output belongs to.
            """,
        parameters: [
            operation.parameter, input.parameter, output.parameter, concurrency.parameter,
            signature.parameter, retryFailed.parameter, CallCommand.on.parameter,
            CallCommand.deadline.parameter, CallCommand.lm.parameter, jsonFlag.parameter,
        ] + DaemonChoice.parameters,
        examples: [
            .init(
                text: """
                    krait run predict --signature "question -> answer" --input questions.jsonl \
                    --output answers.jsonl
                    """,
                meaning: "answers each question of a file"
            )
        ],
        exitCodes: [.failed, .notRunning, .interrupted],
        interruption: .handled,
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        guard let source = arguments[input], let target = arguments[output] else {
            throw UsageError("run needs --input and --output", path: arguments.path)
        }
        let client = try DaemonChoice.client(arguments, context)
        try await check(arguments, client)
        let rows = BatchInput(path: source)
        let fingerprint = try rows.fingerprint()
        let results = try BatchFile(target)
        let failures = try claim(arguments, fingerprint, results)
        let before = results.rows.count + failures.rows.count
        let answer = answer(arguments, client)
        let batch = BatchRun(
            input: rows,
            results: results,
            failures: failures,
            concurrency: arguments[concurrency],
            answer: { row in
                let value = try await answer(row)
                let usage = Spending(value["usage"])
                return BatchAnswer(fields: ["value": value], spending: usage)
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

    /// Finds before the first row what no row could be answered with.
    static func check(_ arguments: ParsedArguments, _ client: ControlClient) async throws {
        if let text = arguments[signature] {
            do throws(SchemaError) {
                _ = try Schema(parsing: text)
            } catch {
                if error.code != .delegated { throw CommandFailure(.failed, error.rendering) }
            }
        }
        do {
            let question = ControlRequest.explain(operation: arguments[operation])
            _ = try await client.ask(question, timeout: .seconds(10))
        } catch let failure as ControlFailure {
            throw CommandFailure(.failed, failure.details)
        }
    }

    /// Opens the failures, once it is sure that the output is this batch's.
    private static func claim(
        _ arguments: ParsedArguments,
        _ fingerprint: BatchInput.Fingerprint,
        _ results: BatchFile
    ) throws -> BatchFile {
        let path = results.path + ".failed"
        let mark = BatchMark(
            operation: arguments[operation],
            arguments: arguments[signature] ?? "",
            input: fingerprint
        )
        let failures = try BatchFile(path)
        try mark.claim(results.path + ".run", isNew: results.isEmpty && failures.isEmpty)
        if arguments[retryFailed] { try failures.clear() }
        return failures
    }

    /// Gives each row's answer; a `CallError` is the row's own.
    static func answer(
        _ arguments: ParsedArguments,
        _ client: ControlClient
    ) -> @Sendable (ValueMap) async throws -> Value {
        let name = arguments[operation]
        let signature = arguments[signature]
        let options = options(arguments)
        return { row in
            let values: ValueMap =
                signature.map { ["signature": .string($0), "inputs": .map(row)] } ?? row
            return try await ask(client, Call(name, values, options: options))
        }
    }

    /// Makes one of a row's calls; a `CallError` is the row's own.
    static func ask(_ client: ControlClient, _ call: Call) async throws -> Value {
        do {
            return try await client.ask(.call(call), timeout: nil)["value"] ?? .null
        } catch let failure as ControlFailure {
            throw failure.callError ?? CallError(.invalidInput, failure.message)
        }
    }

    /// How a row's calls are carried out.
    static func options(_ arguments: ParsedArguments) -> CallOptions {
        CallOptions(
            route: arguments[CallCommand.on].map(RouteChoice.init(control:)) ?? .automatic,
            timeout: arguments[CallCommand.deadline],
            // Whoever runs a batch can run it again.
            isIdempotent: true,
            priority: .low,
            lm: arguments[CallCommand.lm].map { ["model": .string($0)] }
        )
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
