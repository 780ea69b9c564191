/// Texts with what parsers and formats stumble over.
enum RandomTexts {
    private static let words = [
        "yes", "no", "Paris", "the", "a", "an", "x", "42", "1.5", "true", "None", "null", "é", "ß",
        "日本", "😀", "İ", "ΟΔΟΣ", "naïve", "e\u{301}", "\u{200B}", "N/A", "low", "1,000", "-3",
        "3.0", "1e5", "NaN", "red", "it's", "\"q\"", "&", "<b>", "</answer>", "&amp;", "{{x}}",
        "[[ ## answer ## ]]", "«x»", "[1]", "{", "}", "]", ":", ",", "\\", "\\n", "//", "#", "```",
        "True", "False", "None", "[", "(", ")", "'", "\"", "$", "%s", "\u{FEFF}", "ﬁ", "²", "Ⅳ",
    ]
    private static let spaces = [
        " ", " ", " ", " ", "\n", "\n", "\t", "  ", "\r\n", "\u{A0}", "\u{2028}", "\u{85}", "\u{B}",
        "\n\n", "\u{1C}", "\u{3000}", "",
    ]

    /// A few words.
    static func text(_ random: inout SeededRandom, upTo count: Int = 6) -> String {
        var text = ""
        for index in 0..<random.below(count + 1) {
            if index > 0 || random.once(in: 8) { text += random.pick(spaces) }
            text += random.pick(words)
        }
        return random.once(in: 10) ? text + random.pick(spaces) : text
    }

    /// A name of a field.
    static func name(_ random: inout SeededRandom) -> String {
        random.pick([
            "question", "answer", "context", "a", "b", "c", "x1", "isHTTPOk", "snake_case", "URL2",
            "iPhoneX", "score", "été2Hiver", "ﬁeld", "GPT4o", "日本", "x٣y", "ßtest", "a__b", "A1B2",
            "text", "reply", "urgency", "label", "items", "completed", "é",
        ])
    }

    /// A name as prefixes are made of: any run of the characters that matter.
    static func identifier(_ random: inout SeededRandom) -> String {
        let parts = [
            "a", "B", "Cd", "EF", "1", "23", "_", "__", "é", "É", "ß", "ǅ", "٣", "²", "i", "Url",
            "HTTP", "x", "日", "ŉ",
        ]
        return (0...random.below(6)).map { _ in random.pick(parts) }.joined()
    }

    /// The text with a few characters taken out, put in or doubled.
    static func mutated(_ text: String, _ random: inout SeededRandom) -> String {
        var scalars = Array(text.unicodeScalars)
        let odd = Array("\"'{}[]()<>:,\\/ \n\t#&;=|`-_.0aé$*“".unicodeScalars)
        for _ in 0...random.below(3) {
            let place = random.below(scalars.count + 1)
            switch random.below(4) {
            case 0 where place < scalars.count: scalars.remove(at: place)
            case 1 where place < scalars.count: scalars[place] = random.pick(odd)
            case 2: scalars.removeSubrange(min(place, scalars.count)...)
            default: scalars.insert(random.pick(odd), at: place)
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Pieces of Python's grammar that a side of a signature may hold.
    private static let pieces = [
        " = 5", " = None", "*, ", "/, ", "*args, ", "**kw", "# note", "\\\n", ": int", ", ", "()",
        "[]",
        "lambda: 0", "'x'", "r'\\n'", "b'x'", "f'{x}'", "-1", "...", "|", " | None", "str", "[str]",
        "Literal['a', 'b']", "0x10", "1_000", "1e3", "2j", "class", "match", "_x", "not a", "a.b",
        "->",
        "Field(desc='x')", "dspy.", "typing.List[int]", "(int)", "(int, str)", "{}",
        "x if y else z",
    ]

    /// A signature with a piece of grammar put in somewhere, mostly between its tokens.
    static func spliced(_ text: String, _ random: inout SeededRandom) -> String {
        let scalars = Array(text.unicodeScalars)
        let joints = scalars.indices.filter { ":,[]|> ".unicodeScalars.contains(scalars[$0]) }
        let place =
            joints.isEmpty || random.once(in: 4)
            ? random.below(scalars.count + 1) : random.pick(joints) + random.below(2)
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[..<place])
        view.append(contentsOf: random.pick(pieces).unicodeScalars)
        view.append(contentsOf: scalars[place...])
        return String(view)
    }

    /// JSON as models break it: quotes, commas, closers, comments, fences and words around it.
    static func broken(_ json: String, _ random: inout SeededRandom) -> String {
        var text = json
        for _ in 0...random.below(3) {
            switch random.below(14) {
            case 0: text = replaced(text, "\"", random.pick(["'", "“", "”", "\"\"", ""]), &random)
            case 1:
                text = replaced(text, ", ", random.pick([" ", ",, ", "\n", "; ", ",\n"]), &random)
            case 2:
                text = replaced(text, ": ", random.pick([" ", ":", " = ", "::", ":\n"]), &random)
            case 3: text = String(text.unicodeScalars.dropLast(1 + random.below(4)))
            case 4: text = replaced(text, "}", random.pick(["", ",}", "}}", "]"]), &random)
            case 5: text = replaced(text, "]", random.pick(["", ",]", "]]", "}", "...]"]), &random)
            case 6:
                text = replaced(
                    text,
                    ",",
                    random.pick([", // x\n", ", /* y */", ", # z\n"]),
                    &random
                )
            case 7: text = "Sure! " + text
            case 8:
                text += random.pick([" Done.", "\n```", "\n\n{\"b\": 2}", " [1]", "}", "\n---"])
            case 9: text = "```json\n" + text + random.pick(["\n```", "```", ""])
            case 10: text = replaced(text, "true", random.pick(["True", "TRUE", "tru"]), &random)
            case 11:
                text = replaced(text, "null", random.pick(["None", "nul", "undefined"]), &random)
            case 12: text = replaced(text, "{", random.pick(["{{", "", "{,", "{\n"]), &random)
            default:
                text = replaced(
                    text,
                    "\\n",
                    random.pick(["\n", "\\", "\\\\n", "\\u00e9"]),
                    &random
                )
            }
        }
        return text
    }

    /// The text with one place, or all, of a part replaced.
    private static func replaced(
        _ text: String,
        _ part: String,
        _ other: String,
        _ random: inout SeededRandom
    ) -> String {
        let ranges = text.ranges(of: part)
        guard !ranges.isEmpty else { return text }
        if random.once(in: 2) { return text.replacing(part, with: other) }
        var result = text
        result.replaceSubrange(random.pick(ranges), with: other)
        return result
    }
}
