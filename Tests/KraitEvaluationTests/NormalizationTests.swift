import KraitEvaluation
import Testing

/// Answers of DSPy 3.4.1 on Python 3.11.
@Suite struct NormalizationTests {
    @Test(arguments: [
        ("The,  Eiffel  Tower!", "eiffel tower"),
        ("a an the", ""),
        ("A-An the_m", "aan them"),
        ("x the y", "x y"),
        ("the\u{0}a\u{0}b", "\u{0} \u{0}b"),
        ("\u{0}the end", "\u{0} end"),
        ("a\u{1C}b\u{85}c\u{A0}d\u{200B}e", "b c d\u{200B}e"),
        ("Café", "cafe\u{301}"),
        // A mark is no part of a word to Python's `re`: the article goes, the accent stays.
        ("thé an\u{301}x", "\u{301} \u{301}x"),
        ("ΣΑΣ Σ ΟΔΟΣ.Χ", "σας σ οδοσχ"),
        ("ΑΣ\u{301} ΑΣ\u{301}Β", "ας\u{301} ασ\u{301}β"),
        ("İstanbul ﬁ ² Ⅳ ẞ K", "i\u{307}stanbul ﬁ ² ⅳ ß k"),
        ("각 が 漢字", "\u{1100}\u{1161}\u{11A8} か\u{3099} 漢字"),
        ("²a a² a漢 漢a", "²a a² a漢 漢a"),
        ("a—the‘a’", "— ‘ ’"),
        ("x\u{1E6}\u{FF21}", "xg\u{30C}\u{FF41}"),
        // Assigned in Unicode 15 and 16: letters and a capital to Swift, nothing to Python.
        ("a\u{1E4D0}the \u{10D50}", "\u{1E4D0} \u{10D50}"),
        ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ""),
    ])
    func `texts are normalized as DSPy does it`(text: String, expected: String) {
        let normalized = Metrics.normalize(text)
        #expect(normalized.unicodeScalars.elementsEqual(expected.unicodeScalars), "\(normalized)")
    }
}
