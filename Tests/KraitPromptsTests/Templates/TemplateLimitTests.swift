import KraitPrompts
import KraitWire
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TemplateLimitTests {
    private static func failure(
        _ text: String,
        _ values: ValueMap = [:],
        loader: TemplateLibrary = [:],
        _ change: (inout TemplateLimits) -> Void = { _ in }
    ) -> TemplateError? {
        var options = TemplateOptions()
        change(&options.limits)
        do throws(TemplateError) {
            let template = try TextTemplate(parsing: text, options: options, loader: loader)
            _ = try template.render(values)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a template's length and nesting are bounded`() {
        let long = Self.failure(String(repeating: "x", count: 1 << 20 + 1))
        #expect(long?.kind == .limit)
        #expect(long?.reason.contains("longer than 1048576 bytes") == true)
        let nested = [
            String(repeating: "{% if a %}", count: 1_000),
            "{{ " + String(repeating: "(", count: 1_000) + String(repeating: ")", count: 1_000)
                + "}}",
            "{{ " + String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
                + "}}",
            "{{ " + String(repeating: "not ", count: 1_000) + "a }}",
            "{{ " + String(repeating: "-", count: 1_000) + "1 }}",
            "{{ a" + String(repeating: ".a", count: 1_000) + " }}",
            "{{ a" + String(repeating: "|upper", count: 1_000) + " }}",
            "{{ 1" + String(repeating: " + 1", count: 1_000) + " }}",
            "{{ 1" + String(repeating: " if 1 else 1", count: 1_000) + " }}",
        ]
        for text in nested {
            let error = Self.failure(text)
            #expect(error?.kind == .limit, "\(text.prefix(20)): \(error as Any)")
        }
        #expect(Self.failure("{{ " + String(repeating: "'a' ~ ", count: 5_000) + "1 }}") == nil)
        let listed = "[" + String(repeating: "1, ", count: 5_000) + "]"
        #expect(Self.failure("{{ \(listed)|length }}") == nil)
    }

    @Test func `loops and filters go over so many elements and no more`() {
        let loops =
            "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}"
        let values: ValueMap = ["l": .list(Array(repeating: 1, count: 50))]
        let error = Self.failure(loops, values) { $0.repetitions = 10_000 }
        #expect(error?.kind == .limit)
        #expect(error?.line == 1)
        let texts = [
            "{{ [0] * 1000000000 }}", "{{ (l|list) * 100000 }}", "{{ range(20000)|list|sort }}",
            "{{ l|map('string')|list * 1000 }}",
        ]
        for text in texts {
            let error = Self.failure(text, values) { $0.repetitions = 10_000 }
            #expect(error?.kind == .limit, "\(text) \(error as Any)")
        }
        let long = Self.failure("{{ range(100001) }}")
        #expect(long?.reason == "a range may have 100000 elements at most")
    }

    @Test(arguments: [
        "{{ 'x' * 1000000000000 }}", "{{ 'x'|center(100000000) }}", "{{ '%9999999d' % 1 }}",
        "{% for i in range(2000) %}{{ x }}{% endfor %}", "{{ x|replace('', x) }}",
        "{% set n = namespace(s=x) %}{% for i in range(40) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s='') %}{% for i in range(9000) %}{% set n.s = n.s~x %}{% endfor %}",
        "{{ x|indent(100000000) }}", "{{ [x]|tojson(indent=100000000) }}", "{{ x.zfill(9999999) }}",
        "{{ ((x ~ '\\n') * 90) | indent(2000, true) }}", "{{ x|join(x) }}", "{{ x|join(x|e|e|e) }}",
    ])
    func `text has an end, on the way too`(_ text: String) {
        let values: ValueMap = ["x": .string(String(repeating: "<", count: 1_000))]
        let error = Self.failure(text, values) { $0.outputBytes = 100_000 }
        #expect(error?.kind == .limit, "\(error as Any)")
    }

    @Test func `what calls itself is stopped`() {
        let library: TemplateLibrary = [
            "self": "{% include 'self' %}", "import": "{% import 'import' as x %}",
            "extends": "{% extends 'extends' %}",
        ]
        let texts = [
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            "{% block a %}{{ self.a() }}{% endblock %}", "{% include 'self' %}",
            "{% import 'import' as x %}",
        ]
        for text in texts {
            let error = Self.failure(text, loader: library)
            #expect(error?.kind == .limit, "\(text) \(error as Any)")
        }
        #expect(Self.failure("{% extends 'extends' %}", loader: library)?.kind == .limit)
    }

    @Test func `values made by a template are nested so deep and no deeper`() {
        let texts = [
            "{% set ns.l = [ns.l] %}", "{% set ns.l = {'a': ns.l} %}", "{% set ns.l = (ns.l,) %}",
            "{% set ns.l = [ns.l]|map('list') %}", "{% set ns.l = cycler(ns.l) %}",
            "{% set ns.l = ns.l|batch(1) %}", "{% set ns.l = {'a': ns.l}.items %}",
            "{% set ns.l = cycler(ns.l).next %}",
            "{% for x in [ns.l] %}{% set ns.l = loop %}{% endfor %}",
        ]
        for text in texts {
            let whole =
                "{% set ns = namespace(l=[]) %}{% for i in range(9000) %}\(text){% endfor %}"
            let error = Self.failure(whole.replacing("for x in", with: "for x in"))
            let usesLoop = text.contains("loop")
            #expect(error?.kind == .limit || usesLoop, "\(text) \(error as Any)")
        }
        // Each namespace holds the one before: taken apart one by one at the end.
        let chain =
            "{% set ns = namespace() %}{% for i in range(50000) %}"
            + "{% set ns.p = namespace(p=ns.p) %}{% endfor %}{{ 'done' }}"
        #expect(Self.failure(chain) == nil)
        let itself = "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}"
        #expect(Self.failure(itself)?.kind == .limit)
        let shared =
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}"
            + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
        for use in ["{{ ns.l }}", "{{ ns.l == ns.l|list }}", "{{ ns.l|tojson }}"] {
            let error = Self.failure(shared + use) { $0.outputBytes = 1 << 20 }
            #expect(error?.kind == .limit, "\(use) \(error as Any)")
        }
    }

    @Test func `a big input costs what the template reads of it`() throws {
        var values = ValueMap((0..<10_000).map { ("field\($0)", Value.int(Int64($0))) })
        values["text"] = .string(String(repeating: "word ", count: 200_000))
        let names = (0..<2_000).map { "{{ field\($0 * 5) }}" }.joined()
        let text = try TextTemplate(parsing: names + "{{ text|length }}{{ text|replace('w', '') }}")
        let rendered = try text.render(values)
        #expect(rendered.utf8.count > 800_000)
    }

    @Test func `compiled templates are shared between threads, so many and no more`() async throws {
        let cache = TemplateCache(capacity: 8)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for index in 0..<200 {
                        let number = (index * 7 + thread) % 20
                        let text = "\(number):{{ x }}{% for i in range(3) %}{{ i }}{% endfor %}"
                        let template = try TextTemplate(parsing: text, cache: cache)
                        let rendered = try template.render(["x": .int(Int64(thread))])
                        guard rendered == "\(number):\(thread)012" else { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(cache.count <= 8)
        let none = TemplateCache(capacity: 0)
        #expect(try TextTemplate(parsing: "{{ 1 }}", cache: none).render([:]) == "1")
        #expect(none.count == 0)
    }

    @Test func `the same text with other options is another template`() throws {
        let cache = TemplateCache(capacity: 8)
        let text = "{% if true %}\nx{% endif %}"
        var trimming = TemplateOptions()
        trimming.trimsBlocks = true
        #expect(try TextTemplate(parsing: text, cache: cache).render([:]) == "\nx")
        #expect(try TextTemplate(parsing: text, options: trimming, cache: cache).render([:]) == "x")
        #expect(cache.count == 2)
    }
}
