import KraitPipelines
import KraitRouting
import KraitSignatures
import KraitWire
import Testing

private struct Answer: Signature {
    static let instructions = "Answer from the passages."
    struct Input: Codable, Sendable {
        var question: String
        var passages: [String]
    }
    struct Output: Codable, Sendable { var answer: String }
}

/// What the template prints.
private struct Page: Codable, Sendable {
    var question: String
    var passages: [Passage]
    var answer: String
    var reasoning: String
}

/// A backend that answers with the first passage's first word.
private struct FirstWord: Backend {
    func call(_ call: Call) async throws(CallError) -> Reply {
        let passages = call.arguments["inputs"]?["passages"]?.list ?? []
        let word = passages.first?.string?.split(separator: " ").first.map(String.init)
        return Reply(
            ["outputs": ["answer": .string(word ?? "nothing"), "reasoning": "It stands there."]],
            from: .pool("general", worker: "general/1.1", codec: .messagePack)
        )
    }
}

/// The pipeline of `krait demo`: native search, a chain of thought on a pool, a native template.
@Suite(.timeLimit(.minutes(1)))
struct QuestionTests {
    private static let index = TextIndex([
        Document(name: "sea.md", text: "# Whales\n\nWhales sing.\n\n# Sharks\n\nSharks do not."),
        Document(name: "land.md", text: "# Cats\n\nCats purr."),
    ])

    private static let ask = Pipeline("ask") {
        Both(Pass(), Search(index, top: 2))
        Both(
            Pass(),
            Pipeline("answer") {
                Transform { (question: String, passages: [Passage]) in
                    Answer.Input(question: question, passages: passages.map(\.text))
                }
                ChainOfThought(Answer.self, on: "general").withReasoning
            }
        )
        Transform { (found: (String, [Passage]), answer: Reasoned<Answer.Output>) in
            Page(
                question: found.0,
                passages: found.1,
                answer: answer.output.answer,
                reasoning: answer.reasoning
            )
        }
        Template(
            """
            {{ question }} {{ answer }} ({{ reasoning }})
            {%- for passage in passages %}
            [{{ loop.index }}] {{ passage.document }}, {{ passage.section }}: {{ passage.text }}
            {%- endfor %}
            """,
            of: Page.self
        )
    }

    private static func router() throws -> Router {
        let pool = Registry.Pool("general", operations: ["chain_of_thought"], backend: FirstWord())
        return Router(registry: try Registry(pools: [pool]))
    }

    @Test func `a question is answered from the passages that were found`() async throws {
        let router = try Self.router()
        try Self.ask.validate(through: router)
        let trace = Trace()
        let text = try await Self.ask.run("Who barks?", through: router, trace: trace)
        #expect(text == "Who barks? nothing (It stands there.)")
        let found = try await Self.ask.run("What do whales do?", through: router, trace: trace)
        #expect(
            found == """
                What do whales do? Whales (It stands there.)
                [1] sea.md, Whales: Whales sing.
                """
        )
        let routes = await trace.steps.suffix(9).map { "\($0.label): \($0.route)" }
        #expect(routes.contains("2 ChainOfThought(Answer): pool general"))
        #expect(routes.contains("second Search: native"))
        #expect(routes.contains("4 Template: native"))
    }
}
