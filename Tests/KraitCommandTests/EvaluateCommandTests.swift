import Glibc
import KraitControl
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand

@Suite(.timeLimit(.minutes(1))) struct EvaluateCommandTests {
    /// Runs `body` with a daemon and a folder that has these rows.
    private func withRows(_ rows: String, _ body: (Lab) async throws -> Void) async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let lab = Lab(base: base)
                try lab.write(rows, to: "in")
                try await body(lab)
            }
        }
    }

    private struct Lab: Sendable {
        let base: String

        func write(_ text: String, to name: String) throws {
            let file = try Descriptor.open("\(base)/\(name)", O_WRONLY | O_CREAT | O_TRUNC)
            try file.writeAll(Array(text.utf8))
        }

        func lines(_ name: String) throws -> [Value] {
            String(decoding: try readFile("\(base)/\(name)", limit: 1 << 20), as: UTF8.self)
                .split(separator: "\n").compactMap { try? Value(json: String($0)) }
        }

        func evaluate(_ metric: String, _ more: String...) async -> Outcome {
            await krait(
                [
                    "evaluate", "guess", "--input", "\(base)/in", "--output", "\(base)/out",
                    "--metric", metric, "--inputs", "guess",
                ] + more,
                base: base
            )
        }
    }

    private static let rows = """
        {"guess": "Paris.", "answer": "paris"}
        {"guess": "the Louvre", "answer": ["Eiffel Tower", "Louvre"]}
        {"guess": "in London", "answer": "London"}
        {"guess": "Rome", "answer": "Oslo"}

        """

    @Test func `rows are scored, told and written`() async throws {
        try await withRows(Self.rows) { lab in
            let ended = await lab.evaluate("F1", "--table", "2", "--concurrency", "1")
            #expect(ended.code == .ok, "\(ended.errors)")
            #expect(ended.output.contains("F1: 66.67 % (2.67 of 4)"))
            #expect(ended.output.contains("4/4  score 66.67"))
            #expect(ended.output.contains("$2.0"))
            #expect(ended.output.contains("example_answer"))
            let lines = try lab.lines("out")
            #expect(lines.map { $0["row"] } == [1, 2, 3, 4])
            #expect(lines[2]["score"]?.double == 0.6666666666666666)
            #expect(lines[2]["prediction"] == ["answer": "in London"])
            #expect(lines[2]["example"] == ["guess": "in London", "answer": "London"])
            #expect(lines[2]["tokens"] == 7)
            // Nothing is left to do, and the score is the same.
            let again = await lab.evaluate("F1", "--json")
            let value = try Value(json: again.output)
            #expect(value["score"] == 66.67)
            #expect(value["answered"] == 0)
            #expect(value["done_before"] == 4)
        }
    }

    @Test func `a score below the threshold has an exit code of its own`() async throws {
        try await withRows(Self.rows) { lab in
            let low = await lab.evaluate("answer_exact_match", "--threshold", "50.01")
            #expect(low.code == .belowThreshold)
            #expect(low.errors.contains("the score 50.0 is below 50.01"))
            #expect(await lab.evaluate("answer_exact_match", "--threshold", "50").code == .ok)
        }
    }

    @Test func `what fails counts as the failure score and is told`() async throws {
        let rows = """
            {"guess": "x", "answer": "x"}
            broken
            {"guess": "x", "answr": "x"}
            {"guess": 3, "answer": "x"}
            {"answer": "x"}

            """
        try await withRows(rows) { lab in
            let ended = await lab.evaluate("EM", "--failure-score", "0.5", "--json")
            #expect(ended.code == .ok)
            let value = try Value(json: ended.output)
            #expect(value["score"] == 60.0)
            #expect(value["failures"] == 4)
            #expect(
                ended.errors.contains(
                    "row 3 failed: invalid_input: the example has no field `answer`; did you mean "
                        + "`answr`?"
                )
            )
            #expect(ended.errors.contains("4 rows failed and count 0.5"))
            let failures = try lab.lines("out.failed")
            let codes = failures.reduce(into: [Int: String]()) { codes, line in
                codes[line["row"]?.int ?? 0] = line["error"]?["code"]?.string
            }
            #expect(
                codes == [
                    2: "invalid_input", 3: "invalid_input", 4: "invalid_output",
                    5: "invalid_input",
                ]
            )
            #expect(failures.allSatisfy { $0["score"] == 0.5 })
            // What was predicted is kept, though it could not be scored.
            #expect(failures.contains { $0["prediction"] == ["answer": 3] })
            let again = await lab.evaluate("EM", "--failure-score", "0.5", "--retry-failed")
            #expect(again.output.contains("4 failed  score 60.0"))
        }
    }

    @Test func `too many failures end the run, and what was scored is kept`() async throws {
        let rows = (0..<20).map { "{\"guess\": \($0), \"answer\": \"x\"}\n" }.joined()
        try await withRows("{\"guess\": \"x\", \"answer\": \"x\"}\n" + rows) { lab in
            let ended = await lab.evaluate("EM", "--max-errors", "3", "--concurrency", "1")
            #expect(ended.code == .failed)
            #expect(ended.errors.contains("3 rows failed"))
            let (scored, failed) = (try lab.lines("out"), try lab.lines("out.failed"))
            #expect(scored.count == 1)
            #expect(failed.count == 3)
        }
    }

    @Test func `an operation can be the metric`() async throws {
        let rows = """
            {"guess": 0.5}
            {"guess": true}
            {"guess": {"score": 1}}
            {"guess": "good"}

            """
        try await withRows(rows) { lab in
            let ended = await lab.evaluate("judge", "--json")
            let value = try Value(json: ended.output)
            #expect(value["score"] == 62.5)
            #expect(value["failures"] == 1)
            #expect(ended.errors.contains("gave neither a number nor a map"))
        }
    }

    @Test func `what cannot be evaluated is found before the first row`() async throws {
        try await withRows(Self.rows) { lab in
            let unknown = await lab.evaluate("answer_exact_mach")
            #expect(unknown.code == .usage)
            #expect(unknown.errors.contains("did you mean `answer_exact_match`?"))
            let files = ["--input", "\(lab.base)/in", "--output", "\(lab.base)/out"]
            let other = await krait(
                ["evaluate", "gess", "--metric", "EM"] + files,
                base: lab.base
            )
            #expect(other.errors.contains("unknown_operation"))
            #expect(await krait(["evaluate", "guess"] + files, base: lab.base).code == .usage)
            // A judge that no pool has.
            #expect(await lab.evaluate("SemanticF1").code == .failed)
            #expect(access("\(lab.base)/out", F_OK) != 0)
            try lab.write("\n", to: "in")
            let nothing = await lab.evaluate("EM")
            #expect(nothing.code == .failed)
            #expect(nothing.errors.contains("has no rows"))
        }
    }

    @Test func `another metric does not go on in the same output`() async throws {
        try await withRows(Self.rows) { lab in
            #expect(await lab.evaluate("EM").code == .ok)
            let other = await lab.evaluate("F1")
            #expect(other.code == .failed)
            #expect(other.errors.contains("is of another batch"))
        }
    }

    @Test func `its help teaches both of its forms`() async {
        let help = await krait(["evaluate", "--help"], base: "/")
        for part in ["krait evaluate PROGRAM", "compare", "answer_exact_match", "--threshold"] {
            #expect(help.output.contains(part))
        }
        let compare = await krait(["evaluate", "compare", "--help"], base: "/")
        #expect(compare.output.contains("krait evaluate compare BEFORE AFTER"))
    }
}

