import Krait
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

private func read(_ text: String, file: String = "krait.yaml") throws -> Configuration {
    try Configuration(yaml: Array(text.utf8), file: file)
}

@Suite struct ConfigurationTests {
    private static let whole = """
        name: support-desk
        log_level: debug
        run_directory: /run/krait
        drain_timeout: 5s
        routing: prefer-python
        pools:
          general:
            adapter: dspy
            workers: 4
            slots: 8
            python: .venv
            path: [adapters, /opt/more]
            environment: {OMP_NUM_THREADS: 1}
            start: exec
            codec: json
            queue_limit: 10
            timeout: 90s
            heartbeat: 250ms
            start_timeout: 2m
            max_age: 24h
            max_calls: 1000
            max_memory: 1.5GB
            recover_after: 10s
            options: {cache: false}
            programs: {rag: my_rag:Rag, wide: {class: my_rag:Rag, arguments: {k: 20}}}
            lm:
              model: openai/gpt-4o-mini
              api_base: http://127.0.0.1:1/v1
              key_env: MY_KEY
              model_type: chat
              temperature: 0
              max_tokens: 100
              num_retries: 3
              timeout: 1.5
              cache: true
          mine:
            adapter: shop.adapters:Pricing
            options: {table: [1, 2.5, yes, "7", null, true], depth: {a: -3}}
        """

    @Test func `a whole configuration is read`() throws {
        let configuration = try read(Self.whole, file: "etc/krait.yaml")
        let general = PythonPool(
            "general",
            adapter: Adapter(
                name: "dspy",
                options: [
                    "cache": false,
                    "lm": [
                        "model": "openai/gpt-4o-mini", "api_base": "http://127.0.0.1:1/v1",
                        "key_env": "MY_KEY", "model_type": "chat", "temperature": 0.0,
                        "max_tokens": 100, "num_retries": 3, "timeout": 1.5, "cache": true,
                    ],
                    "programs": [
                        "rag": "my_rag:Rag",
                        "wide": ["class": "my_rag:Rag", "arguments": ["k": 20]],
                    ],
                ]
            ),
            workers: 4,
            slots: 8,
            python: "etc/.venv",
            start: .exec,
            codec: .json,
            queueLimit: 10,
            timeout: .seconds(90),
            heartbeat: .milliseconds(250),
            startTimeout: .seconds(120),
            maxAge: .seconds(86_400),
            maxCalls: 1_000,
            maxMemory: 3 << 29,
            recoverAfter: .seconds(10),
            environment: ["OMP_NUM_THREADS": "1"],
            path: ["etc/adapters", "/opt/more"]
        )
        let mine = PythonPool(
            "mine",
            adapter: Adapter(
                name: "shop.adapters:Pricing",
                options: [
                    "table": [1, 2.5, "yes", "7", nil, true], "depth": ["a": -3],
                ]
            )
        )
        #expect(configuration.name == "support-desk")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.runDirectory == "/run/krait")
        #expect(configuration.drainTimeout == .seconds(5))
        #expect(configuration.routing == .preferPython)
        #expect(configuration.pools == [general, mine])
    }

    @Test(arguments: ["", "\n# nothing\n", "---\n", "pools:\n", "{}"])
    func `a file that says nothing is the defaults`(_ text: String) throws {
        #expect(try read(text) == Configuration())
    }

    @Test func `anchors, aliases and merge keys are understood`() throws {
        let configuration = try read(
            """
            pools:
              a: &base
                adapter: dspy
                workers: 3
                lm: &lm {model: m/one}
              b:
                <<: *base
                workers: 5
              c:
                <<: [{slots: 2}, *base]
                lm: {<<: *lm, temperature: 1}
            """
        )
        #expect(configuration.pools.map(\.workers) == [3, 5, 3])
        #expect(configuration.pools.map(\.slots) == [16, 16, 2])
        let settings: ValueMap = ["lm": ["model": "m/one", "temperature": 1.0]]
        #expect(configuration.pools[2].adapter.options == settings)
    }

