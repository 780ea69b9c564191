import Foundation
import KraitSignatures
import KraitTestSupport
import KraitWire
import Testing

/// A row of `signatures.jsonl`.
private struct SignatureRow: Decodable {
    var signature: String
}

/// Times for reports, not for passing: `KRAIT_MEASURE=1 swift test -c release --filter
/// Measurement`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["KRAIT_MEASURE"] != nil), .serialized)
struct MeasurementTests {
    func time(_ name: String, _ count: Int = 20_000, _ work: () throws -> Void) throws {
        for _ in 0..<count / 10 { try work() }
        var best = Duration.seconds(1_000)
        for _ in 0..<5 {
            let clock = ContinuousClock()
            let taken = try clock.measure { for _ in 0..<count { try work() } }
            best = min(best, taken / count)
        }
        print("measured", name, best)
    }

    @Test(arguments: [
        "question -> answer", "question, context: list[str] -> answer",
        "text: str -> entities: list[dict[str, str]], label: Literal['a', 'b'] | None",
        "nested: List[Union[str, int]] -> output: Tuple[int, Optional[float], List[str]]",
    ])
    func `parsing a signature`(text: String) throws {
        try time("parse \(text)") { _ = try Schema(parsing: text) }
    }

    @Test func `parsing the corpus`() throws {
        let texts = try RecordedAnswers.lines("signatures.jsonl").map {
            try JSONDecoder().decode(SignatureRow.self, from: $0).signature
        }
        guard !texts.isEmpty else { return }
        try time("parse \(texts.count) rows", 200) {
            for text in texts { _ = try? Schema(parsing: text) }
        }
    }

    @Test func `deriving a typed schema`() throws {
        try time("derive Triage", 5_000) { _ = try Schema(of: Triage.self) }
    }

    @Test func `validating inputs`() throws {
        let schema = try Schema(parsing: "question, context: list[str] -> answer")
        try time("validate") {
            try schema.validate(inputs: ["question": "?", "context": ["a", "b", "c"]])
        }
    }
}
