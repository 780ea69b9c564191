import Glibc
import Krait
import KraitControl
import KraitWire

/// `krait top`: what the running daemon is at, again and again.
enum TopCommand {
    static let interval = Argument.option(
        "interval",
        "TIME",
        .duration,
        default: .seconds(1),
        "the time between two looks"
    )
    static let count = Argument<Int?>.option(
        "count",
        "N",
        .integer(1...1_000_000_000),
        "how many looks; without it until Ctrl-C"
    )

    static let command = Command(
        name: "top",
        summary: "watch the daemon's pools and workers",
        discussion: """
            The table of `krait status`, refreshed each second, with the calls answered in a \
            second since the look before. On a terminal each look takes the place of the one \
            before; elsewhere one follows the other, with an empty line between. Ctrl-C ends it, \
            which is no failure; the end of the daemon is one.
            """,
        parameters: [interval.parameter, count.parameter] + DaemonChoice.parameters
            + [jsonFlag.parameter],
        examples: [
            .init(text: "krait top", meaning: "until Ctrl-C"),
            .init(
                text: "krait top --json --interval 10s >> usage.jsonl",
                meaning: "one JSON object a line, for programs"
            ),
            .init(text: "krait top --count 2 | tail -n 8", meaning: "one look with its rates"),
        ],
        exitCodes: [.failed, .notRunning],
        interruption: .handled,
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        try await context.untilInterrupted { try await watch(client, arguments, context) }
        return .ok
    }

    private static func watch(
        _ client: ControlClient,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws {
        let name = arguments[DaemonChoice.name]
        var left = arguments[count] ?? .max
        var before: Look?
        var isFirst = true
        while true {
            let look = Look(try await client.ask(.status, timeout: .seconds(10)))
            let rates = look.rates(since: before)
            if arguments[jsonFlag] {
                try context.output.write(try look.value(rates).json() + "\n")
            } else {
                let text = StatusText.whole(look.status, name: name, rates: rates)
                let start = context.isTerminal ? "\u{1B}[H\u{1B}[2J" : isFirst ? "" : "\n"
                try context.output.write(start + text)
            }
            isFirst = false
            before = look
            left -= 1
            guard left > 0 else { return }
            guard (try? await Task.sleep(for: arguments[interval])) != nil else { return }
        }
    }

    /// The status at one moment.
    private struct Look {
        let status: Value
        private let at = ContinuousClock.now

        init(_ status: Value) { self.status = status }

        private var pools: [Value] { status["pools"]?.list ?? [] }

        /// How many calls were answered in a second since then; none at the first look.
        func rates(since before: Look?) -> StatusText.Rates {
            guard let before else { return StatusText.Rates() }
            let seconds = before.at.duration(to: at) / .seconds(1)
            guard seconds > 0 else { return StatusText.Rates() }
            var rates = StatusText.Rates()
            let (old, new) = (before.served, served)
            for (name, count) in new.pools {
                rates.pools[name] = old.pools[name].map { Double(max(0, count - $0)) / seconds }
            }
            for (pid, count) in new.workers {
                // A worker that was not there has answered all of it since.
                rates.workers[pid] = Double(max(0, count - (old.workers[pid] ?? 0))) / seconds
            }
            return rates
        }

        private var served: (pools: [String: Int], workers: [Int: Int]) {
            var served: (pools: [String: Int], workers: [Int: Int]) = ([:], [:])
            for pool in pools {
                if let name = pool["name"]?.string { served.pools[name] = pool["served"]?.int }
                for worker in pool["workers"]?.list ?? [] {
                    if let pid = worker["pid"]?.int { served.workers[pid] = worker["served"]?.int }
                }
            }
            return served
        }

        /// The status with the rate of each pool, null at the first look.
        func value(_ rates: StatusText.Rates) -> Value {
            guard case .map(var map) = status else { return status }
            map["pools"] = .list(
                pools.map { pool in
                    guard case .map(var pool) = pool else { return pool }
                    let rate = pool["name"]?.string.flatMap { rates.pools[$0] }
                    pool["calls_per_s"] = rate.map(Value.double) ?? .null
                    return .map(pool)
                }
            )
            return .map(map)
        }
    }
}
