import Krait
import KraitControl
import KraitWire

/// `krait lm`: what language models were asked, by whom, and what it took.
enum LMCommand {
    static let last = Argument.option(
        "last",
        "N",
        .integer(0...100_000),
        default: 20,
        "how many of the latest calls to show"
    )
    static let grouping = Argument<LMLedger.Grouping?>.option(
        "by",
        "GROUP",
        .choice(LMLedger.Grouping.allCases.map { ($0.rawValue, $0) }),
        "what to sum all calls by, in the place of showing them"
    )

    static let command = Command(
        name: "lm",
        summary: "show what language models were asked, by whom, and what it took",
        discussion: """
            Asks the running daemon for the calls that it has made itself: those of pools with \
            `gateway`, and of its own native code. A line is one call, the latest last: who asked \
            (the step of a pipeline, or else the operation), from which pool or natively, the \
            tokens of request and answer, what it cost where that is known, how long it took, \
            and whether it was cached or failed. The daemon remembers the last 1,000; sums are of \
            all since its start. What was said is in neither.
            """,
        parameters: [last.parameter, grouping.parameter] + DaemonChoice.parameters
            + [jsonFlag.parameter],
        examples: [
            .init(text: "krait lm", meaning: "the last 20 calls"),
            .init(text: "krait lm --by model", meaning: "what each model has cost"),
            .init(text: "krait lm --last 1000 --json", meaning: "all there is, for programs"),
        ],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let question = ControlRequest.lm(
            by: arguments[grouping] ?? .model,
            last: arguments[last]
        )
        let ledger = try await client.inquire(question)
        if arguments[jsonFlag] {
            try context.write(json: ledger)
        } else {
            let text = arguments[grouping] == nil ? calls(ledger) : sums(ledger)
            try context.output.write(text)
        }
        return .ok
    }

    /// The latest calls, one a line.
    static func calls(_ ledger: Value) -> String {
        let calls = ledger["calls"]?.list ?? []
        if calls.isEmpty { return "no calls\n" }
        var table = TextTable(
            ["AT", "WHO", "WHERE", "MODEL", "IN", "OUT", "COST", "TIME", "HOW"],
            rightAligned: [4, 5, 6, 7]
        )
        for call in calls {
            let how = call["failure"]?.string ?? (call["cached"]?.bool == true ? "cached" : "")
            table.add([
                call["at"].map(time) ?? "?",
                call["step"]?.string ?? call["operation"]?.string ?? "-",
                call["pool"]?.string ?? "native", call["model"]?.string ?? "?",
                count(call["prompt_tokens"]), count(call["completion_tokens"]),
                cost(call["cost_usd"]), seconds(call["time_s"]), how,
            ])
        }
        return table.text
    }

    /// The sums of all calls, the dearest group first.
    static func sums(_ ledger: Value) -> String {
        let sums = ledger["sums"]?.map?.entries ?? []
        if sums.isEmpty { return "no calls\n" }
        var table = TextTable(
            [
                (ledger["by"]?.string ?? "?").uppercased(), "CALLS", "FAILED", "CACHED", "IN",
                "OUT", "COST", "UNKNOWN", "TIME",
            ],
            rightAligned: Set(1...8)
        )
        let ordered = sums.sorted { left, right in
            let (one, other) = (left.value["cost_usd"]?.double, right.value["cost_usd"]?.double)
            return (one ?? 0, right.key) > (other ?? 0, left.key)
        }
        for (name, sum) in ordered {
            table.add([
                name, count(sum["calls"]), count(sum["failures"]), count(sum["cached"]),
                count(sum["prompt_tokens"]), count(sum["completion_tokens"]),
                isKnown(sum) ? cost(sum["cost_usd"]) : "-", count(sum["cost_unknown"]),
                seconds(sum["time_s"]),
            ])
        }
        return table.text
    }

    /// Whether of one of the calls at least it is known what it cost.
    private static func isKnown(_ sum: Value) -> Bool {
        func count(_ name: String) -> Int { sum[name]?.int ?? 0 }
        return count("calls") > count("failures") + count("cost_unknown")
    }

    /// The time of day in UTC.
    private static func time(_ value: Value) -> String {
        guard case .timestamp(let time) = value else { return "?" }
        let second = ((time.seconds % 86_400) + 86_400) % 86_400
        let parts = [second / 3_600, second / 60 % 60, second % 60]
        return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }

    private static func count(_ value: Value?) -> String { value?.int.map(String.init) ?? "-" }

    /// Dollars to a hundredth of a cent; what nobody knows is no 0.
    private static func cost(_ value: Value?) -> String {
        guard let dollars = value?.double, dollars.isFinite, dollars < 1e12 else { return "-" }
        let parts = Int((dollars * 10_000).rounded())
        let rest = String(parts % 10_000)
        return "$\(parts / 10_000)." + String(repeating: "0", count: 4 - rest.count) + rest
    }

    private static func seconds(_ value: Value?) -> String {
        guard let seconds = value?.double, seconds.isFinite, seconds < 1e12 else { return "-" }
        let parts = Int((seconds * 100).rounded())
        return "\(parts / 100).\(parts % 100 < 10 ? "0" : "")\(parts % 100)s"
    }
}
