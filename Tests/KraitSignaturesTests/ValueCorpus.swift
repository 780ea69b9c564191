import Foundation
import KraitSignatures
import KraitTestSupport

/// A row of a recorded file as Python's `json` reads it: `1` stays apart from `1.0`.
struct RecordedRow {
    let dict: PythonDict
    let line: Int

    subscript(key: String) -> PythonValue? { dict[key] }

    func text(_ key: String) -> String { dict[key]?.string ?? "" }

    /// What was recorded under the key, tags resolved.
    func value(_ key: String) -> PythonValue? { dict[key].flatMap(PythonValue.init(tagged:)) }
}

extension RecordedRow {
    /// The rows of a file.
    static func rows(_ name: String) throws -> [RecordedRow] {
        try RecordedAnswers.lines(name).enumerated().compactMap { line, text in
            try JSONText.read(Array(text))?.dict.map { RecordedRow(dict: $0, line: line + 1) }
        }
    }
}

/// Counts of a recorded file.
struct Tally {
    var passed = 0
    var delegated: [DelegationRule: Int] = [:]
    var failed: [String] = []

    var delegations: Int { delegated.values.reduce(0, +) }
    var rows: Int { passed + delegations + failed.count }

    mutating func delegate(_ rule: DelegationRule) { delegated[rule, default: 0] += 1 }

    /// Counts a row by whether the answer is theirs; a delegation is neither.
    mutating func count(_ line: Int, _ isSame: () throws -> Bool) {
        do {
            if try isSame() { passed += 1 } else { failed.append("line \(line)") }
        } catch ValueFailure.delegated(let rule) {
            delegate(rule)
        } catch {
            failed.append("line \(line): \(error)")
        }
    }

    func summary(_ name: String) -> String {
        let rules = delegated.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
        return "\(name): passed \(passed), failed \(failed.count), delegated \(delegations) "
            + rules.joined(separator: ", ")
    }
}
