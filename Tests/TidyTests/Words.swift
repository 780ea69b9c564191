import Glibc

/// Finding words in a line of code.
extension String {
    /// The ranges at which `word` stands by itself, not as a part of a longer word.
    func ranges(ofWord word: String) -> [Range<String.Index>] {
        guard mentions(word) else { return [] }
        var found: [Range<String.Index>] = []
        var rest = self[...]
        while let range = rest.firstRange(of: word) {
            let before =
                range.lowerBound == startIndex ? nil : self[index(before: range.lowerBound)]
            let after = range.upperBound == endIndex ? nil : self[range.upperBound]
            let beginsWord = before.map { !$0.isWordCharacter } ?? true
            let endsWord = after.map { !$0.isWordCharacter } ?? true
            // A needle that begins or ends with a sign needs no boundary there.
            if (beginsWord || word.first?.isWordCharacter == false)
                && (endsWord || word.last?.isWordCharacter == false)
            {
                found.append(range)
            }
            rest = self[range.upperBound...]
        }
        return found
    }

    /// Whether the text is in the line; much faster than `contains`, since nearly no line has any.
    func mentions(_ text: String) -> Bool {
        withCString { line in text.withCString { strstr(line, $0) != nil } }
    }

    func contains(word: String) -> Bool { !ranges(ofWord: word).isEmpty }
}

extension Character {
    var isWordCharacter: Bool { isLetter || isNumber || self == "_" }
}
