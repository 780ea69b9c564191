import Krait

/// What the rounds of `krait bench peers` found, one row a peer: the medians over its rounds.
struct PeersTable {
    private var order: [String] = []
    private var lines: [String: [ValueMap]] = [:]

    /// Takes one line of figures, or `{"bench": "failed", "reason": …}`.
    mutating func add(_ line: ValueMap) {
        guard let path = line["path"]?.string else { return }
        if lines[path] == nil { order.append(path) }
        lines[path, default: []].append(line)
    }

    /// The table, and below it why what is missing is missing.
    var text: String {
        var table = TextTable(
            [
                "", "CALLS/S AT 1", "P50 µS", "CALLS/S AT 100", "ARRAY MS", "FIRST REPLY MS",
                "A WORKER KILLED UNDER LOAD",
            ],
            rightAligned: [1, 2, 3, 4, 5]
        )
        for path in order {
            table.add([
                path, whole(path, "echo", "calls_per_s", at: 1),
                whole(path, "echo", "p50_us", at: 1), whole(path, "echo", "calls_per_s", at: 100),
                array(path), whole(path, "start", "first_reply_ms"), ending(path),
            ])
        }
        return table.text + failures
    }

    /// Why a peer, or a part of it, was not measured: each reason once.
    var failures: String {
        var text = ""
        for path in order {
            var said: Set<String> = []
            for line in lines[path] ?? [] where line["bench"] == "failed" {
                let reason = line["reason"]?.string ?? "it is not known why"
                if said.insert(reason).inserted { text += "\(path): not measured: \(reason)\n" }
            }
        }
        return text.isEmpty ? "" : "\n" + text
    }

    private func figures(
        _ path: String,
        _ bench: String,
        _ key: String,
        where isWanted: (ValueMap) -> Bool = { _ in true }
    ) -> Double? {
        let found = (lines[path] ?? []).filter { $0["bench"]?.string == bench && isWanted($0) }
        let values = found.compactMap { $0[key]?.number }.sorted()
        return values.isEmpty ? nil : values[values.count / 2]
    }

    private func whole(_ path: String, _ bench: String, _ key: String, at window: Int? = nil)
        -> String
    {
        let figure = figures(path, bench, key) { window == nil || $0["window"]?.int == window }
        return figure.map { "\(Int($0.rounded()))" } ?? "-"
    }

    private func array(_ path: String) -> String {
        figures(path, "array", "p50_us").map { "\(($0 / 1_000).rounded(toPlaces: 1))" } ?? "-"
    }

    /// Such as `50 calls failed, replaced in 80 ms`.
    private func ending(_ path: String) -> String {
        func count(_ key: String, idempotent: Bool?) -> Int? {
            figures(path, "kill", key) { line in
                idempotent == nil || line["idempotent"] == idempotent.map(Value.bool)
            }.map { Int($0) }
        }
        let isOurs = count("failed", idempotent: true) != nil
        guard let failed = count("failed", idempotent: isOurs ? false : nil) else { return "-" }
        var parts = ["\(failed) calls failed"]
        if isOurs, let again = count("failed", idempotent: true) {
            parts[0] += " (\(again) of idempotent ones)"
        }
        if let lost = count("unanswered", idempotent: nil), lost > 0 {
            parts.append("\(lost) never answered")
        }
        let replaced = figures(path, "kill", "replaced_ms")
        parts.append(replaced.map { "replaced in \(Int($0.rounded())) ms" } ?? "not replaced")
        return parts.joined(separator: ", ")
    }
}

extension Value {
    /// A figure, whichever way it was written.
    var number: Double? { double ?? int.map(Double.init) }
}
