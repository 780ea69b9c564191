import KraitWire

/// What a run found: figures, and what is broken.
package struct Report {
    package let mode: String
    package let seed: UInt64
    /// Whether what comes late is broken; on a machine that does much else it says little.
    private let isTimed: Bool
    /// What the run was started with.
    private let arguments: [String]
    package var seconds = 0.0
    package var ledger = Ledger()
    package var recoveries: [String: [Duration]] = [:]
    /// Further figures, with their units in their names.
    package var figures: [(name: String, value: Value)] = []
    /// What should be and is not, in words.
    package var broken: [String] = []
    /// What was left out, and why.
    package var skipped: [String] = []

    package init(_ options: Options) {
        mode = options.mode.rawValue
        seed = options.seed
        isTimed = !options.isLight
        arguments = options.arguments
    }

    /// Judges the ledger: nothing lost, twice, without an explanation or late.
    package mutating func judge() {
        for kind in Ledger.Irregularity.allCases where ledger.count(kind) > 0 {
            if kind == .late, !isTimed { continue }
            broken.append("\(ledger.count(kind)) \(kind.rawValue)")
        }
        if !ledger.open.isEmpty { broken.append("\(ledger.open.count) still open") }
    }

    private var isSound: Bool { broken.isEmpty }

    package var exitCode: Int32 { isSound ? 0 : 1 }

    /// The command that does the same again.
    private var replay: String { (["krait-chaos"] + arguments).joined(separator: " ") }

    /// All of it as one JSON object.
    package var value: Value {
        var map: ValueMap = [
            "mode": .string(mode), "seed": .string("\(seed)"),
            "seconds": .double((seconds * 10).rounded() / 10),
            "calls": .int(Int64(ledger.sent)), "ok": .int(Int64(ledger.ok)),
            "errors": .map(
                ledger.errors.sorted { $0.key < $1.key }.reduce(into: ValueMap()) {
                    $0[$1.key] = .int(Int64($1.value))
                }
            ),
        ]
        for kind in Ledger.Irregularity.allCases {
            map[kind.rawValue] = .int(Int64(ledger.count(kind)))
        }
        map["worst_overrun_ms"] = .int(Int64(milliseconds(ledger.worstOverrun)))
        map["recovery_ms"] = .map(
            sortedRecoveries.reduce(into: ValueMap()) { map, row in
                map[row.name] = [
                    "n": .int(Int64(row.count)), "median": .int(Int64(row.median)),
                    "worst": .int(Int64(row.worst)),
                ]
            }
        )
        for figure in figures { map[figure.name] = figure.value }
        map["skipped"] = .list(skipped.map(Value.string))
        map["broken"] = .list(broken.map(Value.string))
        map["remarks"] = .list(ledger.remarks.map(Value.string))
        return .map(map)
    }

    private var sortedRecoveries: [(name: String, count: Int, median: Int, worst: Int)] {
        recoveries.map { name, durations in
            let sorted = durations.map(milliseconds).sorted()
            return (name, sorted.count, sorted[sorted.count / 2], sorted.last ?? 0)
        }.sorted { $0.0 < $1.0 }
    }

    /// All of it as a line of JSON.
    package func json() throws -> String { try value.json() }

    /// All of it for a person.
    package var text: String {
        var lines = [
            "krait-chaos \(mode), seed \(seed), \(Int(seconds)) s",
            "",
            row("calls", ledger.sent), row("ok", ledger.ok),
        ]
        lines += ledger.errors.sorted { $0.key < $1.key }.map { row("  " + $0.key, $0.value) }
        lines += Ledger.Irregularity.allCases.map { row($0.rawValue, ledger.count($0)) }
        lines.append(row("worst wait beyond its deadline, ms", milliseconds(ledger.worstOverrun)))
        if !recoveries.isEmpty {
            lines += [
                "", "fault                times  median ms   worst ms  until the pool was whole",
            ]
            lines += sortedRecoveries.map {
                pad($0.name, 19) + right($0.count, 7) + right($0.median, 11) + right($0.worst, 11)
            }
        }
        if !figures.isEmpty {
            lines.append("")
            lines += figures.map { pad($0.name, 42) + ((try? $0.value.json()) ?? "?") }
        }
        if !skipped.isEmpty { lines += [""] + skipped.map { "left out: \($0)" } }
        if !ledger.remarks.isEmpty { lines += [""] + ledger.remarks }
        lines.append("")
        if isSound {
            lines.append("nothing is broken")
        } else {
            lines += broken.map { "BROKEN: \($0)" }
            lines.append("again: \(replay)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func row(_ name: String, _ count: Int) -> String { pad(name, 36) + right(count, 8) }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func right(_ number: Int, _ width: Int) -> String {
        let text = "\(number)"
        return String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
