import KraitControl
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand

@Suite(.timeLimit(.minutes(1))) struct LMCommandTests {
    @Test func `calls of language models are lines, or sums`() async throws {
        let call: Value = [
            "at": .timestamp(Timestamp(seconds: 86_400 + 3_661)), "model": "openai/m",
            "operation": "predict", "step": nil, "pool": "general", "prompt_tokens": 1_200,
            "completion_tokens": 34, "cost_usd": 0.01234, "time_s": 1.256, "cached": false,
            "failure": nil,
        ]
        let failed: Value = [
            "at": .timestamp(Timestamp(seconds: 0)), "model": "m", "step": "a/1 Predict",
            "cost_usd": nil, "time_s": 0.0, "failure": "auth",
        ]
        #expect(
            LMCommand.calls(["calls": [call, failed]]) == """
                AT        WHO          WHERE    MODEL       IN  OUT     COST   TIME  HOW
                01:01:01  predict      general  openai/m  1200   34  $0.0123  1.26s
                00:00:00  a/1 Predict  native   m            -    -        -  0.00s  auth

                """
        )
        let sums: Value = [
            "by": "model",
            "sums": ["a": ["calls": 2, "cost_usd": 0.5], "b": ["calls": 1, "cost_usd": 2.0]],
        ]
        let lines = LMCommand.sums(sums).split(separator: "\n")
        #expect(lines.map { $0.prefix(5) } == ["MODEL", "b    ", "a    "])
        #expect(LMCommand.calls([:]) + LMCommand.sums([:]) == "no calls\nno calls\n")
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let arguments = ["lm", "--by", "step", "--last", "7", "--json"]
                let found = await krait(arguments, base: base)
                #expect(found.code == .ok)
                let value = try Value(json: found.output)
                #expect(value == ["by": "step", "last": 7])
                let wrong = await krait(["lm", "--by", "colour"], base: base)
                #expect(wrong.code == .usage)
            }
        }
    }
}
