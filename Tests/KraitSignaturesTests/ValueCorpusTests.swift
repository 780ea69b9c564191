import KraitSignatures
import KraitTestSupport
import Testing

@Suite(.enabled(if: RecordedAnswers.arePresent, "no corpus beside the checkout"))
struct ValueCorpusTests {
    @Test func `values are written as DSPy writes them`() throws {
        var tally = Tally()
        for row in try RecordedRow.rows("format_value_probe.jsonl") {
            let value = try #require(row.value("value"))
            let texts = [
                ("repr", row["repr"], Result { value.representation }),
                (
                    "as_str_field", row["as_str_field"],
                    Result { try PromptValue.format(value, isTextField: true) }
                ),
                (
                    "as_other_field", row["as_other_field"],
                    Result { try PromptValue.format(value, isTextField: false) }
                ),
            ]
            var isExact = value.typeName == row.text("py")
            for (what, theirs, ours) in texts where !Self.agree(ours, theirs) {
                isExact = false
                Issue.record("line \(row.line) \(what): \(ours), not \(theirs?.text ?? "")")
            }
            if isExact { tally.passed += 1 } else { tally.failed.append("\(row.line)") }
        }
        print(tally.summary("format_value_probe"))
        #expect(tally.failed.isEmpty)
        #expect(tally.rows > 0)
    }

    @Test func `JSON is repaired as json_repair repairs it`() throws {
        var tally = Tally()
        for row in try RecordedRow.rows("json_repair.jsonl") {
            let theirs = try #require(row.value("value"))
            tally.count(row.line) {
                try JSONRepair.loads(row.text("input")).isIdentical(to: theirs)
            }
        }
        print(tally.summary("json_repair"))
        #expect(tally.failed.isEmpty)
        #expect(tally.rows > 0)
        #expect(tally.delegations * 100 <= tally.rows * 30)
    }

    @Test func `text becomes values as DSPy makes them`() throws {
        var tally = Tally()
        for row in try RecordedRow.rows("parse_value_probe.jsonl") {
            let type = try Schema(parsing: "x -> y: " + row.text("type")).outputs[0].type
            tally.count(row.line) {
                do {
                    let ours = try ValueParser().parse(.string(row.text("raw")), as: type)
                    return row.value("value").map { ours.isIdentical(to: $0) } ?? false
                } catch ValueFailure.raised(let raised) {
                    let theirs = row["error"]?.dict
                    // The texts carry pydantic's version, which is that of the reference.
                    return theirs?["class"]?.string == raised.className
                        && theirs?["message"]?.string == raised.message
                }
            }
        }
        print(tally.summary("parse_value_probe"))
        #expect(tally.failed.isEmpty)
        #expect(tally.rows > 0)
        #expect(tally.delegations * 100 <= tally.rows * 10)
    }

    private static func agree(_ ours: Result<String, any Error>, _ theirs: PythonValue?) -> Bool {
        switch (ours, theirs) {
        case (.success(let text), .string(let recorded)?):
            return text.utf8.elementsEqual(recorded.utf8)
        case (.failure(ValueFailure.raised(let ours)), .dict(let theirs)?):
            let error = theirs["error"]?.dict
            return error?["class"]?.string == ours.className
                && error?["message"]?.string == ours.message
        default: return false
        }
    }
}
