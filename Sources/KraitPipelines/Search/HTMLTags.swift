/// Cuts the bytes of an HTML page into tags and the text between them.
struct HTMLTags {
    enum Token {
        case text(Range<Int>)
        case open(Tag)
        case close(String)
    }

    struct Tag {
        /// In lower case.
        var name: String
        var role: String?
    }

    let bytes: [UInt8]
    private var position = 0
    /// The tags whose end was sought once and is not there: not to be sought again.
    private var endless: Set<String> = []

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The next tag or text, or nil at the end; comments, declarations and broken tags are passed
    /// by.
    mutating func next() -> Token? {
        while position < bytes.count {
            if bytes[position] != UInt8(ascii: "<") { return .text(textRange(from: position)) }
            let start = position
            if starts("<!--", at: start) {
                position = index(of: "-->", from: start + 4).map { $0 + 3 } ?? bytes.count
                continue
            }
            let second = start + 1 < bytes.count ? bytes[start + 1] : 0
            if second == UInt8(ascii: "!") || second == UInt8(ascii: "?") {
                position = end(ofTagAt: start) ?? bytes.count
                continue
            }
            guard second.isLetter || second == UInt8(ascii: "/"), let end = end(ofTagAt: start)
            else {
                // A lone < is text, as in "a < b".
                return .text(textRange(from: start))
            }
            position = end
            let isClosing = second == UInt8(ascii: "/")
            let name = name(at: isClosing ? start + 2 : start + 1)
            if name.isEmpty { continue }
            if isClosing { return .close(name) }
            let nameEnd = start + 1 + name.utf8.count
            return .open(Tag(name: name, role: role(in: nameEnd..<end - 1)))
        }
        return nil
    }

    /// Passes by everything up to the end tag of this name, and gives it; nil where there is no end
    /// tag.
    mutating func rawText(until name: String) -> Range<Int>? {
        guard !endless.contains(name) else { return nil }
        let start = position
        var search = start
        while let close = index(of: "</", from: search) {
            if self.name(at: close + 2) == name {
                position = end(ofTagAt: close) ?? bytes.count
                return start..<close
            }
            search = close + 2
        }
        endless.insert(name)
        return nil
    }

    /// Passes by an element whose start tag was read last, elements of the same name within it
    /// included.
    ///
    /// An element that never ends is not skipped: a forgotten end tag must not lose the page.
    mutating func skip(past name: String) {
        guard !endless.contains(name) else { return }
        let start = position
        var depth = 1
        while depth > 0 {
            switch next() {
            case .open(let tag) where tag.name == name: depth += 1
            case .open(let tag) where tag.name == "script" || tag.name == "style":
                _ = rawText(until: tag.name)
            case .close(name): depth -= 1
            case nil:
                endless.insert(name)
                position = start
                return
            default: break
            }
        }
    }

    private mutating func textRange(from start: Int) -> Range<Int> {
        let rest = bytes[(start + 1)...]
        position = rest.firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        return start..<position
    }

    /// The index behind the `>` of a tag of at most 64 KiB, where a `>` in quotes does not count.
    private func end(ofTagAt start: Int) -> Int? {
        var quote: UInt8?
        for index in start..<min(bytes.count, start + 65_536) {
            let byte = bytes[index]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: ">") {
                return index + 1
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                if index > start, bytes[index - 1] == UInt8(ascii: "=") { quote = byte }
            }
        }
        return nil
    }

    private func name(at start: Int) -> String {
        guard start < bytes.count else { return "" }
        let name = bytes[start...].prefix(32).prefix { $0.isLetter || $0.isDigit }
        return String(decoding: name.map { $0 | 0x20 }, as: UTF8.self)
    }

    private func role(in range: Range<Int>) -> String? {
        guard let start = index(of: " role=", from: range.lowerBound, to: range.upperBound) else {
            return nil
        }
        let value = bytes[start + 6..<range.upperBound].drop { !$0.isLetter }.prefix(32)
        return String(decoding: value.prefix { $0.isLetter }.map { $0 | 0x20 }, as: UTF8.self)
    }

    private func starts(_ text: StaticString, at start: Int) -> Bool {
        text.withUTF8Buffer { text in
            start + text.count <= bytes.count
                && bytes[start..<start + text.count].elementsEqual(text)
        }
    }

    private func index(of text: StaticString, from start: Int, to end: Int? = nil) -> Int? {
        var index = start
        while index < end ?? bytes.count {
            if starts(text, at: index) { return index }
            index += 1
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}
