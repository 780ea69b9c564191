import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

struct TemplateErrorTests {
    static let mistakes: [(String, TemplateError.Kind, String)] = [
        ("{{ }}", .syntax, "line 1, column 4: an expression is wanted here, and }} is there"),
        ("a\n  {{ 1x }}", .syntax, "line 2, column 7: }} is wanted here, and x is there"),
        ("{{ a", .syntax, "line 1, column 1: this tag has no end; }} is missing"),
        ("x\n\n{% if a ", .syntax, "line 3, column 1: this tag has no end; %} is missing"),
        ("{# a", .syntax, "line 1, column 1: this comment has no end; #} is missing"),
        ("{% raw %}x", .syntax, "line 1, column 1: this raw block has no end"),
        ("{{ 'a }}", .syntax, "line 1, column 4: this string has no end"),
        ("{{ (1] }}", .syntax, "line 1, column 6: ] is there where ) is wanted"),
        ("{{ 1) }}", .syntax, "line 1, column 5: ) closes nothing"),
        ("{{ ü ? }}", .syntax, "line 1, column 6: ? is not understood here"),
        (
            "{% if a %}", .syntax,
            "line 1, column 11: the template ends here; {% endif %} is missing"
        ),
        (
            "{% endif %}", .syntax,
            "line 1, column 4: this endif ends nothing; there are: autoescape"
        ),
        ("{% frobnicate %}", .syntax, "line 1, column 4: there is no tag frobnicate"),
        ("{% if a %}{% endfor %}", .syntax, "line 1, column 14: the tag endfor is not understood"),
        ("{% for 1 in b %}{% endfor %}", .syntax, "line 1, column 8: nothing can be assigned"),
        ("{% set a.b.c = 1 %}", .syntax, "line 1, column 11: %} is wanted here"),
        (
            "{{ a | uper }}", .syntax,
            "line 1, column 8: there is no filter uper; did you mean upper?"
        ),
        ("{{ a is defind }}", .syntax, "line 1, column 6: there is no test defind; did you mean"),
        ("{{ a | urlize }}", .unsupported, "line 1, column 8: the filter urlize is Jinja's"),
        ("{% trans %}", .unsupported, "line 1, column 4: the tag trans belongs to an extension"),
        ("{% break %}", .unsupported, "line 1, column 4: the tag break belongs to an extension"),
        ("{% autoescape true %}{% endautoescape %}", .unsupported, "line 1, column 4: autoescape"),
        ("{{ 99999999999999999999 }}", .unsupported, "line 1, column 4: integers of more than 64"),
        ("{{ f(1, a=2, 3) }}", .syntax, "line 1, column 5: arguments come in this order"),
        ("{{ f(a=1, a=2) }}", .syntax, "line 1, column 5: a is given twice"),
        ("{% macro m(a, a) %}{% endmacro %}", .syntax, "line 1, column 15: the parameter a is"),
        ("{% macro m(a=1, b) %}{% endmacro %}", .syntax, "line 1, column 18: a parameter without"),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", .syntax, "line 1, column 31"),
        ("{% for x in y %}{% set loop = 1 %}{% endfor %}", .syntax, "line 1, column 4: loop is"),
        ("{% for x in y %}{% extends 'a' %}{% endfor %}", .syntax, "line 1, column 20: extends"),
        ("{% call x %}{% endcall %}", .syntax, "line 1, column 9: a call of a macro is wanted"),
        (#"{{ "\N{BULLET}" }}"#, .unsupported, "line 1, column 4: \\N{…} is not supported"),
        (#"{{ "\ud800" }}"#, .unsupported, "line 1, column 4: this string has an escape"),
    ]

    @Test(arguments: mistakes) func `a mistake is found where it stands`(
        _ template: String,
        _ kind: TemplateError.Kind,
        _ message: String
    ) {
        let error = #expect(throws: TemplateError.self) { try TextTemplate(parsing: template) }
        #expect(error?.description.hasPrefix(message) == true, "\(error as Any)")
        #expect(error?.kind == kind)
    }

    static let misfits: [(String, TemplateError.Kind, String)] = [
        ("{{ missing.a }}", .undefined, "line 2, column 11: there is no missing; there are: "),
        ("{{ usres.a }}", .undefined, "line 2, column 9: there is no usres; did you mean users?"),
        ("{{ d.zz.a }}", .undefined, "line 2, column 8: there is no zz in a map"),
        ("{{ missing + 1 }}", .undefined, "line 2, column 12: there is no missing"),
        ("{{ missing() }}", .undefined, "line 2, column 11: there is no missing"),
        ("{{ 1 + 'a' }}", .value, "line 2, column 6: + is not for an integer and text; to join"),
        ("{{ 'a' < 1 }}", .value, "line 2, column 8: text and an integer have no order"),
        ("{{ 1 / 0 }}", .value, "line 2, column 6: this divides by zero"),
        ("{{ 1 in 5 }}", .value, "line 2, column 6: nothing can go over an integer"),
        ("{{ n() }}", .value, "line 2, column 5: an integer cannot be called"),
        ("{{ xs.append(4) }}", .unsupported, "line 2, column 6: append of a list is not supported"),
        ("{{ d.update({}) }}", .unsupported, "line 2, column 5: update of a map is not supported"),
        ("{{ '{}'.format(1) }}", .unsupported, "line 2, column 8: format of text"),
        ("{{ xs|map('upper') }}", .unsupported, "line 2, column 1: a generator is not printed"),
        ("{{ s.upper }}", .unsupported, "line 2, column 1: the function upper is printed by"),
        ("{{ 2 ** 64 }}", .unsupported, "line 2, column 6: integers of more than 64 bits"),
        ("{% for a, b in [[1]] %}{% endfor %}", .value, "line 2, column 8: 2 names are given 1"),
        ("{% set d.a = 1 %}", .value, "line 2, column 8: only a namespace's attributes"),
        ("{{ s|replace }}", .value, "line 2, column 6: replace wants what to replace"),
        ("{{ s|indent(widht=2) }}", .value, "line 2, column 6: indent has no argument widht; did"),
        ("{{ s|upper(1) }}", .value, "line 2, column 6: upper takes 0 arguments at most"),
        ("{{ xs|sort(attribute='a')|list }}{{ [1, 'a']|sort }}", .value, "line 2, column 46"),
        ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", .value, "line 2, column 35: the macro m"),
        ("{% macro m(ab) %}{% endmacro %}{{ m(ac=2) }}", .value, "line 2, column 36: the macro m"),
        ("{{ '%d'|format('x') }}", .value, "line 2, column 9: %d is for numbers, not text"),
        ("{{ '%s %s' % 1 }}", .value, "line 2, column 12: there are fewer values"),
        ("{{ {[1]: 2} }}", .value, "line 2, column 1: a list cannot be a key"),
        ("{{ lipsum() }}", .unsupported, "line 2, column 10: lipsum is not supported"),
        ("{% include 'gone' %}", .missingTemplate, "line 2, column 4: there is no loader"),
        ("{{ 'x' if true else (y|nope) }}{{ y|nope if true }}", .syntax, "line 2, column 37"),
    ]

    @Test(arguments: misfits) func `values that do not fit are an error with its place`(
        _ template: String,
        _ kind: TemplateError.Kind,
        _ message: String
    ) throws {
        let template = try TextTemplate(parsing: "\n" + template)
        let error = #expect(throws: TemplateError.self) { try template.render(JinjaCase.values) }
        #expect(error?.description.hasPrefix(message) == true, "\(error as Any)")
        #expect(error?.kind == kind)
    }

    @Test func `an error in a template that is included names that template`() throws {
        let library: TemplateLibrary = ["part": "\n {{ 1 / 0 }}", "bad": "{% if %}"]
        let text = "{% include 'part' %}"
        let template = try TextTemplate(parsing: text, name: "main", loader: library)
        let error = #expect(throws: TemplateError.self) { try template.render([:]) }
        #expect(error?.description == "part, line 2, column 7: this divides by zero")
        let bad = try TextTemplate(parsing: "{% include 'bad' %}", loader: library)
        let syntax = #expect(throws: TemplateError.self) { try bad.render([:]) }
        #expect(syntax?.template == "bad")
        #expect(syntax?.line == 1)
        let gone = try TextTemplate(parsing: "{% include 'gone' %}", loader: library)
        let missing = #expect(throws: TemplateError.self) { try gone.render([:]) }
        #expect(missing?.kind == .missingTemplate)
    }

    @Test(arguments: [
        ("{{ x }}", false, false), ("{% if x %}{% endif %}", true, false),
        ("{{ x == 1 }}", true, false), ("{% for y in x %}{% endfor %}", false, false),
        ("{{ x is defined }}", true, true), ("{{ x|default('d') }}", true, true),
        ("{{ [x] }}", true, true), ("{{ x ~ 'a' }}", false, false),
    ])
    func `names that are not there are refused as strictly as asked`(
        _ text: String,
        _ isChecked: Bool,
        _ isStrict: Bool
    ) throws {
        #expect(throws: Never.self) { try TextTemplate(parsing: text).render([:]) }
        for (mode, passes) in [
            (TemplateOptions.UndefinedNames.checked, isChecked), (.strict, isStrict),
        ] {
            var options = TemplateOptions()
            options.undefinedNames = mode
            let template = try TextTemplate(parsing: text, options: options)
            let error: TemplateError?
            do throws(TemplateError) {
                _ = try template.render([:])
                error = nil
            } catch let caught {
                error = caught
            }
            #expect((error == nil) == passes, "\(mode) \(error as Any)")
            if let error { #expect(error.kind == .undefined) }
        }
    }

    @Test func `a template is validated against a signature before it is used`() throws {
        let text = """
            {{ question }}{% for p in context %}{{ p }}{{ loop.index }}{% endfor %}
            {% set x = answr %}{{ x }}{{ note|default('') }}{% if hint is defined %}h{% endif %}
            {% macro m(a) %}{{ a }}{{ qestion }}{% endmacro %}{{ range(3)|list }}
            """
        let template = try TextTemplate(parsing: text)
        let schema = try Schema(parsing: "question, context: list[str] -> answer")
        let mistakes = template.mistakes(against: schema)
        #expect(
            mistakes.map(\.description) == [
                "line 2, column 12: there is no answr; there are: question, context",
                "line 3, column 27: there is no qestion; did you mean question?",
            ]
        )
        let first = try #require(mistakes.first)
        #expect(throws: first) { try template.validate(against: schema) }
        #expect(template.inputNames == ["question", "context", "answr", "qestion"])
        let wide = try Schema(parsing: "question, context, answr, qestion -> answer")
        try template.validate(against: wide)
        try template.check(names: ["question", "context", "answr", "qestion"])
        #expect(throws: TemplateError.self) { try template.check(names: ["question"]) }
    }
}
