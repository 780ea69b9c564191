import KraitSignatures
import Testing

struct JSONRepairTests {
    /// Texts and what json_repair 0.64.5 makes of them.
    static let cases: [(text: String, outcome: String)] = [
        ("{\"a\": 1,}", "{'a': 1}"),
        ("{'a': 'it's'}", "{'a': \"it's'\"}"),
        ("{a: b}", "{'a': 'b'}"),
        ("{\"a\": \"b\" \"c\": 1}", "{'a': 'b', 'c': 1}"),
        ("[1, 2", "[1, 2]"),
        ("[1 2 3]", "[1, 2, 3]"),
        ("{\"a\": [1, 2}, \"b\": 3}", "{'a': [1, 2], 'b': 3}"),
        ("{\"a\": \"x, \"b\": \"y\"}", "{'a': 'x', 'b': 'y'}"),
        ("{\"a\": \"he said \"hi\" to me\"}", "{'a': 'he said \"hi\" to me'}"),
        ("text {\"a\": 1} more", "{'a': 1}"),
        ("{\"a\": 1} {\"a\": 2}", "{'a': 2}"),
        ("{\"a\": 1}, {\"a\": 2}", "[{'a': 1}, {'a': 2}]"),
        ("```json\n{\"a\": 1}\n```", "{'a': 1}"),
        ("{\"a\": 1 // one\n, \"b\": 2 # two\n}", "{'a': 1, 'b': 2}"),
        ("{\"a\": (1, 2), \"b\": (3)}", "{'a': [1, 2], 'b': 3}"),
        ("{\"a\": tru, \"b\": None}", "{'a': 'tru', 'b': None}"),
        (
            "{\"a\": .5, \"b\": 1., \"c\": 1/2, \"d\": 1_0}",
            "{'a': 0.5, 'b': 1.0, 'c': '1/2', 'd': 10}"
        ),
        ("\"a\": 1}", "{'a': 1}"),
        ("{\"a\": \"\\x41\\u00e9\"}", "{'a': 'Aé'}"),
        ("{“a”: “b”}", "{'a': 'b'}"),
        ("[{\"a\": 1, \"b\": 2, \"a\": 3}]", "[{'a': 3, 'b': 2}]"),
        ("{\"a\", \"b\"}", "['a', 'b']"),
        ("{\"a\": \"c:\\\\d\"}", "{'a': 'c:\\\\d'}"),
        ("{\"a\": \"b\\\"}", "{'a': 'b\"'}"),
        ("{\"t\": [[1, 2], [3, 4], 5, 6], [7, 8]}", "{'t': [[1, 2], [3, 4], [5, 6], [7, 8]]}"),
        ("[1, 2, ...]", "[1, 2]"),
        ("{\"key\": \"value\", }}}", "{'key': 'value'}"),
        ("{}{}", "{}"),
        ("<a>", "''"),
        ("(1, 2)", "[1, 2]"),
        ("see (x): {\"a\": 1}", "{'a': 1}"),
        ("{\"a\":\"„b” c\"}", "{'a': '„b” c'}"),
        ("{\"a\": \"x\ny\"", "{'a': 'x\\ny'}"),
        ("{\"a\": {\"b\": {\"c\": \"d", "{'a': {'b': {'c': 'd'}}}"),
    ]

    @Test(arguments: cases)
    func `text is repaired as json_repair repairs it`(_ row: (text: String, outcome: String)) throws
    {
        let value = try JSONRepair.loads(row.text)
        let outcome = value.representation
        #expect(outcome.utf8.elementsEqual(row.outcome.utf8), "\(row.text): \(outcome)")
    }

    static let openings = [
        "[", "{\"a\":", "(", "[{\"a\":", "{\"a\": [", "{", "[(", "{[", "{\"a\": {b:",
    ]

    @Test(.timeLimit(.minutes(2)), arguments: openings)
    func `nesting of any depth is read or left to Python`(opening: String) {
        for depth in [10, 70, 100, 1_000, 10_000] {
            let text = String(repeating: opening, count: depth)
            do throws(ValueFailure) {
                _ = try JSONRepair.loads(text)
            } catch {
                guard case .delegated(let rule) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(rule == .depth || rule == .effort)
                #expect(depth > 10)
            }
        }
    }

    static let repeated = [
        "\"", "'", "a", ",", "{\"a\": \"b", "\"a\", ", "[\"a\" ", "}", "]", "\\", "/", "#\n",
        "{\"a\": \"b, ",
        "{a: b, ", "(", "\u{201C}", "``` ", "{\"a\": 1} ", "\"a\": \"b\", ", " ", "x ",
    ]

    @Test(.timeLimit(.minutes(2)), arguments: repeated)
    func `a long text is repaired in bounded time or left to Python`(part: String) {
        let count = 600 / part.utf8.count
        for opening in ["{\"k\": \"", "[", ""] {
            let text = opening + String(repeating: part, count: count)
            do throws(ValueFailure) {
                _ = try JSONRepair.loads(text)
            } catch {
                guard case .delegated = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a repair that looks ahead too often is left to Python`() {
        let text = "[\"" + String(repeating: "a \" ", count: 5_000)
        let error = #expect(throws: ValueFailure.self) { try JSONRepair.loads(text) }
        guard case .delegated(.effort)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `what no Swift text can hold is left to Python`() {
        for text in [#"{"a": "\ud800"}"#, #"{"a": "\ud800",}"#] {
            #expect(throws: ValueFailure.self) { try JSONRepair.loads(text) }
        }
    }
}
