import KraitWire

/// A daemon's status as a person reads it, at one moment or refreshed each second.
enum StatusText {
    /// How many calls were answered in a second, by pool and by worker; for `krait top`.
    struct Rates {
        var pools: [String: Double] = [:]
        var workers: [Int: Double] = [:]
    }

    /// How much of a worker's last end a line shows.
    private static let endWidth = 60

    /// The head line, the table, and why pools failed.
    static func whole(_ status: Value, name: String, rates: Rates? = nil) -> String {
        let pid = status["pid"]?.int.map(String.init) ?? "?"
        let uptime = status["uptime_s"]?.double.map(age) ?? "?"
        let run = status["run"]?.string ?? "?"
        let pools = status["pools"]?.list ?? []
        var text = "\(name): pid \(pid), run \(run), up \(uptime)\n"
        if let sessions = status["sessions"], sessions["count"]?.int ?? 0 > 0 {
            let taken = sessions["checked_out"]?.int ?? 0
            text += "\(number(sessions["count"])) sessions"
            text += taken > 0 ? ", \(taken) checked out\n" : "\n"
            if let problem = sessions["problem"]?.string { text += "not kept: \(problem)\n" }
        }
        let pipelines = status["pipelines"]?.list ?? []
        if !pipelines.isEmpty { text += "\n" + table(ofPipelines: pipelines) }
        if pools.isEmpty { return pipelines.isEmpty ? text + "no pools\n" : text }
        text += "\n" + table(pools, rates)
        for pool in pools { text += arena(of: pool) }
        for pool in pools {
            guard let failure = pool["failure"]?.string else { continue }
            let next = pool["next_try_s"]?.double.map { "tried again in \(age($0))" }
            text += "\n\(pool["name"]?.string ?? "?") failed (\(next ?? "being tried again")): "
            text += failure + "\n"
        }
        return text
    }

    private static func table(ofPipelines pipelines: [Value]) -> String {
        var table = TextTable(
            ["PIPELINE", "RUNNING", "DONE", "FAILED"],
            rightAligned: [1, 2, 3]
        )
        for pipeline in pipelines {
            table.add(
                [pipeline["name"]?.string ?? "?"]
                    + ["running", "done", "failed"].map { number(pipeline[$0]) }
            )
        }
        return table.text
    }

    /// Such as `general: 3.0 of 64.0 MiB of shared memory in use, 2 leases`; nothing where none is.
    private static func arena(of pool: Value) -> String {
        guard let arena = pool["arena"], let size = arena["size_bytes"]?.int,
            let used = arena["used_bytes"]?.int, let refused = arena["refused"]?.int,
            size > 0 || refused > 0
        else { return "" }
        let more = refused > 0 ? ", \(refused) values had no room" : ""
        return
            "\n\(pool["name"]?.string ?? "?"): \(bytes(used)) of \(bytes(size)) of shared memory "
            + "in use, \(number(arena["leases"])) leases\(more)\n"
    }

    private static func table(_ pools: [Value], _ rates: Rates?) -> String {
        var heading = ["POOL", "WORKER", "STATE", "BREAKER", "QUEUED", "BUSY", "SERVED"]
        if rates != nil { heading.append("CALLS/S") }
        heading += ["MEMORY", "AGE", "RESTARTS", "LAST END"]
        let last = heading.count - 1
        var table = TextTable(heading, rightAligned: Set(4..<last).union([1]))
        for pool in pools {
            let workers = pool["workers"]?.list ?? []
            let name = pool["name"]?.string ?? "?"
            let busy = workers.reduce(0) { $0 + ($1["busy"]?.int ?? 0) }
            let slots = workers.reduce(0) { $0 + ($1["slots"]?.int ?? 0) }
            var row = [
                name, count(of: workers, in: pool), pool["state"]?.string ?? "?",
                pool["breaker"]?.string ?? "-", number(pool["queued"]), "\(busy)/\(slots)",
                number(pool["served"]),
            ]
            if let rates { row.append(rate(rates.pools[name])) }
            table.add(row)
            for worker in workers { table.add(self.row(worker, rates)) }
        }
        return table.text
    }

    /// How many there are, and how many there are to be where that is not the same.
    private static func count(of workers: [Value], in pool: Value) -> String {
        let all = workers.filter { $0["state"]?.string != "gone" }
        let remote = all.count { $0["host"]?.string != nil }
        let there = all.count - remote
        let more = remote > 0 ? " + \(remote) remote" : ""
        guard let target = pool["target"]?.int, target != there else { return "\(there)\(more)" }
        return "\(there) of \(target)\(more)"
    }

    private static func row(_ worker: Value, _ rates: Rates?) -> [String] {
        let pid = worker["pid"]?.int
        var row = [
            "", pid.map(String.init) ?? worker["host"]?.string ?? "-",
            worker["state"]?.string ?? "?", "", "",
            "\(number(worker["busy"]))/\(number(worker["slots"]))", number(worker["served"]),
        ]
        if let rates { row.append(rate(pid.flatMap { rates.workers[$0] })) }
        row.append(worker["resident_bytes"]?.int.map(bytes) ?? "-")
        row.append(worker["age_s"]?.double.map(age) ?? "-")
        row.append(number(worker["restarts"]))
        row.append(end(of: worker))
        return row
    }

    /// Such as `crashed: signal 9 (Killed), 12s ago`.
    private static func end(of worker: Value) -> String {
        guard let text = worker["last_end"]?.string else { return "" }
        let line = text.prefix { $0 != "\n" }
        let shown = line.count > endWidth ? line.prefix(endWidth) + "…" : line
        return worker["last_end_age_s"]?.double.map { "\(shown), \(age($0)) ago" } ?? "\(shown)"
    }

    private static func number(_ value: Value?) -> String { value?.int.map(String.init) ?? "?" }

    private static func rate(_ rate: Double?) -> String {
        guard let rate else { return "-" }
        let tenths = Int((rate * 10).rounded())
        return tenths >= 1_000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    static func age(_ seconds: Double) -> String {
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
