import KraitPrompts
import KraitWire
import Testing

struct TextTemplateTests {
    /// In the manner of the chat templates that models are published with.
    private static let chat = """
        {%- if tools %}
            {{- '<|im_start|>system\\n# Tools\\n' }}
            {%- for tool in tools %}
                {{- "\\n" }}
                {{- tool | tojson }}
            {%- endfor %}
            {{- "\\n<|im_end|>\\n" }}
        {%- endif %}
        {%- set ns = namespace(last=messages|length - 1, seen=false) %}
        {%- for message in messages[::-1] %}
            {%- if not ns.seen and message.role == "user" and message.content is string %}
                {%- set ns.seen = true %}
                {%- set ns.last = (messages|length - 1) - loop.index0 %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if message.role not in ['system', 'user', 'assistant'] %}
                {{- raise_exception('Unknown role: ' + message.role) }}
            {%- endif %}
            {%- if message['content'] is none %}{% continue %}{% endif %}
            {%- set text = message.content.split('</think>')[-1].lstrip('\\n') %}
            {{- '<|im_start|>' + message.role + '\\n' + text | trim + '<|im_end|>' }}
            {{- '*\\n' if loop.index0 == ns.last else '\\n' }}
        {%- endfor %}
        {%- if add_generation_prompt is defined and add_generation_prompt %}
            {{- '<|im_start|>assistant\\n' }}
        {%- endif %}
        """

