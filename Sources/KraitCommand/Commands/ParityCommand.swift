/// What `krait parity` was asked for.
struct ParityRequest: Sendable, Equatable {
    /// Where questions and DSPy's answers come from.
    enum Source: Sendable, Equatable {
        /// A folder of recorded answers.
        case corpus(String)
        /// A file of questions, answered by a worker that has DSPy.
        case live(String)
        /// So many random questions, the same for the same seed.
        case generated(Int, seed: UInt64)
    }

    var source: Source
    /// How many differing rows of each file are shown.
    var shown: Int
    var json: Bool
    /// How many workers have DSPy.
    var workers = 2
    /// Their interpreter or virtual environment; nil as for a pool.
    var python: String?
    /// How many predictions are made natively and by DSPy's modules; nil compares functions.
    var modules: Int?
}

/// `krait parity`: proves that the native side answers as DSPy does.
enum ParityCommand {
    static let corpus = Argument<String?>.option(
        "corpus",
        "DIR",
        .text,
        "a folder of recorded answers of real DSPy, as JSON lines"
    )
    static let live = Argument<String?>.option(
        "live",
        "FILE",
        .text,
        "questions of your own, as JSON lines, asked of real DSPy as well"
    )
    static let generate = Argument<Int?>.option(
        "generate",
        "N",
        .integer(1...100_000_000),
        "so many random questions of all kinds, asked of real DSPy as well"
    )
    static let modules = Argument<Int?>.option(
        "modules",
        "N",
        .integer(1...1_000_000),
        "so many predictions, natively and by DSPy's modules: their requests to an LM and fields"
    )
    static let seed = Argument.option(
        "seed",
        "S",
        .integer(0...Int.max),
        default: 1,
        "what the random questions follow from"
    )
    static let workers = Argument.option(
        "workers",
        "N",
        .workers,
        default: 2,
        "how many Python workers answer as DSPy"
    )
    static let python = Argument<String?>.option(
        "python",
        "PATH",
        .text,
        "the workers' interpreter or virtual environment"
    )
    static let shown = Argument.option(
        "show",
        "N",
        .integer(0...1_000_000),
        default: 3,
        "how many differing rows of each file are shown"
    )

    static func command(
        _ parity: @escaping @Sendable (ParityRequest, CommandContext) async throws -> ExitCode
    ) -> Command {
        Command(
            name: "parity",
            summary: "compare native answers with DSPy's",
            discussion: """
                Answers questions natively and compares with what real DSPy answers, exactly: \
                texts scalar by scalar, numbers to the last bit, exceptions by their class. A row \
                is *delegated* where Krait's router would hand it to Python, by the named rule. \
                With --json it prints one object a line for each file.

                A line of --live FILE is {"signature": …}, with "inputs" and "completion" where \
                messages and fields are to be compared too, and "adapter" (chat, json or xml; chat \
                without it). Both sides are asked, and both answers shown. --generate makes the \
                questions itself.

                With --modules N whole predictions are compared, of predict and chain_of_thought \
                in turn: what an offline LM is asked, body by body, and what comes of it. Their \
                inputs are those of --corpus or --live, again and again where there are fewer, or \
                random ones.
                """,
            parameters: [
                corpus.parameter, live.parameter, generate.parameter, modules.parameter,
                seed.parameter,
                workers.parameter, python.parameter, shown.parameter, jsonFlag.parameter,
            ],
            examples: [
                .init(
                    text: "krait parity --corpus ../shared/corpus",
                    meaning: "every file of recorded answers, with the first rows that differ"
                ),
                .init(
                    text: "krait parity --live questions.jsonl",
                    meaning: "signatures of your own, natively and by DSPy"
                ),
                .init(
                    text: "krait parity --generate 20000 --seed 1",
                    meaning: "random questions, the same each time"
                ),
                .init(
                    text: "krait parity --modules 1000 --corpus ../shared/corpus",
                    meaning: "a thousand predictions: the same requests and fields?"
                ),
            ],
            exitCodes: [.failed, .startFailed, .interrupted],
            interruption: .cancels,
            run: { arguments, context in
                var request = ParityRequest(
                    source: try source(arguments),
                    shown: arguments[shown],
                    json: arguments[jsonFlag],
                    workers: arguments[workers],
                    python: arguments[python]
                )
                request.modules = arguments[modules]
                return try await parity(request, context)
            }
        )
    }

    /// Where the questions come from; with `--modules` alone they are random ones.
    private static func source(
        _ arguments: ParsedArguments
    ) throws -> ParityRequest.Source {
        let seed = UInt64(arguments[seed])
        var sources: [ParityRequest.Source] = [
            arguments[corpus].map { .corpus($0) }, arguments[live].map { .live($0) },
            arguments[generate].map { .generated($0, seed: seed) },
        ].compactMap(\.self)
        if let count = arguments[modules], sources.isEmpty {
            sources = [.generated(count, seed: seed)]
        }
        guard let source = sources.first, sources.count == 1 else {
            throw UsageError(
                "needs one of --corpus DIR, --live FILE and --generate N, or --modules N",
                path: arguments.path
            )
        }
        return source
    }
}
