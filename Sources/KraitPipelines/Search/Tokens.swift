/// Cuts text into the terms that an index and a query are compared by.
///
/// A term is a run of letters, digits and the marks on them, in lower case, without a plural's
/// ending; an ideograph is a term of its own. Stop words are left out.
package enum Tokens {
    /// The terms of a text, in order: one walk over its scalars, cheap while they are ASCII.
    package static func terms(in text: some StringProtocol) -> [String] {
        var terms: [String] = []
        forEachTerm(in: text) { terms.append($0) }
        return terms
    }

    static func forEachTerm(in text: some StringProtocol, _ body: (String) -> Void) {
        var word: [UInt8] = []
        func finish() {
            defer { word.removeAll(keepingCapacity: true) }
            guard !word.isEmpty, let term = term(word) else { return }
            body(term)
        }
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                let byte = UInt8(truncatingIfNeeded: scalar.value)
                if byte.isASCIIUppercase {
                    word.append(byte | 0x20)
                } else if byte.isASCIIWord {
                    word.append(byte)
                } else {
                    finish()
                }
            } else if scalar.properties.isIdeographic {
                finish()
                word.append(contentsOf: String(scalar).utf8)
                finish()
            } else if scalar.belongsToWord {
                word.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            } else {
                finish()
            }
        }
        finish()
    }

    private static func term(_ word: [UInt8]) -> String? {
        if word.count == 1, !word[0].isASCIIDigit { return nil }
        let text = String(decoding: stem(word[...]), as: UTF8.self)
        return stopWords.contains(text) ? nil : text
    }

    /// The word without a plural's ending, by the S-stemmer.
    ///
    /// D. Harman, *How effective is suffixing?*, JASIS 42(1), 1991: of three rules the first that
    /// applies. `-ies` becomes `-y`, but not after e or a; `-es` becomes `-e`, but not after a, e
    /// or o; `-s` goes, but not after u or s. The second does what the third does to the same word,
    /// so there are two here. Words of three letters or fewer stay whole.
    static func stem(_ word: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard word.count > 3, word.last == UInt8(ascii: "s") else { return word }
        let before = word.dropLast().last
        if before == UInt8(ascii: "u") || before == UInt8(ascii: "s") { return word }
        let rest = word.dropLast(3)
        let isSpared = rest.last == UInt8(ascii: "e") || rest.last == UInt8(ascii: "a")
        if word.suffix(3).elementsEqual("ies".utf8), !isSpared {
            return rest + [UInt8(ascii: "y")]
        }
        return word.dropLast()
    }

    /// Words too common in English to tell one passage from another, as they are after stemming.
    static let stopWords: Set<String> = [
        "an", "and", "are", "as", "at", "be", "by", "can", "do", "doe", "does", "for", "from",
        "has", "have", "how", "if", "in", "into", "is", "it", "its", "may", "must", "no", "not",
        "of", "on", "or", "should", "so", "such", "that", "the", "their", "then", "there", "these",
        "they", "this", "to", "was", "what", "when", "where", "which", "who", "why", "will", "with",
        "would", "you",
    ]
}

extension UInt8 {
    fileprivate var isASCIIUppercase: Bool { self >= 0x41 && self <= 0x5A }
    fileprivate var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }
    fileprivate var isASCIIWord: Bool { self >= 0x61 && self <= 0x7A || isASCIIDigit }
}

extension Unicode.Scalar {
    fileprivate var belongsToWord: Bool {
        if properties.isAlphabetic || properties.numericType != nil { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark: return true
        default: return false
        }
    }
}
