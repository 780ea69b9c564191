import KraitWire

/// What `krait bench echo` was asked for.
///
/// What is empty or nil is the bench's own choice.
struct BenchEchoRequest: Sendable, Equatable {
    var workers: Int?
    /// How many calls are under way at once.
    var window: Int?
    var codec: Codec?
    /// How long each measurement runs.
    var time: Duration
    var repetitions: Int
    var json: Bool
}

/// `krait bench`: what a call costs, beside its floor.
enum BenchCommand {
    static let benches = Argument<[String]>.rest(
        "NAME",
        "the bench: echo, which is also the default"
    )
    static let workers = Argument<Int?>.option(
        "workers",
        "N",
        .workers,
        "how many Python workers answer; without it 1 and 2"
    )
    static let window = Argument<Int?>.option(
        "window",
        "W",
        .integer(1...100_000),
        "how many calls are under way at once; without it several are measured"
    )
    static let codec = Argument<Codec?>.option(
        "codec",
        "CODEC",
        .codec,
        "what calls travel in: json or msgpack (without it msgpack)"
    )
    static let seconds = Argument.option(
        "seconds",
        "S",
        .number(0.1...600),
        default: 2,
        "how long each measurement runs"
    )
    static let repetitions = Argument.option(
        "repetitions",
        "R",
        .integer(1...100),
        default: 3,
        "how often each is made, in turn with its floor"
    )

    static func command(
        _ echo: @escaping @Sendable (BenchEchoRequest, CommandContext) async throws -> ExitCode
    ) -> Command {
        Command(
            name: "bench",
            summary: "measure calls, beside their floor",
            discussion: """
                Measures calls through Krait's public API and, in turn in the same run, their \
                floor: a bare thread driving a socket against the same kind of worker. With \
                --json it prints one JSON object a line.
                """,
            parameters: [
                benches.parameter, workers.parameter, window.parameter, codec.parameter,
                seconds.parameter, repetitions.parameter, jsonFlag.parameter,
            ],
            examples: [
                .init(
                    text: "krait bench echo --workers 2 --window 64 --json",
                    meaning: "calls of 110 bytes, 64 under way at once"
                )
            ],
            exitCodes: [.failed, .startFailed, .interrupted],
            interruption: .cancels,
            run: { arguments, context in
                for name in arguments[benches] where name != "echo" {
                    let hint = nearestName(to: name, in: ["echo"]) ?? "echo"
                    throw UsageError(
                        "there is no bench \(quoted(name)); did you mean \(hint)?",
                        path: arguments.path
                    )
                }
                let request = BenchEchoRequest(
                    workers: arguments[workers],
                    window: arguments[window],
                    codec: arguments[codec],
                    time: .seconds(arguments[seconds]),
                    repetitions: arguments[repetitions],
                    json: arguments[jsonFlag]
                )
                return try await echo(request, context)
            }
        )
    }
}
