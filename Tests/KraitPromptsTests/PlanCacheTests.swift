import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

@Suite(.timeLimit(.minutes(1))) struct PlanCacheTests {
    @Test func `many signatures at once each get their own texts`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<300 {
                        let name = "f\((worker * 37 + round) % 400)"
                        let schema = try Schema(parsing: "q -> \(name)")
                        let messages = try PromptAdapter.chat.format(schema, inputs: ValueMap())
                        let text = try #require(messages.last?.text)
                        #expect(text.contains("`[[ ## \(name) ## ]]`"))
                        let fields = try PromptAdapter.chat.parse(schema, "[[ ## \(name) ## ]]\nx")
                        #expect(fields[name]?.string == "x")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a signature that differs in what it says is another one`() throws {
        var schema = try Schema(parsing: "q -> a")
        for description in ["one", "two", "e\u{301}", "\u{E9}"] {
            schema = try schema.updating("a") { $0.description = description }
            let text = try PromptAdapter.chat.format(schema, inputs: ValueMap())[0].text
            let line = "1. `a` (str): " + description
            #expect(
                text?.unicodeScalars.split(separator: "\n").contains {
                    $0.elementsEqual(line.unicodeScalars)
                } == true
            )
        }
    }
}
