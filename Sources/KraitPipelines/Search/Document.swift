/// A text that an index is made of, as sections of paragraphs.
public struct Document: Sendable, Hashable {
    /// What a passage refers to it by: the file's path within its folder.
    public var name: String
    /// The document's own title, or its name where it has none.
    public var title: String
    package var sections: [Section]

    /// A part of a document under one heading.
    package struct Section: Sendable, Hashable {
        /// The heading, or nothing for what stands before the first one.
        package var heading: String
        package var paragraphs: [String]
    }

    /// A plain text, with headings as reStructuredText or Markdown have them.
    public init(name: String, text: some StringProtocol) {
        self.init(name: name, PlainText.sections(of: text), title: "")
    }

    init(name: String, _ sections: [Section], title: String) {
        self.name = name
        self.sections = sections.filter { !$0.paragraphs.isEmpty }
        let first = sections.first { !$0.heading.isEmpty }?.heading
        self.title = title.isEmpty ? first ?? name : title
    }
}

/// A piece of a document that answers a query.
public struct Passage: Sendable, Hashable, Codable {
    /// The document's name: the file's path within its folder.
    public var document: String
    /// The document's title.
    public var title: String
    /// The heading it stands under, or the document's title.
    public var section: String
    /// The passage itself, its paragraphs on lines of their own.
    public var text: String
    /// How well it answers, by BM25: to be compared within one search only.
    public var score: Double

    /// A passage as a search gives it.
    public init(
        document: String,
        title: String,
        section: String,
        text: String,
        score: Double
    ) {
        self.document = document
        self.title = title
        self.section = section
        self.text = text
        self.score = score
    }
}
