import Foundation
import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

/// Times for reports, not for passing: `KRAIT_MEASURE=1 swift test -c release --filter
/// KraitPromptsTests.Measurement`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["KRAIT_MEASURE"] != nil), .serialized)
struct MeasurementTests {
    private func time(_ name: String, _ count: Int = 20_000, _ work: () throws -> Void) throws {
        for _ in 0..<count / 10 { try work() }
        var best = Duration.seconds(1_000)
        for _ in 0..<5 {
            let taken = try ContinuousClock().measure { for _ in 0..<count { try work() } }
            best = min(best, taken / count)
        }
        print("measured", name, best)
    }

    private static let text = "question, context: list[str] -> answer, confidence: float"

    @Test func `formats`() throws {
        let schema = try Schema(parsing: Self.text)
        let demo: ValueMap = [
            "question": "What is the capital of France?",
            "context": ["Paris is the capital.", "It lies on the Seine."],
            "answer": "Paris", "confidence": 0.9,
        ]
        let inputs: ValueMap = [
            "question": "What is the capital of Germany?",
            "context": ["Berlin is the capital.", "It lies on the Spree."],
        ]
        for kind in AdapterKind.allCases {
            let adapter = PromptAdapter(kind)
            try time("\(kind.rawValue).format with a demo") {
                _ = try adapter.format(schema, demos: [demo], inputs: inputs)
            }
            try time("\(kind.rawValue).format") { _ = try adapter.format(schema, inputs: inputs) }
        }
    }

    @Test(arguments: [
        (
            AdapterKind.chat,
            "[[ ## answer ## ]]\nBerlin\n\n[[ ## confidence ## ]]\n0.95\n\n[[ ## completed ## ]]\n"
        ), (.json, #"{"answer": "Berlin", "confidence": 0.95}"#),
        (.xml, "<answer>\nBerlin\n</answer>\n\n<confidence>\n0.95\n</confidence>"),
    ])
    func `parses`(kind: AdapterKind, completion: String) throws {
        let schema = try Schema(parsing: Self.text)
        let adapter = PromptAdapter(kind)
        try time("\(kind.rawValue).parse") { _ = try adapter.parse(schema, completion) }
    }
}
