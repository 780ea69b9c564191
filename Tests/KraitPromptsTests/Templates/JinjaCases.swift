import KraitPrompts
import KraitWire
import Testing

/// A template, and the text that Jinja 3.1.6 makes of it.
struct JinjaCase: Sendable, CustomTestStringConvertible {
    var template: String
    var text: String
    var testDescription: String { template }

    /// The cases of a table: lines with `>` are the template, those with `=` the text, each a JSON
    /// string; several in a row are one.
    static func cases(in table: String) throws -> [JinjaCase] {
        var cases: [JinjaCase] = []
        var wasText = true
        for line in table.split(separator: "\n") {
            let piece = try Value(json: String(line.dropFirst(2))).string ?? ""
            if line.hasPrefix(">") {
                if wasText { cases.append(JinjaCase(template: "", text: "")) }
                cases[cases.count - 1].template += piece
            } else {
                cases[cases.count - 1].text += piece
            }
            wasText = line.hasPrefix("=")
        }
        return cases
    }

    static let values: ValueMap = [
        "s": "Hello World", "e": "", "u": "Ünïcode ß ΑΣ 🎉", "n": 7, "neg": -3, "f": 2.5,
        "big": 1e20, "t": true, "nil": nil, "xs": [3, 1, 2], "ys": ["b", "A", "c", "a"],
        "zs": [], "mixed": [1, "two", 3.0, nil, true, [1, 2], ["k": "v"]],
        "d": ["b": 2, "a": 1, "C": 3], "deep": ["x": ["y": [10, 20, ["z": "end"]]], "items": 5],
        "users": [
            ["name": "Bob", "age": 30, "ok": true], ["name": "alice", "age": 25, "ok": false],
            ["name": "Carl", "age": 30, "ok": true],
        ],
        "ml": "one\n\n two\r\nthree", "html": "<a href='x'>T &amp; \"q\"</a>", "q": "it's",
        "qq": "say \"hi\" it's",
        "long": "The quick brown-fox jumps over -- well-known lazy dogs.",
    ]

    static let library: TemplateLibrary = [
        "inc": "<{{ n }}{{ x }}>",
        "lib": "{% macro f(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{% set v = 3 %}"
            + "{% set _w = 4 %}text",
        "base": "B[{% block a %}base {{ n }}{% endblock %}|{% block b scoped %}b{% endblock %}]",
        "mid": "{% extends 'base' %}{% block a %}mid {{ super() }}{% endblock %}",
        "loop": "({{ loop.index if loop else 'none' }})",
    ]
}

struct JinjaCaseTests {
    static let tables = [
        ExpressionsCases.text, TextFiltersCases.text, ListFiltersCases.text, FlowCases.text,
    ]

    @Test(arguments: tables) func `templates render as Jinja renders them`(_ table: String) throws {
        let cases = try JinjaCase.cases(in: table)
        #expect(cases.count > 20)
        for row in cases {
            let template = try TextTemplate(parsing: row.template, loader: JinjaCase.library)
            #expect(try template.render(JinjaCase.values) == row.text, "\(row.template)")
        }
    }
}
