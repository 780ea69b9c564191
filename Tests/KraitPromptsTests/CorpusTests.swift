import Foundation
import KraitPrompts
import KraitSignatures
import KraitTestSupport
import Testing

/// The recorded rows; more of the same form from the file that `KRAIT_MORE` names, and the rows of
/// the rules that `KRAIT_SHOW` names.
@Suite(.enabled(if: RecordedAnswers.arePresent, "no corpus beside the checkout"))
struct CorpusTests {
    @Test(
        arguments: [
            "adapter.jsonl", "adapter_derived_format.jsonl", "adapter_derived_parse.jsonl",
        ] + (ProcessInfo.processInfo.environment["KRAIT_MORE"].map { [$0] } ?? [])
    )
    func `adapters answer as DSPy does`(file: String) throws {
        let lines = try RecordedAnswers.lines(file)
        #expect(!lines.isEmpty)
        var passed = 0
        var failed = 0
        var rules: [String: Int] = [:]
        for line in lines {
            let row = try #require(AdapterRow(String(decoding: line, as: UTF8.self)))
            switch row.outcome {
            case .passed: passed += 1
            case .delegated(let rule):
                rules[rule.rawValue, default: 0] += 1
                if let wanted = ProcessInfo.processInfo.environment["KRAIT_SHOW"],
                    wanted.contains(rule.rawValue)
                {
                    print(rule, row.title)
                }
            case .failed(let difference):
                failed += 1
                if failed <= 20 { Issue.record("\(row.title): \(difference)") }
            }
        }
        let delegated = rules.values.reduce(0, +)
        let counts = rules.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        print(file, "passed \(passed) failed \(failed) delegated \(delegated):", counts)
        #expect(failed == 0)
        #expect(delegated * 10 <= lines.count)
    }
}