    @Test(arguments: [
        // Unknown keys.
        ("nmae: x", "1:1: unknown key \"nmae\"; did you mean `name`?"),
        (
            "pools:\n  a:\n    adapter: echo\n    wrokers: 2",
            "4:5: unknown key \"wrokers\" in pools.a; did you mean `workers`?"
        ),
        (
            "xyzzy: 1",
            "1:1: unknown key \"xyzzy\"; valid are name, log_level, drain_timeout, routing, "
                + "run_directory, lm, sessions, pools"
        ),
        (
            "pools: {a: {adapter: dspy, lm: {modle: x}}}",
            "1:33: unknown key \"modle\" in pools.a.lm; did you mean `model`?"
        ),
        // Wrong types.
        ("name: [a]", "1:7: name must be a value"),
        ("name:", "1:6: name must be a value"),
        ("pools: [a]", "1:8: pools must be a map, not a list"),
        ("pools: {a: echo}", "1:12: pools.a must be a map, not a text"),
        ("pools: {a: {adapter: echo, workers: many}}", "1:37: pools.a.workers must be an integer"),
        ("pools: {a: {adapter: echo, workers: 2.0}}", "1:37: pools.a.workers must be an integer"),
        ("pools: {a: {adapter: echo, path: {b: c}}}", "pools.a.path must be a list of text"),
        ("pools: {a: {adapter: echo, path: [[b]]}}", "pools.a.path[0] must be a value (text)"),
        (
            "pools: {a: {adapter: echo, environment: {b: []}}}",
            "1:45: pools.a.environment.b must be text, not a list"
        ),
        ("pools: {a: {adapter: dspy, lm: gpt}}", "1:32: pools.a.lm must be a map, not a text"),
        ("- a", "1:1: the configuration must be a map, not a list"),
        ("? [a]\n: b", "1:3: a key must be text, not a list"),
        // Bad values.
        ("drain_timeout: 30", "1:16: drain_timeout must be a time with its unit"),
        ("log_level: loud", "1:12: log_level must be one of trace, debug"),
        ("log_level: eror", "did you mean error?"),
        ("routing: native", "1:10: routing must be one of prefer-native, prefer-python, fastest"),
        ("name: a/b", "1:7: name must be 1 to 64"),
        ("pools: {native: {adapter: echo}}", "1:9: a pool's name must not be \"native\""),
        ("pools: {a: {adapter: dsyp}}", "1:22: pools.a.adapter must be an adapter"),
        ("pools: {a: {workers: 2}}", "1:9: pools.a has no adapter; add `adapter: dspy`"),
        ("pools: {a: {adapter: echo, lm: {model: x}}}", "pools.a.lm: the echo adapter has no LM"),
        (
            "pools: {a: {adapter: echo, programs: {rag: a:B}}}",
            "pools.a.programs: only the dspy adapter"
        ),
        // Duplicates.
        ("name: a\nname: b", "2:1: the key \"name\" is there twice, first in line 1"),
        (
            "pools:\n  a: {adapter: echo}\n  a: {adapter: echo}",
            "3:3: the key \"a\" is there twice, first in line 2"
        ),
        // Secrets.
        (
            "pools: {a: {adapter: dspy, lm: {api_key: sk-123}}}",
            "1:33: pools.a.lm.api_key looks like"
        ),
        (
            "pools: {a: {adapter: x:Y, options: {b: [{token: t}]}}}",
            "pools.a.options.b[0].token looks"
        ),
        (
            "pools: {a: {adapter: echo, environment: {OPENAI_API_KEY: sk-123}}}",
            "name the variable: `key_env: OPENAI_API_KEY`"
        ),
        ("api_key: sk-123", "1:1: api_key looks like a secret"),
        ("pools: {a: {adapter: dspy, lm: {key_env: sk-123}}}", "not a key itself"),
        // Not YAML.
        ("name: [a", "did not find expected ',' or ']'"),
        ("name: a\n b: c", "2:3: mapping values are not allowed"),
        ("\tname: a", "1:1: "),
        ("name: *nobody", "1:7: found undefined alias"),
        ("name: a\n---\nname: b", "3:1: a second document begins here"),
        ("<<: 1", "1:5: `<<` merges a map"),
    ])
    func `what is wrong is told with its place`(_ text: String, _ expected: String) {
        let error = #expect(throws: ConfigurationProblems.self) { try read(text) }
        let description = error?.description ?? ""
        #expect(description.hasPrefix("krait.yaml:"))
        #expect(description.contains(expected), "\(description)")
        #expect(!description.contains("sk-123"))
    }

