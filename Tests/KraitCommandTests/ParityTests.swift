import Foundation
import KraitSignatures
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand

@Suite(.timeLimit(.minutes(1))) struct ParityTests {
    @Test(
        .enabled(if: RecordedAnswers.arePresent, "no recorded answers beside the checkout"),
        arguments: [
            ("signatures.jsonl", 0.05), ("signatures_probe.jsonl", 0.1), ("prefix.jsonl", 0),
            ("metrics.jsonl", 0), ("format_value_probe.jsonl", 0),
        ]
    )
    func `recorded answers are Krait's, and few are left to Python`(
        name: String,
        share: Double
    ) throws {
        let folder = try #require(RecordedAnswers.folder?.path)
        let file = CorpusFile(name: name, path: folder + "/" + name)
        let tally = try #require(try file.compare(shown: 5))
        #expect(tally.failed == 0, "\(tally.text)")
        #expect(tally.count > 30)
        #expect(Double(tally.delegated) <= share * Double(tally.count), "\(tally.text)")
    }

    /// Writes files of rows and runs the command on their folder.
    private func parity(_ files: [String: String], _ options: [String] = []) async throws
        -> Outcome
    {
        try await withTemporaryDirectory { base in
            for (name, text) in files {
                try text.write(toFile: base + "/" + name, atomically: true, encoding: .utf8)
            }
            return await krait(
                ["parity", "--corpus", base] + options,
                base: base,
                programs: Programs(parity: ParityProgram.run)
            )
        }
    }

    static let right = #"{"name": "isHTTPOk", "prefix": "Is HTTP Ok"}"#
    static let wrong = #"{"name": "a1", "prefix": "A 2"}"#

    @Test func `files are told by the shapes of their rows`() async throws {
        let outcome = try await parity([
            "a.jsonl": Self.right + "\n" + Self.right + "\n", "b.jsonl": #"{"what": 1}"#,
            "notes.txt": "x",
            "c.jsonl": #"{"signature": "a: datetime.datetime -> b", "ok": true, "fields": []}"#,
        ])
        #expect(outcome.code == .ok)
        #expect(
            outcome.output == """
                a.jsonl: passed 2, failed 0, delegated 0
                c.jsonl: passed 0, failed 0, delegated 1
                  delegated by module (a name that Python finds by importing a module): 1

                """
        )
        #expect(outcome.errors == "krait parity: skipped b.jsonl: of no known kind\n")
    }

    @Test func `a row that differs is shown, and fails the command`() async throws {
        let rows = [Self.right, Self.wrong, Self.wrong].joined(separator: "\n")
        let outcome = try await parity(["a.jsonl": rows], ["--show", "1"])
        #expect(outcome.code == .failed)
        #expect(
            outcome.output == """
                a.jsonl: passed 1, failed 2, delegated 0
                  row 2: 'a1'
                    prefix  (- native, + DSPy)
                    - A 1
                    + A 2
                  and 1 more

                """
        )
    }

    @Test func `with a flag there is one object for each file`() async throws {
        let outcome = try await parity(["a.jsonl": Self.right, "b.jsonl": Self.wrong], ["--json"])
        #expect(outcome.code == .failed)
        let lines = outcome.output.split(separator: "\n")
        #expect(
            try lines.map { try Value(json: String($0)) } == [
                ["file": "a.jsonl", "passed": 1, "failed": 0, "delegated": 0, "rules": [:]],
                ["file": "b.jsonl", "passed": 0, "failed": 1, "delegated": 0, "rules": [:]],
            ]
        )
    }

    @Test(arguments: ["no JSON", "[1]", #"{"name": 1"#, #"{"strange": 1}"#])
    func `a line that is no row of its kind fails`(line: String) async throws {
        let outcome = try await parity(["a.jsonl": Self.right + "\n" + line])
        #expect(outcome.code == .failed)
        #expect(outcome.output.hasPrefix("a.jsonl: passed 1, failed 1, delegated 0\n"))
    }

    @Test func `half a surrogate pair is left to Python`() async throws {
        let row = #"{"name": "\ud800", "prefix": "x"}"#
        let outcome = try await parity(["a.jsonl": Self.right + "\n" + row])
        #expect(outcome.output.contains("delegated by surrogate (half of a surrogate pair): 1"))
    }

    @Test func `a folder without answers is an error`() async throws {
        let empty = try await parity([:])
        #expect(empty.code == .failed)
        #expect(empty.errors.contains("no JSON-lines file of a known kind"))
        let outcome = await krait(
            ["parity", "--corpus", "/nowhere/at/all"],
            base: "/",
            programs: Programs(parity: ParityProgram.run)
        )
        #expect(outcome.code == .failed)
        #expect(outcome.errors.contains("cannot read the folder /nowhere/at/all"))
    }

    @Test func `a difference shows the lines around it, and what cannot be seen`() {
        let native = "one\ntwo\nthree \nfour\nfive"
        let python = "one\ntwo\nthree\u{A0}\nfour\nfive"
        let text = ReadableDifference.text(
            ParityDifference("text", native: native, python: python),
            title: "row 1"
        )
        #expect(
            text == """
                  row 1:\u{20}
                    text  (- native, + DSPy)
                      … 1 equal lines
                      two
                    - three␠
                    + three\\u{a0}
                      … 2 equal lines

                """
        )
        let long = String(repeating: "x", count: 500)
        let cut = ReadableDifference.text(
            ParityDifference("t", native: long + "a", python: long + "b"),
            title: "row 1"
        )
        #expect(cut.contains("xa\n"))
        #expect(cut.count < 700)
    }
}
