/// Reads an HTML page into sections: its title, headings and the text of its blocks.
///
/// Tolerant, as browsers are: a tag it does not know is passed by, one that never ends changes
/// nothing. What is not the page's own text is left out: scripts, styles, forms, navigation (by tag
/// or by `role`), and blocks of which two thirds or more are links, such as tables of contents. One
/// walk over the bytes.
struct HTMLText {
    private var tags: HTMLTags
    private var title = ""
    private var sections: [Document.Section] = []
    private var section = Document.Section(heading: "", paragraphs: [])
    private var block = Block()
    /// Whether the block is a heading; block tags within it do not end it.
    private var isHeading = false
    private var preformatted = 0
    private var links = 0

    /// The text of a block, as far as it has been read.
    private struct Block {
        var text: [UInt8] = []
        /// How many of its bytes are the text of links.
        var linked = 0
    }

    /// The page's title, empty where it has none, and its sections.
    static func read(_ bytes: [UInt8]) -> (title: String, sections: [Document.Section]) {
        var reader = HTMLText(tags: HTMLTags(bytes: bytes))
        while let token = reader.tags.next() { reader.read(token) }
        reader.finishHeading()
        reader.finishSection(next: "")
        return (reader.title, reader.sections)
    }

    private init(tags: HTMLTags) { self.tags = tags }

    private mutating func read(_ token: HTMLTags.Token) {
        switch token {
        case .text(let range): read(text: range)
        case .open(let tag): open(tag)
        case .close(let name): close(name)
        }
    }

    private mutating func open(_ tag: HTMLTags.Tag) {
        switch tag.name {
        case "title":
            guard title.isEmpty, let text = tags.rawText(until: "title") else { return }
            title = decoded(text).trimmed
        case "script", "style":
            _ = tags.rawText(until: tag.name)
        case _ where Self.isForeign(tag):
            tags.skip(past: tag.name)
        case "h1", "h2", "h3", "h4", "h5", "h6":
            finishHeading()
            finishBlock()
            isHeading = true
        case "a": links += 1
        case "pre":
            finishBlock()
            preformatted += 1
        case "br": append(UInt8(ascii: preformatted > 0 ? "\n" : " "))
        case "td", "th", "dt": append(UInt8(ascii: " "))
        case _ where Self.blocks.contains(tag.name):
            // Not a heading's content: its end tag was forgotten.
            if tag.name != "div" { finishHeading() }
            finishBlock()
        default: break
        }
    }

    private mutating func close(_ name: String) {
        switch name {
        case "h1", "h2", "h3", "h4", "h5", "h6":
            finishHeading()
        case "a": links = max(0, links - 1)
        case "pre":
            finishBlock()
            preformatted = max(0, preformatted - 1)
        case _ where Self.blocks.contains(name): finishBlock()
        default: break
        }
    }

    private mutating func read(text range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = tags.bytes[index]
            index += 1
            guard byte == UInt8(ascii: "&") else {
                append(byte)
                continue
            }
            let end = min(range.upperBound, index + 12)
            let semicolon = tags.bytes[index..<end].firstIndex(of: UInt8(ascii: ";"))
            let name = semicolon.map { String(decoding: tags.bytes[index..<$0], as: UTF8.self) }
            guard let semicolon, let name, let text = Entities.text(of: name) else {
                append(byte)
                continue
            }
            text.utf8.forEach { append($0) }
            index = semicolon + 1
        }
    }

    private func decoded(_ range: Range<Int>) -> String {
        var reader = HTMLText(tags: HTMLTags(bytes: tags.bytes))
        reader.read(text: range)
        return String(decoding: reader.block.text, as: UTF8.self)
    }

    /// Adds a byte of text; outside of `pre` white space is one blank.
    private mutating func append(_ byte: UInt8) {
        let isSpace = byte == 0x20 || (0x09...0x0D).contains(byte)
        if isSpace, preformatted == 0 {
            guard let last = block.text.last, last != 0x20 else { return }
        }
        block.text.append(isSpace && preformatted == 0 ? 0x20 : byte)
        if links > 0 { block.linked += 1 }
    }

    private mutating func finishBlock() {
        guard !isHeading else { return }
        defer { block = Block() }
        guard block.linked * 3 < block.text.count * 2 else { return }
        let text = String(decoding: block.text, as: UTF8.self)
        let kept = preformatted > 0 ? text.withoutBlankEnds : text.trimmed
        if !kept.isEmpty { section.paragraphs.append(kept) }
    }

    private mutating func finishHeading() {
        guard isHeading else { return }
        let text = String(decoding: block.text, as: UTF8.self).replacing("¶", with: "")
        block = Block()
        finishSection(next: text.trimmed)
    }

    private mutating func finishSection(next heading: String) {
        isHeading = false
        finishBlock()
        if !section.paragraphs.isEmpty || !section.heading.isEmpty { sections.append(section) }
        section = Document.Section(heading: heading, paragraphs: [])
    }

    private static func isForeign(_ tag: HTMLTags.Tag) -> Bool {
        foreign.contains(tag.name) || tag.role.map(foreignRoles.contains) == true
    }

    private static let foreign: Set<String> = [
        "nav", "aside", "footer", "form", "button", "select", "template", "noscript", "svg", "math",
        "iframe", "object",
    ]
    private static let foreignRoles: Set<String> = [
        "navigation", "search", "banner", "contentinfo", "complementary",
    ]
    private static let blocks: Set<String> = [
        "p", "div", "section", "article", "main", "header", "body", "ul", "ol", "li", "dl", "dd",
        "table", "tr", "caption", "figure", "figcaption", "blockquote", "address", "details", "hr",
        "summary", "fieldset",
    ]
}

extension String {
    /// The text without the blank lines before and after it.
    fileprivate var withoutBlankEnds: String {
        var lines = split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
        while let first = lines.first, first.allSatisfy(\.isWhitespace) { lines.removeFirst() }
        while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
