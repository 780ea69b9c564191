import Krait
import KraitWire

/// A run of a pipeline as a person reads it: a tree of its steps.
enum TraceText {
    /// A step among its parts; one that has not ended has no record.
    private struct Node {
        var label: String
        var record: Value?
        var parts: [Node] = []

        /// Adds a record below this step, at the rest of its path.
        mutating func add(_ record: Value, at path: ArraySlice<String>) {
            guard let label = path.first else {
                self.record = record
                return
            }
            let index = parts.firstIndex { $0.label == label } ?? parts.count
            if index == parts.count { parts.append(Node(label: label)) }
            parts[index].add(record, at: path.dropFirst())
        }
    }

    /// The steps of a whole run: each with its time, where its calls went and what they took.
    static func whole(_ run: Value) -> String {
        var root = Node(label: run["pipeline"]?.string ?? "?")
        for step in run["steps"]?.list ?? [] {
            let path = step["path"]?.list?.compactMap(\.string) ?? []
            root.add(step, at: path.dropFirst())
        }
        var text = TreeText.draw(root, \.parts) { node in cells(node) }
        if let omitted = run["omitted"]?.int, omitted > 0 {
            text += "… and \(omitted) steps more\n"
        }
        let sums = [
            run["seconds"]?.double.map { time($0 * 1_000) },
            tokens(run["usage"]).map { "\($0) tokens" },
            cost(run["usage"]), end(of: run["failure"]),
        ]
        return text + sums.compactMap(\.self).joined(separator: ", ") + "\n"
    }

    private static func cells(_ node: Node) -> [String] {
        guard let record = node.record else { return [node.label, "-", "not ended", "", ""] }
        let calls = record["calls"]?.list ?? []
        let usage = calls.compactMap { $0["usage"] }.first { $0 != .null }
        let usages = [tokens(usage).map { "\($0) tokens" }, cost(usage)].compactMap(\.self)
        return [
            node.label, record["duration_ms"]?.double.map(time) ?? "-", place(of: calls),
            usages.joined(separator: ", "),
            record["failure"]?.string.map { "failed: \($0)" } ?? "",
        ]
    }

    /// Where a step's last call went, and why it went there.
    private static func place(of calls: [Value]) -> String {
        guard let call = calls.last else { return "" }
        let place = call["worker"]?.string.map { "worker \($0)" } ?? call["route"]?.string ?? "?"
        let reason = call["reason"]?.string.map { " (\($0))" } ?? ""
        return place + reason + (calls.count > 1 ? ", the last of \(calls.count) calls" : "")
    }

    /// Milliseconds, with three digits or more.
    static func time(_ milliseconds: Double) -> String {
        let places = milliseconds < 1 ? 3 : milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0
        let rounded = milliseconds.rounded(toPlaces: places)
        return places == 0 ? "\(Int(rounded)) ms" : "\(rounded) ms"
    }

    /// Such as `412+35`: what was asked, and what was answered; nil where nobody tells.
    static func tokens(_ usage: Value?) -> String? {
        guard let asked = usage?["prompt_tokens"]?.int,
            let answered = usage?["completion_tokens"]?.int
        else { return nil }
        return "\(asked)+\(answered)"
    }

    /// In US dollars; nil where nobody tells.
    static func cost(_ usage: Value?) -> String? { usage?["cost_usd"]?.double.map(dollars) }

    static func dollars(_ cost: Double) -> String {
        "$\(cost.rounded(toPlaces: cost < 1 ? 5 : 2))"
    }

    /// What a run came to.
    static func end(of failure: Value?) -> String {
        guard let code = failure?["code"]?.string else { return "done" }
        let path = failure?["path"]?.list?.compactMap(\.string) ?? []
        return path.isEmpty ? code : "\(code) in \(path.joined(separator: "/"))"
    }
}