    @Test func `a chat template renders as in Python`() throws {
        let template = try TextTemplate(parsing: Self.chat, options: .chat)
        let values: ValueMap = [
            "tools": [["name": "f", "é": "<b>'", "a": [1, nil, 2.5]]],
            "messages": [
                ["role": "system", "content": "Be brief."],
                ["role": "user", "content": " 1 < 2? "],
                ["role": "assistant", "content": nil],
                ["role": "assistant", "content": "<think>hm</think>\n\nYes."],
            ],
            "add_generation_prompt": true,
        ]
        #expect(
            try template.render(values) == """
                <|im_start|>system
                # Tools

                {"name": "f", "é": "<b>'", "a": [1, null, 2.5]}
                <|im_end|>
                <|im_start|>system
                Be brief.<|im_end|>
                <|im_start|>user
                1 < 2?<|im_end|>*
                <|im_start|>assistant
                Yes.<|im_end|>
                <|im_start|>assistant

                """
        )
        let odd: ValueMap = ["messages": [["role": "cook", "content": "x"]]]
        let error = #expect(throws: TemplateError.self) { try template.render(odd) }
        #expect(error?.kind == .raised)
        #expect(error?.reason == "Unknown role: cook")
    }

    @Test func `functions that the program gives take values and give one`() throws {
        struct Refusal: Error {}
        var options = TemplateOptions()
        options.functions["strftime_now"] = TemplateFunction { arguments, named in
            [.string("\(arguments.count)"), named["zone"] ?? nil]
        }
        options.functions["fail"] = TemplateFunction { _, _ in throw Refusal() }
        let text = "{{ strftime_now('%d', [1, {'a': (2,)}], zone='UTC') }}"
        let template = try TextTemplate(parsing: text, options: options)
        #expect(try template.render([:]) == "['2', 'UTC']")
        try template.check(names: [])
        for text in ["{{ fail() }}", "{{ strftime_now(range(2)) }}", "{{ strftime_now(nope) }}"] {
            let template = try TextTemplate(parsing: text, options: options)
            let error = #expect(throws: TemplateError.self) { try template.render([:]) }
            #expect(error?.column ?? 0 > 1, "\(error as Any)")
        }
    }

    static let spaces: [(text: String, trims: Bool, strips: Bool, rendered: String)] = [
        ("  {% if true %}\n  a\n  {% endif %}\nb\n", false, false, "  \n  a\n  \nb"),
        ("  {% if true %}\n  a\n  {% endif %}\nb\n", true, false, "    a\n  b"),
        ("  {% if true %}\n  a\n  {% endif %}\nb\n", false, true, "\n  a\n\nb"),
        ("  {% if true %}\n  a\n  {% endif %}\nb\n", true, true, "  a\nb"),
        ("  {%+ if true +%}\n  a\n{% endif %}", true, true, "  \n  a\n"),
        ("x  {% if true %}y{% endif %}", true, true, "x  y"),
        ("  {{ 1 }}\n{# c #}\n  {# d #}\nz", true, true, "  1\nz"),
        ("  {% raw %}\n  {{ x }}\n  {% endraw %}\nq", true, true, "\n  {{ x }}\nq"),
        ("a\n  {%- if true -%}\n  b\n{%- endif %}\n", false, false, "ab"),
        ("a\r\nb\rc\n", false, false, "a\nb\nc"),
    ]

    @Test(arguments: spaces) func `white space around tags goes as in Jinja`(
        _ row: (text: String, trims: Bool, strips: Bool, rendered: String)
    ) throws {
        var options = TemplateOptions()
        options.trimsBlocks = row.trims
        options.stripsBlocks = row.strips
        let template = try TextTemplate(parsing: row.text, options: options)
        #expect(try template.render([:]) == row.rendered)
    }

    @Test func `options turn on what Jinja has as extensions`() throws {
        var options = TemplateOptions()
        options.allowsLoopControls = true
        options.allowsDo = true
        options.allowsGeneration = true
        options.keepsTrailingNewline = true
        let text = """
            {% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 4 %}\
            {% break %}{% endif %}{{ x }}{% endfor %}{% set c = cycler(1, 2) %}{% do c.next() %}\
            {{ c.current }}{% generation %}g{% endgeneration %}

            """
        #expect(try TextTemplate(parsing: text, options: options).render([:]) == "0232g\n")
    }

    @Test func `values of all kinds are printed as Python prints them`() throws {
        let values: ValueMap = [
            "big": .unsigned(.max), "bytes": .bytes([0x61, 0, 0x27]),
            "time": .timestamp(Timestamp(seconds: 1_700_000_000, nanoseconds: 5_000_000)),
            "early": .timestamp(Timestamp(seconds: -62_135_596_800)),
            "nan": .double(.nan), "inf": .double(-.infinity),
        ]
        let text =
            "{{ big }} {{ bytes }} {{ time }} {{ [early] }} {{ nan }} {{ [inf] }} {{ big - 1 }}"
        #expect(
            try TextTemplate(parsing: text).render(values)
                == "18446744073709551615 b\"a\\x00'\" 2023-11-14 22:13:20.005000+00:00 "
                + "[datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)] nan [-inf] "
                + "18446744073709551614"
        )
    }

    @Test func `texts are the same where their scalars are`() throws {
        let values: ValueMap = ["a": "\u{E9}", "b": "e\u{301}", "m": ["\u{E9}": 1]]
        let text =
            "{{ a == b }} {{ b in m }} {{ a in m }} {{ b|length }} {{ [b, a]|unique|list|length }}"
        #expect(try TextTemplate(parsing: text).render(values) == "False False True 2 2")
    }

    @Test func `what a value holds is not read as a template`() throws {
        let template = try TextTemplate(parsing: "{{ x }}{{ x|upper }}{% set y = x %}{{ y ~ x }}")
        let text = "{{ 7 * 7 }}{% raw %}"
        #expect(try template.render(["x": .string(text)]) == text + text.uppercased() + text + text)
    }

    @Test(arguments: [
        "{{ ''.__class__ }}", "{{ x.__init__ }}", "{{ [].__class__.__mro__ }}",
        "{{ (1).__add__ }}", "{{ x['__class__'] }}", "{{ range.__globals__ }}",
        "{{ namespace.__call__ }}", "{{ x|attr('__class__') }}", "{{ self.__dict__ }}",
    ])
    func `no attribute leads out of the values`(_ text: String) throws {
        let template = try TextTemplate(parsing: text)
        let rendered = try? template.render(["x": ["a": 1]])
        #expect(rendered == nil || rendered == "")
    }
}
