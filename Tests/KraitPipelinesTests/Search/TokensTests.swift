import KraitPipelines
import Testing

struct TokensTests {
    static let rows: [(String, [String])] = [
        ("", []),
        (" .,;!? ", []),
        ("The CAT sat", ["cat", "sat"]),
        ("DEB_HOST_ARCH=amd64", ["deb", "host", "arch", "amd64"]),
        ("Rules-Requires-Root", ["rule", "require", "root"]),
        ("Debian's package's", ["debian", "package"]),
        ("version 4.6.2", ["version", "4", "6", "2"]),
        ("ÄRGER über Straße", ["ärger", "über", "straße"]),
        ("ΑΒΓ Ночь", ["αβγ", "ночь"]),
        ("ca\u{301}fe\u{301}s", ["ca\u{301}fe\u{301}"]),
        ("日本語 x 1", ["日", "本", "語", "1"]),
        ("a🎉b packages🎉files", ["package", "file"]),
    ]

    @Test(arguments: rows) func `text is cut into terms`(_ text: String, _ terms: [String]) {
        #expect(Tokens.terms(in: text) == terms)
    }

    /// Harman's rules, with their exceptions.
    static let stems: [(String, String)] = [
        ("policies", "policy"), ("skies", "sky"), ("zombaies", "zombaie"), ("beeies", "beeie"),
        ("files", "file"), ("caches", "cache"), ("aloes", "aloe"), ("trees", "tree"),
        ("frees", "free"), ("packages", "package"), ("cats", "cat"), ("status", "status"),
        ("process", "process"), ("bus", "bus"), ("gas", "gas"), ("cat", "cat"),
    ]

    @Test(arguments: stems) func `a plural loses its ending`(_ word: String, _ stem: String) {
        #expect(Tokens.terms(in: word) == [stem])
    }

    @Test func `composed and decomposed letters are one term`() {
        #expect(Tokens.terms(in: "café") == Tokens.terms(in: "cafe\u{301}"))
    }
}
