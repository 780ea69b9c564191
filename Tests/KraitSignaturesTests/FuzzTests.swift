import KraitSignatures
import KraitTestSupport
import Testing

@Suite struct FuzzTests {
    static let pieces = [
        "a", "question", "->", "->", ":", ",", ",", "[", "]", "(", ")", "{", "}", "|", ".", "=",
        "*",
        "**", "/", "'", "\"", "'''", "\\", "\n", "\r\n", "\t", " ", "#", "\0", "int", "str",
        "list[",
        "Literal[", "Optional[", "Union", "dspy.", "None", "lambda", "if", "else", "for", "in",
        "await", "yield", "0x", "1_0", "1e", "9", "f'", "b'", "\\N{", "\\u12", "\u{301}", "é", "😀",
        "\u{200B}", "_", "not", "~", "-", ":=", "...", ">", "<", "@", "%", "`", "$", "Field(", "T",
    ]

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any text is read or refused with a place inside it`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_500 {
            let count = Int.random(in: 0...24, using: &random)
            var text = ""
            for _ in 0..<count { text += Self.pieces.randomElement(using: &random) ?? "" }
            let length = text.unicodeScalars.count
            do {
                let schema = try Schema(parsing: text)
                #expect(schema.text == text)
                // A schema's own text is read again, and its wire value made.
                _ = schema.wireValue
                #expect(throws: Never.self) { try Schema(parsing: schema.text) }
            } catch {
                let place = error.place
                #expect((place?.scalarOffset ?? -1) >= 0)
                #expect((place?.scalarOffset ?? 0) + (place?.length ?? 0) <= length, "\(text)")
                #expect(!error.rendering.isEmpty)
                #expect(error.exception != nil || error.rule != nil)
            }
        }
    }

    @Test(arguments: [
        "(", "[", "{", "-", "not ", "lambda: ", "a.", "a[", "x if y else ", "*", "'", "2**",
    ])
    func `deep nesting is refused or read, never a crash`(piece: String) {
        for count in [100, 199, 200] {
            _ = try? Schema(parsing: "a: " + String(repeating: piece, count: count) + "x -> b")
        }
        for count in [10_000, 100_000] {
            let text = "a: " + String(repeating: piece, count: count) + "x -> b"
            #expect(throws: (any Error).self) { try Schema(parsing: text) }
        }
    }

    @Test(arguments: [
        ("list[", "]", 150), ("(", ")", 190), ("Optional[", "]", 150), ("Union[", "]", 150),
    ])
    func `nesting within Python's limits is read`(open: String, close: String, depth: Int) throws {
        let type =
            String(repeating: open, count: depth) + "int" + String(repeating: close, count: depth)
        #expect(try Schema(parsing: "a: \(type) -> b").inputs.count == 1)
    }

    @Test func `long chains are bounded`() throws {
        let union = Array(repeating: "int", count: 200).joined(separator: " | ")
        #expect(try Schema(parsing: "a: \(union) -> b").inputs[0].type == .int)
        let longer = Array(repeating: "int", count: 2_000).joined(separator: " | ")
        let error = #expect(throws: SchemaError.self) { try Schema(parsing: "a: \(longer) -> b") }
        #expect(error?.rule == .depth)
        let sum = Array(repeating: "1", count: 100_000).joined(separator: "+")
        #expect(try Schema(parsing: "a=\(sum) -> b").inputs.count == 1)
    }
}
