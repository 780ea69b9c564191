/// Cuts a template's text into tokens, with Jinja's rules for white space around tags.
struct TemplateLexer {
    let source: [UInt8]
    private let options: TemplateOptions
    private var index = 0
    private var tokens: [TemplateToken] = []
    /// Whether what was read last ended a line, or nothing was read yet.
    private var isAtLineStart = true
    /// The place of `placedIndex`, moved forward as tokens need theirs.
    private var place = TemplatePosition()
    private var placedIndex = 0
    private var brackets: [UInt8] = []

    init(_ text: String, options: TemplateOptions) throws(TemplateError) {
        guard text.utf8.count <= options.limits.templateBytes else {
            let reason = "the template is longer than \(options.limits.templateBytes) bytes"
            throw TemplateError(.limit, reason, at: TemplatePosition())
        }
        var bytes = Self.normalised(text)
        if !options.keepsTrailingNewline, bytes.last == .newline { bytes.removeLast() }
        source = bytes
        self.options = options
    }

    /// The text with each kind of line break as `\n`.
    static func normalised(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte != .newline || previous != .carriageReturn {
                bytes.append(byte == .carriageReturn ? .newline : byte)
            }
            previous = byte
        }
        return bytes
    }

    mutating func tokenize() throws(TemplateError) -> [TemplateToken] {
        while index < source.count { try root() }
        add(.end, "", at: source.count)
        return tokens
    }

    // MARK: Text and the beginnings of tags

    private mutating func root() throws(TemplateError) {
        let start = index
        guard let begin = nextTag(from: start) else {
            add(.data, String(decoding: source[start...], as: UTF8.self), at: start)
            index = source.count
            return
        }
        let letter = source[begin + 1]
        let sign = byte(begin + 2)
        let isSigned = sign == .minus || sign == .plus
        if letter == .percent, let content = rawBegin(begin) {
            addText(start..<begin, sign: isSigned ? sign : 0, isVariable: false)
            return try raw(from: content, begin: begin)
        }
        addText(start..<begin, sign: isSigned ? sign : 0, isVariable: letter == .openBrace)
        index = begin + (isSigned ? 3 : 2)
        isAtLineStart = false
        switch letter {
        case .hash: try comment(begin)
        case .openBrace:
            add(.variableBegin, "", at: begin)
            try tag(.variableEnd, begin: begin)
        default:
            add(.blockBegin, "", at: begin)
            try tag(.blockEnd, begin: begin)
        }
    }

    private func nextTag(from start: Int) -> Int? {
        var index = start
        while index + 1 < source.count {
            if source[index] == .openBrace {
                let next = source[index + 1]
                if next == .openBrace || next == .percent || next == .hash { return index }
            }
            index += 1
        }
        return nil
    }

    /// Adds text before a tag, stripped as the tag's sign and the options ask.
    private mutating func addText(_ range: Range<Int>, sign: UInt8, isVariable: Bool) {
        var end = range.upperBound
        if sign == .minus {
            end = TemplateSpace.endWithoutSpace(source, range)
        } else if sign != .plus, options.stripsBlocks, !isVariable {
            let lineStart =
                source[range].lastIndex(of: .newline).map { $0 + 1 } ?? range.lowerBound
            if lineStart > range.lowerBound || isAtLineStart,
                TemplateSpace.endWithoutSpace(source, lineStart..<end) == lineStart
            {
                end = lineStart
            }
        }
        guard end > range.lowerBound else { return }
        let text = String(decoding: source[range.lowerBound..<end], as: UTF8.self)
        add(.data, text, at: range.lowerBound)
    }

    private mutating func comment(_ begin: Int) throws(TemplateError) {
        var end = index
        while end + 1 < source.count, source[end] != .hash || source[end + 1] != .closeBrace {
            end += 1
        }
        guard end + 1 < source.count else {
            throw failure("this comment has no end; #} is missing", at: begin)
        }
        let sign = end > index ? source[end - 1] : 0
        finishTag(at: end + 2, sign: sign, trims: true)
    }

    /// Moves behind a tag's end and the white space that goes with it.
    private mutating func finishTag(at end: Int, sign: UInt8, trims: Bool) {
        index = end
        isAtLineStart = false
        if sign == .minus {
            while let length = TemplateSpace.length(source, index) {
                isAtLineStart = source[index] == .newline
                index += length
            }
        } else if sign != .plus, trims, options.trimsBlocks, byte(index) == .newline {
            index += 1
            isAtLineStart = true
        }
    }

    // MARK: Raw text

    /// Where the content of a raw block begins, if the tag at `begin` opens one.
    private func rawBegin(_ begin: Int) -> Int? {
        var at = begin + 2
        if byte(at) == .minus || byte(at) == .plus { at += 1 }
        at = skippingSpace(at)
        guard matches("raw", at) else { return nil }
        at = skippingSpace(at + 3)
        if matches("-%}", at) { return skippingSpace(at + 3) }
        return matches("%}", at) ? at + 2 : nil
    }

    private mutating func raw(from content: Int, begin: Int) throws(TemplateError) {
        isAtLineStart = content > begin && source[content - 1] == .newline
        var at = content
        while at < source.count {
            if matches("{%", at) {
                var word = at + 2
                var sign: UInt8 = 0
                if byte(word) == .minus || byte(word) == .plus {
                    sign = source[word]
                    word += 1
                }
                word = skippingSpace(word)
                if matches("endraw", word) {
                    let end = skippingSpace(word + 6)
                    let endSign = byte(end) == .minus || byte(end) == .plus ? source[end] : 0
                    let close = endSign == 0 ? end : end + 1
                    if matches("%}", close) {
                        addText(content..<at, sign: sign, isVariable: false)
                        return finishTag(at: close + 2, sign: endSign, trims: true)
                    }
                }
            }
            at += 1
        }
        throw failure("this raw block has no end; {% endraw %} is missing", at: begin)
    }

    // MARK: Inside tags

    private mutating func tag(
        _ end: TemplateToken.Kind,
        begin: Int
    ) throws(TemplateError) {
        brackets.removeAll()
        let closer: StaticString = end == .variableEnd ? "}}" : "%}"
        while index < source.count {
            if brackets.isEmpty {
                let sign = source[index]
                if matches(closer, index) {
                    add(end, "", at: index)
                    return finishTag(at: index + 2, sign: 0, trims: end == .blockEnd)
                }
                let isSign = sign == .minus || sign == .plus && end == .blockEnd
                if isSign, matches(closer, index + 1) {
                    add(end, "", at: index)
                    return finishTag(at: index + 3, sign: sign, trims: end == .blockEnd)
                }
            }
            try inner()
        }
        throw failure("this tag has no end; \(closer) is missing", at: begin)
    }

    private mutating func inner() throws(TemplateError) {
        if let length = TemplateSpace.length(source, index) {
            index += length
        } else if TemplateScanner.isDigit(source[index]) {
            try number()
        } else if let end = TemplateScanner.nameEnd(source, index) {
            add(.name, String(decoding: source[index..<end], as: UTF8.self), at: index)
            index = end
        } else if source[index] == .quote || source[index] == .doubleQuote {
            try string()
        } else {
            try symbol()
        }
    }

    private mutating func number() throws(TemplateError) {
        let isAfterDot = index > 0 && source[index - 1] == .dot
        if !isAfterDot, let end = TemplateScanner.floatEnd(source, index) {
            let digits = source[index..<end].filter { $0 != .underscore }
            add(.float, String(decoding: digits, as: UTF8.self), at: index)
            index = end
        } else {
            let end = TemplateScanner.integerEnd(source, index)
            let digits = source[index..<end].filter { $0 != .underscore }
            add(.integer, String(decoding: digits, as: UTF8.self), at: index)
            index = end
        }
    }

    private mutating func string() throws(TemplateError) {
        let quote = source[index]
        var end = index + 1
        while end < source.count, source[end] != quote {
            end += source[end] == .backslash ? 2 : 1
        }
        guard end < source.count else {
            throw failure("this string has no end; its closing quote is missing", at: index)
        }
        do throws(TemplateError) {
            add(.string, try TemplateScanner.unescape(source[index + 1..<end]), at: index)
        } catch {
            throw failure(error.reason, at: index, kind: error.kind)
        }
        index = end + 1
    }

    private mutating func symbol() throws(TemplateError) {
        let length = TemplateScanner.symbolLength(source, index)
        guard length > 0 else {
            let rest = String(decoding: source[index..<min(index + 4, source.count)], as: UTF8.self)
            let character = rest.unicodeScalars.first.map { String($0) } ?? ""
            throw failure("\(character) is not understood here", at: index)
        }
        let first = source[index]
        switch first {
        case .openBrace: brackets.append(.closeBrace)
        case .openParenthesis: brackets.append(.closeParenthesis)
        case .openBracket: brackets.append(.closeBracket)
        case .closeBrace, .closeParenthesis, .closeBracket:
            let found = Character(Unicode.Scalar(first))
            guard let expected = brackets.popLast() else {
                throw failure("\(found) closes nothing", at: index)
            }
            guard expected == first else {
                let wanted = Character(Unicode.Scalar(expected))
                throw failure("\(found) is there where \(wanted) is wanted", at: index)
            }
        default: break
        }
        add(.symbol, String(decoding: source[index..<index + length], as: UTF8.self), at: index)
        index += length
    }

    // MARK: Places

    private mutating func add(_ kind: TemplateToken.Kind, _ text: String, at offset: Int) {
        tokens.append(TemplateToken(kind: kind, text: text, position: position(of: offset)))
    }

    /// The place of an offset; offsets come in order, so that all of them together cost O(n).
    private mutating func position(of offset: Int) -> TemplatePosition {
        if offset < placedIndex { (place, placedIndex) = (TemplatePosition(), 0) }
        while placedIndex < offset {
            let byte = source[placedIndex]
            if byte == .newline {
                place = TemplatePosition(line: place.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                place.column += 1
            }
            placedIndex += 1
        }
        return place
    }

    private mutating func failure(
        _ reason: String,
        at offset: Int,
        kind: TemplateError.Kind = .syntax
    ) -> TemplateError {
        TemplateError(kind, reason, at: position(of: offset))
    }

    private func byte(_ index: Int) -> UInt8 { index < source.count ? source[index] : 0 }

    private func skippingSpace(_ start: Int) -> Int {
        var index = start
        while let length = TemplateSpace.length(source, index) { index += length }
        return index
    }

    private func matches(_ text: StaticString, _ start: Int) -> Bool {
        guard start + text.utf8CodeUnitCount <= source.count else { return false }
        return text.withUTF8Buffer { text in
            for offset in text.indices where source[start + offset] != text[offset] { return false }
            return true
        }
    }
}
