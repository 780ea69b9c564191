import Foundation
import KraitTestSupport

/// What a mutator begins with: whole inputs, and pieces that matter to their parser.
struct Seeds: Sendable {
    var texts: [String]
    var pieces: [String]

    /// Those of a recorded file's rows too, where it is at hand: the texts under a key.
    func adding(_ file: String, _ key: String) -> Seeds {
        var seeds = self
        seeds.texts += Self.rows(file).compactMap { $0[key] as? String }
        return seeds
    }

    private static func rows(_ file: String) -> [[String: Any]] {
        let lines = (try? RecordedAnswers.lines(file)) ?? []
        return lines.compactMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] }
    }
}

extension Seeds {
    static let signatures = Seeds(
        texts: [
            "question -> answer", "a: int, b: list[str] -> c: dict[str, float]",
            "text: str -> label: Literal['a', \"b\"], score: float | None",
            "rows: list[tuple[int, Optional[str]]] -> total: Union[int, float]",
            "q='x, y -> z': str -> é: typing.List[bool]",
        ],
        pieces: [
            "->", ":", ",", "[", "]", "(", ")", "{", "}", "|", ".", "=", "'", "\"", "\\", "\n",
            "\t",
            "list[", "Literal[", "Optional[", "Union[", "dict[str, ", "lambda: ", "None", "0x",
            "1e9",
            "f'", "b'", "\\N{", "\u{301}", "😀", "\u{0}", "not ", "*", "/", "dspy.Image", "#",
        ]
    ).adding("signatures.jsonl", "signature").adding("signatures_probe.jsonl", "signature")

    static let json = Seeds(
        texts: [
            #"{"a": 1, "b": [true, null, "x\n\u00e9"]}"#, "{'a': 'it's', b: 1,}", "[1, 2",
            "```json\n{}\n```",
            #"{"a": "b" "c": {"d": [}}"#, "text {\"k\": v} more [1] // c",
            "{\"a\": 1e5, /* x */ \"b\": .5}",
        ],
        pieces: [
            "{", "}", "[", "]", "\"", "'", "\\", ":", ",", "//", "/*", "*/", "#", "\n", "```",
            "json",
            "true", "None", "1e", "-", "\\u", "\\ud800", "“", "”", "\u{0}", "é", " ", "(", ")",
            "\"\"\"",
        ]
    ).adding("json_repair.jsonl", "input").adding("parse_value_probe.jsonl", "raw")

    static let completions = Seeds(
        texts: [
            "[[ ## reasoning ## ]]\nSo.\n\n[[ ## answer ## ]]\nParis\n\n"
                + "[[ ## count ## ]]\n3\n\n[[ ## completed ## ]]",
            #"{"reasoning": "So.", "answer": "Paris", "count": 3}"#,
            "<reasoning>So.</reasoning>\n<answer>Paris</answer>\n<count>3</count>",
        ],
        pieces: [
            "[[ ## ", " ## ]]", "[[ ## answer ## ]]", "[[ ## completed ## ]]", "\n", "\n\n",
            "<answer>",
            "</answer>", "<", ">", "</", "&amp;", "&#x41;", "<![CDATA[", "]]>", "<!--", "{", "}",
            "\"",
            ":", ",", "3", "null", "\u{85}", "\u{2028}", "é", "\u{0}", "<a b='c'/>", "<?xml?>",
        ]
    ).adding("adapter.jsonl", "completion").adding("adapter_derived_parse.jsonl", "completion")

    static let templates = Seeds(
        texts: [
            "{% for x in xs -%} {{ loop.index }}: {{ x | upper }} {%- else %}none{% endfor %}",
            "{% macro m(a, b=1) %}{{ a ~ b }}{{ caller() if caller }}{% endmacro %}{{ m(2) }}",
            "{% if a and not b or xs|length > 2 %}{{ xs[::-1] }}{% elif c is defined %}{% endif %}",
            "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n // 2 ** 3 % 5 }}",
            "{% raw %}{{ no }}{% endraw %}{# note #}{{ m['k'].v | tojson(indent=2) | indent(4) }}",
            "{% call(u) m(xs) %}{{ u }}{% endcall %}{% filter trim %} x {% endfilter %}",
        ],
        pieces: [
            "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "|", "(", ")", "[", "]", ".", ",",
            "~",
            " if ", " else ", " for ", " in ", " is ", " not ", "%}{% endfor %}",
            "{% for i in xs %}",
            "{% recursive %}", "loop(", "range(99)", "'", "\"", "\\", "**", "//", "1e9", "xs",
            "m.k",
            "|sort", "|groupby('k')", "|map(attribute='k')", "|join(',')", "{% set x = x %}", "\n",
        ]
    )
}
