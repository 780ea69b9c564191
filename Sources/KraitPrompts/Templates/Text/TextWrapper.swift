/// Breaks a line into shorter ones, as Python's `textwrap.wrap` does.
struct TextWrapper {
    let width: Int
    let breaksLongWords: Bool
    let breaksOnHyphens: Bool

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        (0x09...0x0D).contains(scalar.value) || scalar == " "
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        TextCase.isWord(scalar) && !TextCase.isDecimal(scalar)
    }

    /// What may stand before an em dash.
    private static func isWordOrMark(_ scalar: Unicode.Scalar) -> Bool {
        TextCase.isWord(scalar) || "!\"'&.,?".unicodeScalars.contains(scalar)
    }

    func lines(of line: String) -> [String] {
        var chunks = ArraySlice(self.chunks(of: Array(line.unicodeScalars)))
        var lines: [String] = []
        while !chunks.isEmpty {
            var current: [ArraySlice<Unicode.Scalar>] = []
            var length = 0
            if !lines.isEmpty, let first = chunks.first, first.allSatisfy(TemplateSpace.isSpace) {
                chunks.removeFirst()
            }
            while let next = chunks.first, length + next.count <= width {
                current.append(next)
                length += next.count
                chunks.removeFirst()
            }
            if let next = chunks.first, next.count > width {
                let room = width < 1 ? 1 : width - length
                if breaksLongWords {
                    let end = cut(next, room)
                    current.append(next[next.startIndex..<end])
                    length += end - next.startIndex
                    chunks[chunks.startIndex] = next[end...]
                } else if current.isEmpty {
                    current.append(next)
                    chunks.removeFirst()
                }
            }
            if let last = current.last, last.allSatisfy(TemplateSpace.isSpace) {
                current.removeLast()
            }
            if !current.isEmpty {
                var text = String.UnicodeScalarView()
                for chunk in current { text.append(contentsOf: chunk) }
                lines.append(String(text))
            }
        }
        return lines
    }

    /// Where a word that is too long is cut: behind a hyphen, if one is in the room.
    private func cut(_ word: ArraySlice<Unicode.Scalar>, _ room: Int) -> Int {
        let end = word.startIndex + room
        guard breaksOnHyphens, word.count > room,
            let hyphen = word[..<end].lastIndex(of: "-"), hyphen > word.startIndex,
            word[..<hyphen].contains(where: { $0 != "-" })
        else { return end }
        return hyphen + 1
    }

    private func chunks(of scalars: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
        var chunks: [ArraySlice<Unicode.Scalar>] = []
        var index = 0
        while index < scalars.count {
            let end = chunkEnd(scalars, index)
            chunks.append(scalars[index..<end])
            index = end
        }
        return chunks
    }

    private func chunkEnd(_ scalars: [Unicode.Scalar], _ start: Int) -> Int {
        if Self.isSpace(scalars[start]) {
            return scalars[start...].firstIndex { !Self.isSpace($0) } ?? scalars.count
        }
        guard breaksOnHyphens else {
            return scalars[start...].firstIndex(where: Self.isSpace) ?? scalars.count
        }
        if start > 0, Self.isWordOrMark(scalars[start - 1]),
            let end = Self.dashEnd(scalars, start)
        {
            return end
        }
        var end = start + 1
        while end < scalars.count, !Self.isSpace(scalars[end]) {
            if Self.isHyphenation(scalars, end) { return end + 1 }
            if Self.isWordOrMark(scalars[end - 1]), Self.dashEnd(scalars, end) != nil { return end }
            end += 1
        }
        return end
    }

    /// Where the dashes that begin here end, if they are two or more and a word follows.
    private static func dashEnd(_ scalars: [Unicode.Scalar], _ start: Int) -> Int? {
        guard scalars[start] == "-" else { return nil }
        var end = start
        while end < scalars.count, scalars[end] == "-" { end += 1 }
        return end - start >= 2 && end < scalars.count && TextCase.isWord(scalars[end]) ? end : nil
    }

    /// Whether a word may be broken behind the hyphen at this place.
    private static func isHyphenation(_ scalars: [Unicode.Scalar], _ hyphen: Int) -> Bool {
        guard scalars[hyphen] == "-", hyphen + 2 < scalars.count, hyphen >= 2 else { return false }
        let isAfterWord =
            isLetter(scalars[hyphen - 2]) && isLetter(scalars[hyphen - 1])
            || hyphen >= 3 && isLetter(scalars[hyphen - 3]) && scalars[hyphen - 2] == "-"
                && isWordOrMark(scalars[hyphen - 1])
        guard isAfterWord, isLetter(scalars[hyphen + 1]) else { return false }
        if isLetter(scalars[hyphen + 2]) { return true }
        return scalars[hyphen + 2] == "-" && hyphen + 3 < scalars.count
            && isLetter(scalars[hyphen + 3])
    }
}