    @Test func `all problems are told at once, in the file's order`() {
        let error = #expect(throws: ConfigurationProblems.self) {
            try read("pools:\n  a: {adapter: dspi, slots: 0}\nlog_level: x\nbad: 1\n")
        }
        #expect(error?.problems.compactMap(\.position?.line) == [2, 2, 3, 4])
    }

    @Test func `many problems are cut off and counted`() {
        let text = (0..<50).map { "unknown\($0): 1\n" }.joined()
        let error = #expect(throws: ConfigurationProblems.self) { try read(text) }
        #expect(error?.problems.count == ConfigurationProblems.limit)
        #expect(error?.description.hasSuffix("and 30 more") == true)
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        let error = #expect(throws: ConfigurationProblems.self) {
            try Configuration(yaml: [0x6E, 0x3A, 0x20, 0xFF, 0xFE, 0x0A], file: "k")
        }
        #expect(error?.description.contains("UTF-8") == true)
    }

    @Test func `aliases of aliases cannot blow up`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: ConfigurationProblems.self) { try read(text) }
        #expect(error?.problems.count == 1)
        #expect(error?.description.contains("aliases resolved") == true)
    }

    @Test func `nesting is bounded`() {
        let text =
            "name: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let error = #expect(throws: ConfigurationProblems.self) { try read(text) }
        #expect(error?.description.contains("nested too deep") == true)
    }

    @Test func `pools and bytes are bounded`() {
        let pools = (0..<65).map { "  p\($0): {adapter: echo}\n" }.joined()
        let tooMany = #expect(throws: ConfigurationProblems.self) { try read("pools:\n\(pools)") }
        #expect(tooMany?.description == "krait.yaml:2:3: more than 64 pools")
        let long = String(repeating: "# comment\n", count: 200_000)
        let tooLong = #expect(throws: ConfigurationProblems.self) { try read(long) }
        #expect(tooLong?.description == "krait.yaml: the file has more than 1048576 bytes")
    }

    @Test func `a file that is not there says so`() {
        let error = #expect(throws: ConfigurationProblems.self) {
            try Configuration(file: "/nowhere/krait.yaml")
        }
        #expect(
            error?.description == "/nowhere/krait.yaml: cannot be read: No such file or directory"
        )
    }

    @Test func `the reference is a valid file of the defaults, with every key`() throws {
        let text = ConfigurationReference.text
        var expected = Configuration()
        expected.pools = [PythonPool("general", adapter: Adapter(name: "dspy"))]
        #expect(try read(text) == expected)
        for setting in [Setting<ConfigurationDraft>].top {
            #expect(text.contains("\(setting.name):"))
        }
        for setting in [Setting<PoolDraft>].pool { #expect(text.contains(" \(setting.name):")) }
        for setting in [Setting<ValueMap>].languageModel {
            #expect(text.contains("      # \(setting.name): "))
        }
        for part in [Setting<ConfigurationDraft>].top.flatMap(\.parts) {
            #expect(text.contains(" \(part.name):"))
        }
        for line in text.split(separator: "\n") { #expect(line.count <= HelpText.width) }
    }

    @Test func `what the reference has behind a hash is valid as well`() throws {
        let known =
            [Setting<ConfigurationDraft>].top.map(\.name)
            + [Setting<PoolDraft>].pool.map(\.name) + [Setting<ValueMap>].languageModel.map(\.name)
        let lines = ConfigurationReference.text.split(separator: "\n").map { line -> String in
            let isKey = known.contains { line.drop { $0 == " " }.hasPrefix("# \($0): ") }
            return String(isKey ? line.replacing("# ", with: "", maxReplacements: 1) : line)
        }
        let configuration = try read(lines.joined(separator: "\n"))
        #expect(configuration.runDirectory == "/run/krait")
        #expect(configuration.pools[0].adapter.options["lm"]?["model"] == "openai/gpt-4o-mini")
        #expect(configuration.pools[0].environment == ["OMP_NUM_THREADS": "1"])
    }

    @Test func `the cache of answers is declared, its file beside the configuration`() throws {
        let found = try read(
            "lm:\n  cache:\n    disk: 2GB\n    file: a.sqlite\n    entries: 7\n    memory: 1MB\n"
        )
        #expect(found.cache.entries == 7)
        #expect(found.cache.bytes == 1 << 20)
        #expect(found.cache.disk?.file.hasSuffix("a.sqlite") == true)
        #expect(found.cache.disk?.bytes == 2 << 30)
        #expect(try read("lm: {cache: {disk: 1GB}}").cache.disk == nil)
        #expect(throws: ConfigurationProblems.self) { _ = try read("lm: {cache: {fiel: x}}") }
    }

    @Test func `sessions are declared, their folder beside the configuration`() throws {
        let found = try read(
            "sessions:\n  folder: kept\n  limit: 7\n  limit_per_caller: 2\n  disk: 1GB\n"
        )
        #expect(found.sessions.folder?.hasSuffix("kept") == true)
        #expect(found.sessions.limit == 7)
        #expect(found.sessions.limitPerCaller == 2)
        #expect(found.sessions.bytes == 1 << 30)
        #expect(throws: ConfigurationProblems.self) { _ = try read("sessions: {limit: 0}") }
    }

    @Test(arguments: [
        ("api_key", true), ("API-KEY", true), ("OPENAI_API_KEY", true), ("token", true),
        ("HF_TOKEN", true), ("clientSecret", true), ("db_password", true), ("key_env", false),
        ("max_tokens", false), ("model", false), ("tokenizer", false), ("keys", false),
    ])
    func `names of secrets are told from others`(_ name: String, _ isSecret: Bool) {
        #expect(SecretName.matches(name) == isSecret)
    }
}
