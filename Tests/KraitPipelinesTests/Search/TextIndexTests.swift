import KraitPipelines
import Testing

struct TextIndexTests {
    static let small = TextIndex([
        Document(name: "a", text: "cat cat dog"),
        Document(name: "b", text: "dog bird"),
        Document(name: "c", text: "fish"),
    ])

    /// N = 3, mean length 2; idf(cat) = ln(1 + 2.5/1.5), idf(dog) = ln(1 + 1.5/2.5); the norms are
    /// 1.2 · (0.25 + 0.75 · 3/2) = 1.65 for the first and 1.2 for the second.
    @Test func `scores are those of the formula, worked out by hand`() throws {
        let found = Self.small.search("cat dog", top: 5)
        #expect(found.map(\.document) == ["a", "b"])
        #expect(abs(found[0].score - 0.714_800_546_7) < 1e-9)
        #expect(abs(found[1].score - 0.213_638_013_3) < 1e-9)
    }

    @Test func `a term asked for twice counts once`() {
        let once = Self.small.search("dog cat", top: 5)
        #expect(Self.small.search("cats, DOG and the dog's cat?", top: 5) == once)
    }

    @Test func `top is a limit, and nothing in common finds nothing`() {
        #expect(Self.small.search("dog", top: 1).map(\.document) == ["b"])
        #expect(Self.small.search("dog", top: 0).isEmpty)
        #expect(Self.small.search("dog", top: -1).isEmpty)
        #expect(Self.small.search("horse", top: 5).isEmpty)
        #expect(Self.small.search("the", top: 5).isEmpty)
        #expect(Self.small.search("", top: 5).isEmpty)
        #expect(TextIndex([]).search("dog", top: 5).isEmpty)
    }

    @Test func `equal scores stand in the order of the documents`() {
        let documents = (0..<50).map { Document(name: "d\($0)", text: "same words \($0)") }
        let found = TextIndex(documents).search("same words", top: 50)
        #expect(found.map(\.document) == documents.map(\.name))
        #expect(Set(found.map(\.score)).count == 1)
    }

    @Test func `a passage knows its document, title and section`() throws {
        let text = """
            The manual
            ==========

            Before any section.

            Second part
            -----------

            About whales.
            """
        let index = TextIndex([Document(name: "sea/manual.rst", text: text)])
        let whale = try #require(index.search("whale", top: 1).first)
        #expect(whale.document == "sea/manual.rst")
        #expect(whale.title == "The manual")
        #expect(whale.section == "Second part")
        #expect(whale.text == "About whales.")
        #expect(index.search("second", top: 5).map(\.text) == ["About whales."])
        #expect(index.documentCount == 1)
        #expect(index.passageCount == 2)
    }

    @Test func `a text that stands twice is found once and counted`() {
        let index = TextIndex([
            Document(name: "a", text: "one two\n\nthree"),
            Document(name: "b", text: "one two\n\nthree"),
        ])
        #expect(index.duplicateCount == 1)
        #expect(index.search("two", top: 5).map(\.document) == ["a"])
    }

    @Test func `short paragraphs of a section make one passage`() {
        let index = TextIndex([Document(name: "a", text: "one\n\ntwo\n\nthree")])
        #expect(index.search("two", top: 5).map(\.text) == ["one\ntwo\nthree"])
    }

    @Test func `paragraphs are put together up to about 120 words`() {
        let paragraph = Array(repeating: "word", count: 50).joined(separator: " ")
        let text = (0..<7).map { "\(paragraph) n\($0)" }.joined(separator: "\n\n")
        let found = TextIndex([Document(name: "a", text: text)]).search("word", top: 9)
        // 3 × 51 words reach 120; the seventh paragraph alone is too long to join the six before.
        #expect(found.map { $0.text.split(separator: " ").count }.sorted() == [51, 151, 151])
    }

    @Test func `a short last piece joins the passage before it`() {
        let paragraph = Array(repeating: "word", count: 130).joined(separator: " ")
        let index = TextIndex([Document(name: "a", text: "\(paragraph)\n\nshort end")])
        #expect(index.passageCount == 1)
    }

    @Test func `a long paragraph is cut into pieces that overlap`() throws {
        let words = (0..<400).map { "w\($0)" }
        let index = TextIndex([Document(name: "a", text: words.joined(separator: " "))])
        let found = index.search(words.joined(separator: " "), top: 9)
        let pieces: [[String]] = found.map { passage in
            passage.text.split(separator: " ").map { String($0) }
        }
        .sorted { left, right in
            let first = words.firstIndex(of: left[0]) ?? 0
            let second = words.firstIndex(of: right[0]) ?? 0
            return first < second
        }
        #expect(pieces.allSatisfy { $0.count <= 180 })
        #expect(Set(pieces.joined()) == Set(words))
        for (piece, next) in zip(pieces, pieces.dropFirst()) {
            #expect(Array(piece.suffix(24)) == Array(next.prefix(24)))
        }
    }
}

struct PlainTextTests {
    static let rows: [(String, [String])] = [
        ("# One\ntext a", ["One"]),
        ("## One ##\ntext a", ["One"]),
        ("#nothing\ntext a", ["doc"]),
        ("One\n===\ntext a", ["One"]),
        ("===\nOne\n===\n\ntext a", ["One"]),
        ("One\n~~~~~\n\nbody b\n\nTwo\n.....\ntext a", ["One", "Two"]),
        ("two\nlines\n-----\n\ntext a", ["doc"]),
        (".. _target:\n\nOne\n---\n\ntext a", ["One"]),
        ("One\n--\ntext a", ["doc"]),
        ("----\n\ntext a", ["doc"]),
    ]

    @Test(arguments: rows) func `headings are found`(_ text: String, _ sections: [String]) {
        let index = TextIndex([Document(name: "doc", text: text)])
        let found = index.search("text body", top: 9).map(\.section)
        #expect(Set(found) == Set(sections))
    }

    @Test func `white space within a paragraph is one blank`() {
        let index = TextIndex([Document(name: "doc", text: "  a\tbig \r\n   cat\n \n other")])
        #expect(index.search("cat", top: 1).map(\.text) == ["a big cat\nother"])
    }
}