@Suite(.timeLimit(.minutes(1))) struct EvaluateCompareTests {
    private func compare(
        _ before: String,
        _ after: String,
        failed: String? = nil,
        _ more: String...
    ) async throws -> Outcome {
        try await withTemporaryDirectory { base in
            for (name, text) in [("a", before), ("b", after), ("b.failed", failed)] {
                guard let text else { continue }
                let file = try Descriptor.open("\(base)/\(name)", O_WRONLY | O_CREAT)
                try file.writeAll(Array(text.utf8))
            }
            return await krait(
                ["evaluate", "compare", "\(base)/a", "\(base)/b"] + more,
                base: base
            )
        }
    }

    /// Rows whose scores are these; the same example has the same number.
    private func rows(_ scores: [Double], from first: Int = 1) -> String {
        scores.enumerated().map { index, score in
            """
            {"row": \(first + index), "score": \(score), "example": {"q": "e\(first + index)"}, \
            "prediction": {"answer": "p\(score)"}}

            """
        }.joined()
    }

    @Test func `rows that got better and worse are told`() async throws {
        let ended = try await compare(
            rows([1, 1, 0.5, 0]),
            rows([0, 1, 0.75, 1]),
            failed: nil,
            "--rows",
            "1"
        )
        #expect(ended.code == .ok, "\(ended.errors)")
        #expect(ended.output.contains("+6.25 points, between"))
        #expect(ended.output.contains("may be chance"))
        #expect(ended.output.contains("2 better, 1 worse, 1 the same"))
        #expect(ended.output.contains("    1       1      0  e1       p1.0"))
        #expect(ended.output.contains("     4       0      1  e4"))
        #expect(ended.output.contains("and 1 more"))
    }

    @Test func `failed rows count, and rows of one side are left out`() async throws {
        let failure = """
            {"row": 2, "score": 0, "example": {"q": "e2"}, "error": {"code": "faulted", \
            "message": "it raised"}}

            """
        let ended = try await compare(
            rows([1, 1, 1]),
            rows([1]),
            failed: failure,
            "--json"
        )
        let value = try Value(json: ended.output)
        #expect(value["compared"] == 2)
        #expect(value["before"]?["rows"] == 3)
        #expect(value["after"]?["failures"] == 1)
        #expect(value["worse"] == [2])
        #expect(value["difference"] == -50.0)
        #expect(value["verdict"] == "unclear")
    }

    @Test func `what is surely worse has an exit code where that is wanted`() async throws {
        let (good, bad) = (
            rows(Array(repeating: 1, count: 30)), rows((0..<30).map { Double($0 % 2) })
        )
        #expect(
            try await compare(good, bad, failed: nil, "--fail-if-worse").code == .belowThreshold
        )
        #expect(try await compare(good, bad).code == .ok)
        #expect(try await compare(bad, good, failed: nil, "--fail-if-worse").code == .ok)
    }

    @Test(arguments: [
        ("{\"row\": 1, \"value\": 3}\n", "has no score"),
        ("{\"row\": 1, \"sco", "is no row of an evaluation"),
        ("{\"row\": 1, \"score\": \"good\"}\n", "has no score"),
        (
            "{\"row\": 1, \"score\": 1}\n{\"row\": 1, \"score\": 0}\n",
            "line 2, is row 1 for a second"
        ),
        ("{\"row\": 1, \"score\": 1, \"example\": {\"q\": \"other\"}}\n", "another example"),
        ("{\"row\": 9, \"score\": 1}\n", "no row in common"),
        ("", "no row in common"),
    ])
    func `what cannot be compared is told with its place`(text: String, part: String) async throws {
        let ended = try await compare(rows([1]), text)
        #expect(ended.code == .failed)
        #expect(ended.errors.contains(part), "\(ended.errors)")
    }

    @Test func `a file that is not there is said`() async {
        let ended = await krait(["evaluate", "compare", "/krait/a", "/krait/b"], base: "/")
        #expect(ended.code == .failed)
        #expect(ended.errors.contains("/krait/a"))
    }
}
