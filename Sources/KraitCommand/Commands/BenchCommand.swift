import Benchmarks
import Krait
import KraitControl

/// What a bench was asked for.
///
/// What is empty or nil is the bench's own choice.
struct BenchRequest: Sendable, Equatable {
    var bench = Bench.echo
    var workers: Int?
    /// How many calls are under way at once.
    var window: Int?
    var codec: Codec?
    /// The parts of `native` by name; empty for all.
    var parts: [String] = []
    /// How long each measurement runs.
    var time: Duration
    var repetitions: Int
    var json: Bool
    /// Where a picture of it is drawn; nil for none.
    var plot: String?

    /// The benches there are.
    enum Bench: String, CaseIterable {
        case echo, queue, streams, tools, payload, lm, codecs, native, predict, route, pipeline
        case peers, sessions
        /// Draws what others have printed.
        case plot

        /// How long a measurement runs where nobody says.
        var usualSeconds: Double {
            switch self {
            case .codecs: 0.2
            case .native, .predict: 0.5
            case .peers: 1
            case .echo, .queue, .streams, .tools, .payload, .lm, .route, .pipeline, .sessions,
                .plot:
                2
            }
        }
    }
}

/// `krait bench`: what a call costs, beside its floor, and what native code saves.
enum BenchCommand {
    static let benches = Argument<[String]>.rest(
        "NAME",
        "echo, the default, beside its floor; queue, 10,000 waiting calls beside 10; streams, "
            + "chunks from Python to Swift; tools, calls back into Swift beside plain calls; "
            + "payload, large values beside bare memory; lm, a model's call beside the model; "
            + "codecs, what each form of a value costs; native, Swift beside DSPy, and perhaps "
            + "names of its parts; predict, a prediction beside DSPy's; route, what a decision "
            + "costs; pipeline, what steps add to calls; sessions, what remembering costs, and "
            + "perhaps names of its parts; peers, Ray and others beside us; plot, and files of "
            + "what benches printed with --json"
    )
    static let workers = Argument<Int?>.option(
        "workers",
        "N",
        .workers,
        "how many Python workers answer; without it 1 and 2, and 2 for peers"
    )
    static let window = Argument<Int?>.option(
        "window",
        "W",
        .integer(1...100_000),
        "how many calls of echo are under way at once; without it several are measured"
    )
    static let codec = Argument<Codec?>.option(
        "codec",
        "CODEC",
        .codec,
        "what calls travel in: json or msgpack (without it msgpack)"
    )
    static let seconds = Argument<Double?>.option(
        "seconds",
        "S",
        .number(0.1...600),
        "how long each measurement runs; without it 2, 1 for peers, 0.5 for predict and each "
            + "part of native, 0.2 for each form of codecs"
    )
    static let repetitions = Argument.option(
        "repetitions",
        "R",
        .integer(1...100),
        default: 3,
        "how often each is made, in turn with what it is compared with"
    )

    static let plot = Argument<String?>.option(
        "plot",
        "FILE",
        .text,
        "draw the figures into that file, as SVG; implies --json"
    )

    static func command(
        _ run: @escaping @Sendable (BenchRequest, CommandContext) async throws -> ExitCode
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
                seconds.parameter, repetitions.parameter, plot.parameter, jsonFlag.parameter,
            ],
            examples: [
                .init(
                    text: "krait bench echo --workers 2 --window 64 --json",
                    meaning: "calls of 110 bytes, 64 under way at once"
                ),
                .init(
                    text: "krait bench queue --seconds 1",
                    meaning: "what 10,000 waiting calls cost"
                ),
                .init(
                    text: "krait bench native chat.format chat.parse",
                    meaning: "ChatAdapter, natively and in Python"
                ),
                .init(
                    text: "krait bench echo --plot echo.svg",
                    meaning: "a picture of throughput and latency over the window"
                ),
                .init(
                    text: "krait bench peers",
                    meaning: "the same work for Ray, Dask, Celery, gRPC and Python's own pools"
                ),
            ],
            exitCodes: [.failed, .startFailed, .interrupted],
            interruption: .cancels,
            run: { arguments, context in
                let (benches, parts) = try asked(arguments)
                var context = context
                let sink = BenchPlot.Sink(before: context.output)
                if arguments[plot] != nil { context.output = sink }
                for bench in benches where bench != .plot {
                    let usual = bench.usualSeconds
                    let request = BenchRequest(
                        bench: bench,
                        workers: arguments[workers],
                        window: arguments[window],
                        codec: arguments[codec],
                        parts: parts,
                        time: .seconds(arguments[seconds] ?? usual),
                        repetitions: arguments[repetitions],
                        json: arguments[jsonFlag] || arguments[plot] != nil,
                        plot: arguments[plot]
                    )
                    let code = try await run(request, context)
                    if code != .ok { return code }
                }
                guard let path = arguments[plot] else { return .ok }
                let lines = sink.lines + (try BenchPlot.lines(of: files(parts, benches)))
                try await BenchPlot.write(lines, to: path)
                return .ok
            }
        )
    }

    /// What stands behind `plot`: it takes all that follows.
    private static func files(_ parts: [String], _ benches: [BenchRequest.Bench]) -> [String] {
        benches.contains(.plot) ? parts.filter { !NativeBench.names.contains($0) } : []
    }

    /// The benches that were named, and behind `native` its parts.
    private static func asked(
        _ arguments: ParsedArguments
    ) throws -> (benches: [BenchRequest.Bench], parts: [String]) {
        func unknown(_ kind: String, _ name: String, among known: [String]) -> UsageError {
            let near = NearestName.find(name, among: known).map { "did you mean \($0)?" }
            let hint = near ?? "there are \(known.joined(separator: ", "))"
            return UsageError(
                "there is no \(kind) \(quoted(name)); \(hint)",
                path: arguments.path
            )
        }
        var benches: [BenchRequest.Bench] = []
        var parts: [String] = []
        for name in arguments[self.benches] {
            if benches.last == .plot {
                parts.append(name)
            } else if let bench = BenchRequest.Bench(rawValue: name) {
                benches.append(bench)
            } else if benches.last == .sessions, SessionBench.parts.contains(name) {
                parts.append(name)
            } else if benches.last == .native {
                guard NativeBench.names.contains(name) else {
                    throw unknown("native bench", name, among: NativeBench.names)
                }
                parts.append(name)
            } else {
                let known = BenchRequest.Bench.allCases.map(\.rawValue)
                throw unknown("bench", name, among: known)
            }
        }
        if benches.contains(.plot), arguments[plot] == nil || parts.isEmpty {
            throw UsageError(
                "plot needs files to draw, and --plot for the picture",
                path: arguments.path
            )
        }
        if !benches.isEmpty, !benches.contains(.echo), arguments[window] != nil {
            throw UsageError("--window is for the bench echo", path: arguments.path)
        }
        return (benches.isEmpty ? [.echo] : benches, parts)
    }
}
