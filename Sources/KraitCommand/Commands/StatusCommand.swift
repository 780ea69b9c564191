import KraitWire

/// `krait status`: what the running daemon says of itself.
enum StatusCommand {
    static let command = Command(
        name: "status",
        summary: "show the daemon's pools and workers",
        discussion: """
            Asks the running daemon. In the table a pool's line is followed by those of its \
            workers; `busy` is how many of a worker's slots have a call.
            """,
        parameters: DaemonChoice.parameters + [jsonFlag.parameter],
        examples: [
            .init(text: "krait status", meaning: "as a table"),
            .init(text: "krait status --json", meaning: "as JSON, for programs"),
        ],
        exitCodes: [.notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let status = try await client.ask(.status, timeout: .seconds(10))
        if arguments[jsonFlag] {
            try context.write(json: status)
        } else {
            try context.output.write(text(status, name: arguments[DaemonChoice.name]))
        }
        return .ok
    }

    /// The status as a person reads it.
    static func text(_ status: Value, name: String) -> String {
        let pid = status["pid"]?.int.map(String.init) ?? "?"
        let uptime = status["uptime_s"]?.double.map(age) ?? "?"
        let run = status["run"]?.string ?? "?"
        let pools = status["pools"]?.list ?? []
        var text = "\(name): pid \(pid), run \(run), up \(uptime)\n"
        if pools.isEmpty { return text + "no pools\n" }
        var table = TextTable(
            ["POOL", "WORKER", "STATE", "BREAKER", "QUEUED", "BUSY", "SERVED", "MEMORY", "AGE"],
            rightAligned: [1, 4, 5, 6, 7, 8]
        )
        for pool in pools {
            let workers = pool["workers"]?.list ?? []
            table.add([
                pool["name"]?.string ?? "?", "\(workers.count)", pool["state"]?.string ?? "?",
                pool["breaker"]?.string ?? "-", pool["queued"]?.int.map(String.init) ?? "?",
            ])
            for worker in workers {
                let busy = worker["busy"]?.int.map(String.init) ?? "?"
                let slots = worker["slots"]?.int.map(String.init) ?? "?"
                table.add([
                    "", worker["pid"]?.int.map(String.init) ?? "?",
                    worker["state"]?.string ?? "?", "", "", "\(busy)/\(slots)",
                    worker["served"]?.int.map(String.init) ?? "?",
                    worker["resident_bytes"]?.int.map(bytes) ?? "?",
                    worker["age_s"]?.double.map(age) ?? "?",
                ])
            }
        }
        text += "\n" + table.text
        for pool in pools {
            guard let failure = pool["failure"]?.string else { continue }
            text += "\n\(pool["name"]?.string ?? "?") failed: \(failure)\n"
        }
        return text
    }

    private static func age(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        let whole = Int(seconds)
        switch whole {
        case ..<60: return "\(whole)s"
        case ..<3_600: return "\(whole / 60)m \(whole % 60)s"
        case ..<86_400: return "\(whole / 3_600)h \(whole % 3_600 / 60)m"
        default: return "\(whole / 86_400)d \(whole % 86_400 / 3_600)h"
        }
    }

    private static func bytes(_ count: Int) -> String {
        let tenths = (count * 10 + (1 << 19)) >> 20
        return "\(tenths / 10).\(tenths % 10) MiB"
    }
}
