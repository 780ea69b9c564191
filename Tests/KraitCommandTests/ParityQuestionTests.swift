import KraitSignatures
import KraitWire
import Testing

@testable import KraitCommand

@Suite struct ParityQuestionTests {
    private func row(_ text: String) throws -> PythonDict {
        try #require(try JSONText.read(text)?.dict)
    }

    @Test func `the same seed asks the same questions, another one others`() throws {
        func questions(_ seed: UInt64) throws -> [String] {
            var generator = QuestionGenerator(seed: seed)
            return try (0..<400).map { _ in try JSONText.write(.dict(generator.next())) }
        }
        #expect(try questions(1) == questions(1))
        #expect(try questions(1) != questions(2))
    }

    @Test func `random questions are of every kind`() throws {
        var generator = QuestionGenerator(seed: 5)
        var kinds: Set<String> = []
        for _ in 0..<1_000 { kinds.insert(QuestionGenerator.title(generator.next())) }
        #expect(kinds.count == 12)
        #expect(!kinds.contains("unknown"))
    }

    @Test(arguments: [
        (#"{"signature": "a -> b"}"#, ["signatures"]),
        (#"{"signature": "a -> b", "inputs": {"a": 1}}"#, ["signatures", "ChatAdapter.format"]),
        (
            #"{"signature": "a -> b", "inputs": {}, "completion": "x", "adapter": "xml"}"#,
            ["signatures", "XMLAdapter.format", "XMLAdapter.parse"]
        ),
        (
            #"{"signature": "a -> b", "completion": "{}", "adapter": "JSONAdapter"}"#,
            ["signatures", "JSONAdapter.parse"]
        ),
        (#"{"gold": "a", "pred": "b"}"#, ["metrics"]), (#"{"input": "{"}"#, ["json_repair"]),
        (#"{"type": "int", "raw": "1"}"#, ["parse_value"]), (#"{"value": [1]}"#, ["format_value"]),
    ])
    func `a line asks what it has parts for`(line: String, titles: [String]) throws {
        let questions = try LiveQuestions.questions(try row(line))
        #expect(questions.map(QuestionGenerator.title) == titles)
    }

    @Test(arguments: [
        #"{"what": 1}"#, #"{"signature": "a -> b", "inputs": {}, "adapter": "yaml"}"#,
    ])
    func `a line that asks nothing is refused`(line: String) throws {
        let row = try row(line)
        #expect(throws: ParityStop.self) { try LiveQuestions.questions(row) }
    }

    @Test(arguments: [
        (#"{"name": "a", "prefix": "A"}"#, "passed"), (#"{"name": "a", "prefix": "B"}"#, "failed"),
        (#"{"name": "a", "unanswered": {"class": "E", "message": "m"}}"#, "failed"),
        (#"{"name": "\ud800"}"#, "delegated"), ("no JSON", "failed"), ("[]", "failed"),
        (#"{"strange": 1}"#, "failed"),
    ])
    func `an answer of the reference becomes an outcome`(text: String, expected: String) throws {
        let question = PythonDict([("name", .string("a"))])
        let outcome =
            switch ReferenceAnswer(question: question, text: text).outcome {
            case .passed: "passed"
            case .failed(let difference):
                difference.question.isEmpty && text.hasPrefix("{\"name") ? "no question" : "failed"
            case .delegated: "delegated"
            }
        #expect(outcome == expected)
    }
}
