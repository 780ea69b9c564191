import KraitSignatures
import KraitWire

/// What came of the rows of one file, or of one kind of generated questions.
struct ParityTally: Sendable {
    let file: String
    private(set) var passed = 0
    private(set) var failed = 0
    private(set) var delegated = 0
    /// How often each rule handed a row to Python.
    private(set) var rules: [DelegationRule: Int] = [:]
    /// The first rows that differ, with their numbers from 1.
    private(set) var differences: [(row: Int, difference: ParityDifference)] = []

    /// How many differing rows are kept.
    let shown: Int

    init(file: String, shown: Int) {
        self.file = file
        self.shown = shown
    }

    var count: Int { passed + failed + delegated }

    mutating func add(_ outcome: ParityOutcome) {
        switch outcome {
        case .passed: passed += 1
        case .delegated(let rule):
            delegated += 1
            rules[rule, default: 0] += 1
        case .failed(let difference):
            failed += 1
            if differences.count < shown { differences.append((count, difference)) }
        }
    }

    /// The rules, the most frequent first.
    var rulesByCount: [(rule: DelegationRule, count: Int)] {
        rules.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { ($0.key, $0.value) }
    }

    /// The tally for programs.
    var value: Value {
        let rules = rulesByCount.map { ($0.rule.rawValue, Value.int(Int64($0.count))) }
        return [
            "file": .string(file), "passed": .int(Int64(passed)), "failed": .int(Int64(failed)),
            "delegated": .int(Int64(delegated)), "rules": .map(ValueMap(rules)),
        ]
    }

    /// The tally for people: a line, the rules, and the rows that differ.
    var text: String {
        var text = "\(file): passed \(passed), failed \(failed), delegated \(delegated)\n"
        for (rule, count) in rulesByCount {
            text += "  delegated by \(rule) (\(rule.explanation)): \(count)\n"
        }
        for (row, difference) in differences {
            text += ReadableDifference.text(difference, title: "row \(row)")
        }
        let left = failed - differences.count
        return left > 0 && !differences.isEmpty ? text + "  and \(left) more\n" : text
    }
}

/// A difference as lines that a person can compare.
enum ReadableDifference {
    /// The longest question and line shown whole, in characters.
    private static let width = 200
    /// The most lines shown of either side.
    private static let height = 12

    static func text(_ difference: ParityDifference, title: String) -> String {
        var text = "  \(title): \(clipped(difference.question))\n"
        text += "    \(difference.place)  (- native, + DSPy)\n"
        let native = lines(difference.native)
        let python = lines(difference.python)
        let same = zip(native, python).prefix { $0.0 == $0.1 }.count
        let rest = min(native.count, python.count) - same
        let tail = zip(native.reversed(), python.reversed()).prefix(rest).prefix { $0.0 == $0.1 }
            .count
        if same > 1 { text += "      … \(same - 1) equal lines\n" }
        if same > 0 { text += "      \(clipped(native[same - 1]))\n" }
        for (sign, lines) in [("-", native), ("+", python)] {
            let changed = lines[same..<(lines.count - tail)]
            for line in changed.prefix(height) {
                let offset = sign == "-" ? python : native
                text += "    \(sign) \(clipped(line, around: common(line, offset, at: same)))\n"
            }
            if changed.count > height {
                text += "    \(sign) … \(changed.count - height) more lines\n"
            }
        }
        if tail > 0 { text += "      … \(tail) equal lines\n" }
        return text
    }

    /// How many characters a line has in common with the line at that place of the other side.
    private static func common(_ line: String, _ others: [String], at index: Int) -> Int {
        guard others.indices.contains(index) else { return 0 }
        return zip(line.unicodeScalars, others[index].unicodeScalars).prefix { $0.0 == $0.1 }.count
    }

    /// The lines of a text, with what cannot be seen made visible.
    private static func lines(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let isBlankLast = line.last == " "
            var shown = ""
            for scalar in isBlankLast ? line.dropLast() : line {
                shown += visible(scalar)
            }
            return isBlankLast ? shown + "␠" : shown
        }
    }

    private static func visible(_ scalar: Unicode.Scalar) -> String {
        if scalar == " " { return " " }
        switch scalar.properties.generalCategory {
        case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator, .unassigned,
            .privateUse, .nonspacingMark:
            return "\\u{\(String(scalar.value, radix: 16))}"
        default: return String(scalar)
        }
    }

    /// At most `width` characters of a line, those around a place in it.
    private static func clipped(_ line: String, around place: Int = 0) -> String {
        let scalars = Array(line.unicodeScalars)
        guard scalars.count > width else { return line }
        let start = max(0, min(place - width / 2, scalars.count - width))
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[start..<min(start + width, scalars.count)])
        let before = start > 0 ? "…" : ""
        return before + String(part) + (start + width < scalars.count ? "…" : "")
    }
}
