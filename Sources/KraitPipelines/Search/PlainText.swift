/// Reads plain text, reStructuredText and Markdown into sections: headings and paragraphs only.
///
/// A heading is a line behind `#` signs, or a paragraph of one line that is underlined by a row of
/// one punctuation mark. Inline markup stays as it is: neither terms nor readers mind it.
enum PlainText {
    static func sections(of text: some StringProtocol) -> [Document.Section] {
        var reader = Reader()
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .forEach { reader.read(line: Substring($0)) }
        reader.finishSection()
        return reader.sections
    }

    private struct Reader {
        var sections: [Document.Section] = []
        var section = Document.Section(heading: "", paragraphs: [])
        /// The lines of the paragraph that is being read.
        var lines: [String] = []

        mutating func read(line: Substring) {
            let text = line.trimmed
            if text.isEmpty || text.hasPrefix(".. _") || text.hasPrefix("```") {
                finishParagraph()
            } else if let heading = text.markdownHeading {
                finishSection(next: heading)
            } else if let rule = text.ruleLength {
                // Over a heading, or across a page: nothing to keep.
                guard lines.count == 1, let heading = lines.first, rule >= 3 else {
                    return finishParagraph()
                }
                lines = []
                finishSection(next: heading)
            } else {
                lines.append(text)
            }
        }

        mutating func finishParagraph() {
            if !lines.isEmpty { section.paragraphs.append(lines.joined(separator: " ")) }
            lines = []
        }

        mutating func finishSection(next heading: String = "") {
            finishParagraph()
            if !section.paragraphs.isEmpty || !section.heading.isEmpty { sections.append(section) }
            section = Document.Section(heading: heading, paragraphs: [])
        }
    }
}

extension String {
    var words: [Substring] { self[...].words }
    var trimmed: String { self[...].trimmed }
}

extension Substring {
    /// The words between white space, by bytes: of Unicode's spaces only those of ASCII part words.
    var words: [Substring] {
        utf8.split { $0 == 0x20 || (0x09...0x0D).contains($0) }.map(Substring.init)
    }

    /// The text without white space around it, each white space within it one blank.
    var trimmed: String { words.joined(separator: " ") }
}

extension String {
    /// The heading of a line such as `## Heading ##`.
    fileprivate var markdownHeading: String? {
        let marks = prefix { $0 == "#" }
        guard (1...6).contains(marks.count), dropFirst(marks.count).first == " " else { return nil }
        var heading = dropFirst(marks.count).trimmed
        while heading.hasSuffix("#") { heading.removeLast() }
        return heading.trimmed
    }

    /// The length of a row of one punctuation mark, or nil where the line is something else.
    fileprivate var ruleLength: Int? {
        guard let mark = utf8.first, "=-~^\"'*+#.:_".utf8.contains(mark), count >= 3 else {
            return nil
        }
        return utf8.allSatisfy { $0 == mark } ? count : nil
    }
}
