import KraitPipelines
import KraitWire
import Testing

/// Templates whose texts are what Jinja2 3.1 gives for them.
struct TextTemplateTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var template: String
        var values: ValueMap = [:]
        var text: String
        var testDescription: String { template.debugDescription }
    }

    static let rows = [
        Row(template: "", text: ""),
        Row(template: "plain { } % text", text: "plain { } % text"),
        Row(template: "{{ name }}!", values: ["name": "Ünïcode 🎉"], text: "Ünïcode 🎉!"),
        Row(template: "{{name}}{{  name  }}", values: ["name": "a"], text: "aa"),
        Row(template: "{{ a.b.c }}", values: ["a": ["b": ["c": 7]]], text: "7"),
        Row(template: "line\n", text: "line"),
        Row(template: "line\n\n", text: "line\n"),
        Row(template: "a\r\nb\rc", text: "a\nb\nc"),
        Row(template: "a{# {{ not }} read #}b", text: "ab"),
        Row(template: "a  {{- x -}}  b", values: ["x": "|"], text: "a|b"),
        Row(template: "a \n {%- if x %} y {% endif -%} \n b", values: ["x": true], text: "a y b"),
        Row(template: "a {#- gone -#} b", text: "ab"),
        Row(
            template: "{% for x in xs %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}.",
            values: ["xs": ["a", "b"]],
            text: "1/2:a 2/2:b ."
        ),
        Row(
            template: "{% for x in xs %}{% for y in x.ys %}{{ loop.index0 }}{{ y }}{{ x.n }};"
                + "{% endfor %}{% if not loop.last %}|{% endif %}{% endfor %}{{ x }}",
            values: ["xs": [["n": 1, "ys": ["a", "b"]], ["n": 2, "ys": []]], "x": "outer"],
            text: "0a1;1b1;|outer"
        ),
        Row(template: "{% for x in xs %}never{% endfor %}", values: ["xs": []], text: ""),
        Row(template: "{% if a %}y{% else %}n{% endif %}", values: ["a": []], text: "n"),
        Row(template: "{% if a %}y{% else %}n{% endif %}", values: ["a": 0.0], text: "n"),
        Row(template: "{% if a %}y{% else %}n{% endif %}", values: ["a": nil], text: "n"),
        Row(template: "{% if a %}y{% else %}n{% endif %}", values: ["a": ["k": 0]], text: "y"),
        Row(template: "{% if a %}y{% else %}n{% endif %}", values: ["a": "0"], text: "y"),
        Row(template: "{% if missing %}y{% else %}n{% endif %}", text: "n"),
        Row(template: "{% if not a.b %}y{% endif %}", values: ["a": ["c": 1]], text: "y"),
        Row(template: "{{ a }}", values: ["a": nil], text: "None"),
        Row(template: "{{ a }} {{ b }}", values: ["a": true, "b": false], text: "True False"),
        Row(template: "{{ a }}", values: ["a": .unsigned(.max)], text: "18446744073709551615"),
    ]

    @Test(arguments: rows) func `a template is filled in as Jinja would`(_ row: Row) throws {
        #expect(try TextTemplate(parsing: row.template).render(row.values) == row.text)
    }

    /// What Python's `str` gives for each.
    static let numbers: [(Double, String)] = [
        (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-2.5, "-2.5"), (0.1, "0.1"), (100, "100.0"),
        (123_456.789, "123456.789"), (0.0001, "0.0001"), (0.00012, "0.00012"),
        (0.00001, "1e-05"), (1.5e-7, "1.5e-07"), (1e15, "1000000000000000.0"),
        (1e16, "1e+16"), (1.25e16, "1.25e+16"), (123_456_789_012_345_680, "1.2345678901234568e+17"),
        (9_007_199_254_740_992, "9007199254740992.0"), (1e100, "1e+100"), (-1e-300, "-1e-300"),
        (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
    ]

    @Test(arguments: numbers) func `a number is printed as Python prints it`(
        _ number: Double,
        _ text: String
    ) throws {
        let template = try TextTemplate(parsing: "{{ x }}")
        #expect(try template.render(["x": .double(number)]) == text)
    }

    static let mistakes: [(String, String)] = [
        ("{{ }}", "line 1, column 1: a name such as answer or passage.text is wanted in {{ }}"),
        ("a\n  {{ 1x }}", "line 2, column 3: a name"),
        ("{{ a.b. }}", "line 1, column 1: a name"),
        ("{{ a | upper }}", "line 1, column 1: a name"),
        ("ü{{ True }}", "line 1, column 2: True is a word of the language"),
        ("{{ a", "line 1, column 1: this tag has no end; }} is missing"),
        ("x\n\n{% if a ", "line 3, column 1: this tag has no end; %} is missing"),
        ("{# a", "line 1, column 1: this tag has no end; #} is missing"),
        ("{% %}", "line 1, column 1: an empty tag is not understood"),
        ("{% elif a %}", "line 1, column 1: elif is not understood; there are: for"),
        ("{% if a %}\n{% elif b %}{% endif %}", "line 2, column 1: elif is not understood"),
        ("{% endif now %}", "line 1, column 1: endif is not understood"),
        ("{% if a == b %}", "line 1, column 1: a condition is written {% if name %}"),
        ("{% if %}", "line 1, column 1: a condition is written"),
        ("{% for a of b %}", "line 1, column 1: a loop is written {% for name in list %}"),
        ("{% for 1 in b %}", "line 1, column 1: a loop is written"),
        (" {% for a in b %}", "line 1, column 2: this for has no {% endfor %}"),
        ("{% if a %}{% else %}", "line 1, column 1: this if has no {% endif %}"),
        ("{% endfor %}", "line 1, column 1: this endfor ends nothing"),
        (
            "{% if a %}\n{% endfor %}",
            "line 2, column 1: this endfor does not end the block of line 1, column 1"
        ),
        ("{% else %}", "line 1, column 1: this else belongs to no if"),
        ("{% if a %}{% else %}{% else %}", "line 1, column 21: this else belongs to no if"),
        ("{% for a in b %}{% else %}", "line 1, column 17: this else belongs to no if"),
    ]

    @Test(arguments: mistakes) func `a mistake is found where it stands`(
        _ template: String,
        _ message: String
    ) {
        let error = #expect(throws: TemplateError.self) { try TextTemplate(parsing: template) }
        #expect(error?.description.hasPrefix(message) == true, "\(error as Any)")
    }

    static let misfits: [(String, ValueMap, String)] = [
        ("{{ anwser }}", ["answer": 1], "there is no anwser; did you mean answer?"),
        ("{{ x }}", [:], "there is no x; there are none"),
        ("{{ other }}", ["answer": 1, "b": 2], "there is no other; there are: answer, b"),
        ("{{ a.c }}", ["a": ["bb": 1]], "there is no c of a.c; there are: bb"),
        ("{{ a.b.c }}", ["a": ["b": "text"]], "a.b is text and has no fields"),
        ("{{ a }}", ["a": [1]], "a is a list and is not printed; go over it with {% for %}"),
        ("{{ a }}", ["a": ["b": 1]], "a is a map and is not printed; name one of its fields"),
        ("{{ a }}", ["a": .bytes([1])], "a is bytes and is not printed; turn it into text"),
        ("{% for x in a %}{% endfor %}", ["a": "abc"], "a is text; a loop goes over a list"),
        ("{% for x in a %}{% endfor %}", [:], "there is no a; there are none"),
    ]

    @Test(arguments: misfits) func `values that do not fit are an error with its place`(
        _ template: String,
        _ values: ValueMap,
        _ message: String
    ) throws {
        let template = try TextTemplate(parsing: "\n " + template)
        let error = #expect(throws: TemplateError.self) { try template.render(values) }
        #expect(error?.reason.hasPrefix(message) == true, "\(error as Any)")
        #expect(error?.line == 2)
        #expect(error?.column == 2)
    }

    @Test func `names can be checked before there are values`() throws {
        let text = "{{ a }}{% for x in xs %}{{ x.y }}{{ loop.index }}{{ beta }}{% endfor %}"
        let template = try TextTemplate(parsing: text)
        try template.check(names: ["a", "beta", "xs"])
        let error = #expect(throws: TemplateError.self) {
            try template.check(names: ["a", "xs"])
        }
        #expect(
            error?.description == "line 1, column 50: there is no beta; there are: a, xs, x, loop"
        )
        let inCondition = try TextTemplate(parsing: "{% if a %}{% else %}{{ c }}{% endif %}")
        #expect(throws: TemplateError.self) { try inCondition.check(names: ["c"]) }
        #expect(throws: TemplateError.self) { try inCondition.check(names: ["a"]) }
    }

    @Test func `length, depth, repetitions and output are bounded`() throws {
        #expect(throws: TemplateError.self) {
            try TextTemplate(parsing: String(repeating: "x", count: 1 << 20 + 1))
        }
        let deep = String(repeating: "{% if a %}", count: 33)
        let error = #expect(throws: TemplateError.self) { try TextTemplate(parsing: deep) }
        #expect(error?.reason.contains("deeper than 32") == true)
        let loops =
            "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}"
        let list = Value.list(Array(repeating: 1, count: 200))
        let endless = #expect(throws: TemplateError.self) {
            try TextTemplate(parsing: loops).render(["l": list])
        }
        #expect(endless?.reason.contains("more than 1000000 times") == true)
        let long = Value.string(String(repeating: "x", count: 40 << 20))
        let large = #expect(throws: TemplateError.self) {
            try TextTemplate(parsing: "{{ x }}{{ x }}").render(["x": long])
        }
        #expect(large?.column == 8)
    }
}
