import KraitPipelines
import KraitWire
import Testing

private struct Answer: Codable, Sendable {
    var question: String
    var passages: [Passage] = []
    var note: String?
    var score = 0.5
}

private struct Unwritable: Encodable, Sendable {
    struct Refusal: Error {}
    func encode(to encoder: any Encoder) throws { throw Refusal() }
}

@Suite(.timeLimit(.minutes(1)))
struct TemplateStepTests {
    private static let passage = Passage(
        document: "a.txt",
        title: "A",
        section: "One",
        text: "the text",
        score: 1
    )

    @Test func `a struct's properties are filled in`() async throws {
        let text = """
            {{ question }} ({{ score }})
            {% for passage in passages -%}
            [{{ loop.index }}] {{ passage.section }}: {{ passage.text }}
            {%- endfor %}
            {%- if note %} Note: {{ note }}{% endif %}
            """
        let pipeline = Pipeline("print") { Template(text, of: Answer.self) }
        try pipeline.validate(through: Script.silent)
        let answer = Answer(question: "Why?", passages: [Self.passage])
        #expect(
            try await pipeline.run(answer, through: Script.silent)
                == "Why? (0.5)\n[1] One: the text"
        )
    }

    @Test func `a map's entries are filled in`() async throws {
        let pipeline = Pipeline("print") { Template("{{ a }} and {{ b.c }}") }
        let values: ValueMap = ["a": "x", "b": ["c": 1]]
        #expect(try await pipeline.run(values, through: Script.silent) == "x and 1")
    }

    @Test func `a template that does not parse is found by validating and by running`()
        async throws
    {
        let pipeline = Pipeline("print") { Template("a\n{{ b", of: Answer.self) }
        let error = #expect(throws: CallError.self) {
            try pipeline.validate(through: Script.silent)
        }
        let mistake = try #require(error)
        #expect(mistake.code == .invalidInput)
        #expect(mistake.path == ["print", "1 Template"])
        #expect(mistake.message.contains("line 2, column 1: this tag has no end"))
        await #expect(throws: mistake) {
            try await pipeline.run(Answer(question: "q"), through: Script.silent)
        }
    }

    @Test func `a name the input does not have is an error with its place`() async throws {
        let pipeline = Pipeline("print") { Template("{{ a }} {{ qestion }}") }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(["a": 1, "question": "secret"], through: Script.silent)
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.path == ["print", "1 Template"])
        #expect(error?.message.contains("line 1, column 9: there is no qestion") == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `an input without fields, or that cannot be encoded, is an error`() async throws {
        let plain = Pipeline("plain") { Template("{{ a }}", of: String.self) }
        let error = await #expect(throws: CallError.self) {
            try await plain.run("x", through: Script.silent)
        }
        #expect(error?.message == "A template takes a type with fields, not text.")
        let broken = Pipeline("broken") { Template("{{ a }}", of: Unwritable.self) }
        let refused = await #expect(throws: CallError.self) {
            try await broken.run(Unwritable(), through: Script.silent)
        }
        #expect(refused?.code == .faulted)
    }

    @Test func `search and template make a pipeline without any call`() async throws {
        struct Found: Codable, Sendable {
            var question: String
            var passages: [Passage]
        }
        let index = TextIndex([
            Document(name: "cats.md", text: "# Cats\n\nA cat sleeps."),
            Document(name: "dogs.md", text: "# Dogs\n\nA dog barks."),
        ])
        let pipeline = Pipeline("find") {
            Both(Pass(), Search(index, top: 1))
            Transform { (question: String, passages: [Passage]) in
                Found(question: question, passages: passages)
            }
            Template(
                "{{ question }}{% for p in passages %} {{ p.section }}: {{ p.text }}{% endfor %}",
                of: Found.self
            )
        }
        let text = try await pipeline.run("Which sleeps?", through: Script.silent)
        #expect(text == "Which sleeps? Cats: A cat sleeps.")
    }
}
