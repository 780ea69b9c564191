import Krait
import KraitControl

/// `krait call`: makes one call in the running daemon.
enum CallCommand {
    static let operation = Argument.positional("OPERATION", "what to call, such as predict")
    static let json = Argument.positional("JSON", "its arguments as a JSON object; - reads them")
    static let on = Argument<String?>.option(
        "on",
        "WHERE",
        .text,
        "where it runs: native, or a pool's name"
    )
    static let deadline = Argument<Duration?>.option(
        "deadline",
        "TIME",
        .duration,
        "how long it may take in all, waiting included"
    )
    static let idempotent = Argument.flag(
        "idempotent",
        "it may be made again where a worker was lost"
    )
    static let priority = Argument<CallPriority?>.option(
        "priority",
        "PRIORITY",
        .choice(CallPriority.allCases.map { ($0.name, $0) }),
        "which calls go first where calls wait: low, normal or high"
    )
    static let caller = Argument<String?>.option(
        "caller",
        "NAME",
        .text,
        "who calls: callers are served in turn, and each has its own rate"
    )
    static let codec = Argument<Codec?>.option(
        "codec",
        "CODEC",
        .codec,
        "what it travels in: json or msgpack"
    )
    static let session = Argument<String?>.option(
        "session",
        "ID",
        .text,
        "the session it belongs to, as `krait sessions` has them"
    )
    static let lm = Argument<String?>.option(
        "lm",
        "MODEL",
        .text,
        "the language model of this call alone, as DSPy names it"
    )
    static let stream = Argument.flag("stream", "print what it sends as it comes")
    /// How much longer than its deadline a call's answer is waited for: the daemon is to say that
    /// it has passed, not this side.
    static let grace: Duration = .seconds(5)
    private static let maximumInput = Limits.bodyBytes

    static let command = Command(
        name: "call",
        summary: "make one call",
        discussion: """
            Calls an operation of the running daemon and prints its value as JSON. Ctrl-C cancels \
            the call. With --json the document also says who answered and how long it took, and \
            an error is such a document too.

            With --stream the pieces of a text are printed as they come, those of one field after \
            another, and anything else as a line of JSON; with --json each chunk is a line \
            {"chunk": …}, and the last line is the document that says who answered.
            """,
        parameters: [operation.parameter, json.parameter, on.parameter, deadline.parameter]
            + [idempotent.parameter, priority.parameter, caller.parameter, codec.parameter]
            + [session.parameter, lm.parameter, stream.parameter]
            + [jsonFlag.parameter]
            + DaemonChoice.parameters,
        examples: [
            .init(
                text: """
                    krait call predict '{"signature": "question -> answer", \
                    "inputs": {"question": "Why?"}}'
                    """,
                meaning: "makes a prediction"
            ),
            .init(
                text: "krait call echo - --on general --deadline 5s < arguments.json",
                meaning: "takes the arguments from a file"
            ),
            .init(
                text: """
                    krait call predict --stream '{"signature": "question -> answer", \
                    "inputs": {"question": "Why?"}}'
                    """,
                meaning: "prints the answer as the model writes it"
            ),
        ],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let options = CallOptions(
            route: arguments[on].map(RouteChoice.init(control:)) ?? .automatic,
            timeout: arguments[deadline],
            isIdempotent: arguments[idempotent],
            priority: arguments[priority] ?? .normal,
            caller: arguments[caller],
            session: arguments[session],
            lm: arguments[lm].map { ["model": .string($0)] },
            codec: arguments[codec]
        )
        let values = try await readArguments(arguments, context)
        let call = Call(arguments[operation], values, options: options)
        do {
            let timeout = arguments[deadline].map { $0 + grace }
            if arguments[stream] {
                try await print(call, client, timeout, arguments, context)
            } else {
                let answer = try await client.ask(.call(call), timeout: timeout)
                try context.write(json: arguments[jsonFlag] ? answer : answer["value"] ?? .null)
                try remark(answer, arguments, context)
            }
            return .ok
        } catch let failure as ControlFailure {
            if arguments[jsonFlag] {
                let error: Value = ["error": failure.wire]
                try context.output.write(try error.json(pretty: !arguments[stream]) + "\n")
            } else {
                try context.errors.write("krait call: \(failure.details)\n")
                if let place = placeInSignature(values) { try context.errors.write(place + "\n") }
            }
            return .failed
        }
    }

    /// Prints a stream as it comes.
    private static func print(
        _ call: Call,
        _ client: ControlClient,
        _ timeout: Duration?,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws {
        let text = StreamText(context, isJSON: arguments[jsonFlag])
        do {
            let answer = try await client.ask(.stream(call), timeout: timeout) { chunk in
                try text.write(chunk)
            }
            try text.finish(answer)
            try remark(answer, arguments, context)
        } catch {
            try? text.endLine()
            throw error
        }
    }

    private static func remark(
        _ answer: Value,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws {
        guard context.isInteractive, !arguments[jsonFlag] else { return }
        try context.errors.write(remark(answer) + "\n")
    }

    private static func readArguments(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ValueMap {
        let value = try await readValue(arguments[json], arguments, context)
        guard let map = value.map else {
            throw UsageError(
                "\(place(of: arguments[json])) must be an object of the operation's arguments, not "
                    + value.kindName,
                path: arguments.path
            )
        }
        return map
    }

    /// The value of a JSON text, or of standard input where the text is `-`.
    static func readValue(
        _ text: String,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> Value {
        let bytes = text == "-" ? try await context.readInput(maximumInput) : Array(text.utf8)
        do throws(WireError) {
            return try readJSON(bytes)
        } catch {
            throw UsageError("\(place(of: text)) is not JSON: \(error)", path: arguments.path)
        }
    }

    private static func place(of text: String) -> String {
        text == "-" ? "standard input" : "JSON"
    }

    /// Where a signature among the arguments does not parse: a worker's fault says only why.
    private static func placeInSignature(_ arguments: ValueMap) -> String? {
        guard let text = arguments["signature"]?.string else { return nil }
        do throws(SchemaError) {
            _ = try Schema(parsing: text)
            return nil
        } catch {
            return error.code == .delegated ? nil : error.rendering
        }
    }

    /// Who answered, and how fast.
    private static func remark(_ answer: Value) -> String {
        let milliseconds = ((answer["seconds"]?.double ?? 0) * 10_000).rounded() / 10
        let source = answer["source"]
        let who = source?["worker"]?.string.map { "worker \($0)" } ?? "native code"
        let codec = source?["codec"]?.string.map { ", \($0)" } ?? ""
        return "answered by \(who)\(codec) in \(milliseconds) ms"
    }
}

extension ControlFailure {
    /// All of it, the fault's message and traceback too: for whoever made the call.
    var details: String {
        callError.map { String(reflecting: $0) } ?? "\(code): \(message)"
    }
}
