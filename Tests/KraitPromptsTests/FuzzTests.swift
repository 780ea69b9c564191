import KraitPrompts
import KraitSignatures
import KraitTestSupport
import KraitWire
import Testing

/// Any text is legal input: fields, DSPy's error, or a rule; never a crash, and never long.
@Suite struct FuzzTests {
    static let pieces = [
        "[[ ## a ## ]]", "[[ ## b ## ]]", "[[ ## ", " ## ]]", "\n", "\r\n", "\u{2028}", "\u{85}",
        " ", "\t", "<a>", "</a>", "<b x='1'>", "</b>", "<item>", "</item>", "<a", "/>", "<!--",
        "-->",
        "<![CDATA[", "]]>", "&lt;", "&#x41;", "&#", "&", "<", ">", "{", "}", "[", "]", "\"", "'",
        ":", ",", "\\", "\\u00e9", "\"a\": ", "\"b\": [1, 2]", "null", "True", "1", "-2.5e9", "é",
        "e\u{301}", "日本", "😀", "\u{0}", "\u{1}", "\u{1C}", "\u{A0}", "\u{FFFE}", "```json", "x",
        "<<CUSTOM-TYPE-START-IDENTIFIER>>", "<<CUSTOM-TYPE-END-IDENTIFIER>>", "entry key=",
    ]

    static let signatures = [
        "q -> a, b: list[int]", "q -> a: dict[str, list[Any]], b: Optional[int]",
        "q -> a: Literal['x', 1] | None, b: Union[float, bool, list[str]]",
        "q -> a: tuple[int, str], b",
    ]

    private static func text(_ random: inout SplitMix64) -> String {
        (0..<Int.random(in: 0...30, using: &random)).map { _ in
            pieces.randomElement(using: &random) ?? ""
        }.joined()
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `any completion is parsed or refused`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let schemas = try Self.signatures.map { try Schema(parsing: $0) }
        for _ in 0..<1_500 {
            let text = Self.text(&random)
            let schema = try #require(schemas.randomElement(using: &random))
            for kind in AdapterKind.allCases {
                do {
                    let fields = try PromptAdapter(kind).parse(schema, text)
                    #expect(fields.keys.map(\.text) == ["a", "b"])
                } catch .unparsable(let completion) {
                    #expect(completion.expected == ["a", "b"])
                } catch .ambiguous {
                    Issue.record("not strict")
                } catch {}
            }
        }
    }

    /// The names in the lines that begin as headers do.
    private static func headers(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            guard
                let match = line.drop(while: \.isWhitespace).prefixMatch(
                    of: /\[\[ ## (\w+) ## \]\]/
                )
            else { return nil }
            return String(match.1)
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `any value is written, and strictly only what leaves the structure alone`(seed: UInt64)
        throws
    {
        var random = SplitMix64(seed: seed)
        let schema = try Schema(parsing: "q, c: list[str] -> a, b: list[int]")
        for _ in 0..<1_000 {
            let text = Self.text(&random)
            let inputs: ValueMap = ["q": .string(text), "c": [.string(Self.text(&random)), nil]]
            for kind in AdapterKind.allCases {
                let messages = try PromptAdapter(kind).format(
                    schema,
                    demos: [inputs],
                    inputs: inputs
                )
                #expect(messages.count == 2)
                let strict = PromptAdapter(kind, isStrict: true)
                let safe = try? strict.format(schema, inputs: inputs).last
                // Strictly only the two inputs' own lines are headers.
                if kind != .xml, case .text(let text)? = safe?.content {
                    #expect(Self.headers(in: text) == ["q", "c"])
                }
            }
        }
    }

    @Test(arguments: [
        "[[ ## ", "[[ ## a ## ]]\n", "<a ", "<a b='1' c='2' ", "<a>", "<!-- ", "{", "{\"a\": ", "}",
        "&#x", "\u{85}", "<<CUSTOM-TYPE-START-IDENTIFIER>>",
    ])
    func `repetitions take a time that is linear in their number`(piece: String) throws {
        let text = String(repeating: piece, count: 20_000 / piece.utf8.count)
        let schema = try Schema(parsing: "q -> a")
        for kind in AdapterKind.allCases {
            let taken = processorTime {
                _ = try? PromptAdapter(kind).parse(schema, text)
                _ = try? PromptAdapter(kind, isStrict: true).format(
                    schema,
                    inputs: ["q": .string(text)]
                )
                _ = try? PromptAdapter(kind).format(schema, inputs: ["q": .string(text)])
            }
            // Quadratic, it would take minutes in a debug build.
            #expect(taken < .seconds(20))
        }
    }
}
