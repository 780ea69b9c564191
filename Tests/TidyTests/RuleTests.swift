import Testing

/// The rules, on text that breaks them and on text that nearly does.
@Suite struct RuleTests {
    private func file(_ text: String, at path: String = "Sources/KraitWire/A.swift") -> SourceFile {
        SourceFile(path, text)
    }

    // MARK: The mask

    @Test(arguments: [
        ("let a = 1 // try!", "let a = 1 "),
        ("let a = \"try!\"", "let a = \"\""),
        (#"let a = "\(try! f("x"))" + b"#, #"let a = "(try! f(""))" + b"#),
        (##"let a = #"\(x) "y" \#(z)"# + b"##, ##"let a = "(z)" + b"##),
        (#"let a = "\\" + "\"try!" + b"#, #"let a = "" + "" + b"#),
        ("a /* try! /* b */ c */ d", "a  d"),
        ("@Test func `a // b { \"`() {}", "@Test func `name`() {}"),
    ])
    func `comments and strings are masked`(line: String, code: String) {
        #expect(file(line).code == [code])
    }

    @Test func `comments and strings of several lines are masked`() {
        let text = """
            let a = \"\"\"
                try! "quoted" \\(value + "x")
                \"\"\"
            /* one
               try! */ let b = 2
            """
        #expect(file(text).code == ["let a = \"", "(value + \"\")", "\"", "", " let b = 2"])
    }

    // MARK: Layering

    @Test(arguments: [
        ("Sources/KraitWire/A.swift", "import CMessagePack", true),
        ("Sources/KraitWire/A.swift", "import Glibc", true),
        ("Sources/KraitWire/A.swift", "import KraitRouting", false),
        ("Sources/KraitWire/A.swift", "package import KraitRouting", false),
        ("Sources/KraitWire/A.swift", "import struct KraitRouting.Router", false),
        ("Sources/KraitWire/A.swift", "// import KraitRouting", true),
        // An arrow carries those beneath it, but not their C.
        ("Sources/KraitPipelines/A.swift", "import KraitWire", true),
        ("Sources/KraitPipelines/A.swift", "import CMessagePack", false),
        ("Sources/KraitPooling/A.swift", "import KraitWorkers", false),
        // The umbrella carries nothing.
        ("Sources/KraitCommand/main.swift", "import Krait", true),
        ("Sources/KraitCommand/main.swift", "import KraitPooling", false),
        ("Benchmarks/Echo.swift", "import CZeroMQ", true),
        ("Benchmarks/Echo.swift", "import KraitWorkers", true),
        ("Benchmarks/Echo.swift", "import KraitPooling", false),
        ("Benchmarks/Echo.swift", "import KraitZeroMQ", false),
        ("Sources/KraitNovelty/A.swift", "", false),
        ("Sources/KraitWire/A.swift", "@testable import CMessagePack", false),
        ("Sources/KraitWire/A.swift", "@_exported import CMessagePack", false),
        ("Sources/Krait/A.swift", "@_exported import KraitWire", true),
        ("Sources/KraitPooling/A.swift", "public struct A {}", false),
        ("Sources/KraitPooling/A.swift", "package struct A {} // not public", true),
        ("Sources/KraitWire/A.swift", "public struct A {}", true),
        ("Tests/KraitWireTests/A.swift", "@testable import KraitRouting", true),
    ])
    func `arrows point downward`(path: String, text: String, isFine: Bool) {
        let findings = Layering.findings(in: file(text, at: path))
        #expect(findings.isEmpty == isFine, "\(findings)")
    }

    // MARK: Bans

    @Test(arguments: [
        "Task { await f() }", "let task = Task { 1 }", "Task{ }", "Task(priority: .high) { }",
        "Task<Void, Never> { }", "Task<[String: (Int)], any Error>(name: \"x\") { }",
        "Task.detached { }", "final class A: @unchecked Sendable {",
        "nonisolated(unsafe) var a = 1",
        "let a = try! f()", "fatalError(\"x\")", "import Synchronization", "let p = Process()",
        "let p = Foundation.Process()", "print(\"x\")",
    ])
    func `what is banned is found and can be allowed`(text: String) {
        #expect(Bans.findings(in: file(text)).count >= 1)
        #expect(Bans.findings(in: file("// Allowed: because.\n\(text)")) == [])
        #expect(Bans.findings(in: file("// Allowed: because of\n// much.\n\(text)")) == [])
        #expect(Bans.findings(in: file("// Allowed: because.\n\n\(text)")) != [])
        #expect(Bans.findings(in: file("// Allowed\n\(text)")) != [])
    }

    @Test(arguments: [
        "try await Task.sleep(for: .seconds(1))", "sleep(1)", "_ = Glibc.sleep(1)", "usleep(10)",
        "Thread.sleep(forTimeInterval: 1)",
    ])
    func `sleep is banned in tests`(text: String) {
        #expect(Bans.findings(in: file(text, at: "Tests/KraitWireTests/A.swift")).count >= 1)
        #expect(Bans.findings(in: file(text)) == [])
    }

    @Test(arguments: [
        "extension Task {", "func f() -> Task<Void, Never> {", "MyTask { }", "Task.yield()",
        "withTaskGroup { group in", "try? f()", "retry!", "// try! here", "let a = \"fatalError\"",
        "func print(_ a: Int) {\n}\nprint(1)", "ProcessInfo.processInfo",
        "let a: Task<Void, Never>", "blueprint(a)", "Task.isCancelled",
    ])
    func `what only looks banned is not found`(text: String) {
        #expect(Bans.findings(in: file(text)) == [])
    }

    @Test(arguments: ["try await clock.sleep(for: .seconds(1))", "func sleep(until: Instant) {"])
    func `a clock may sleep in tests`(text: String) {
        #expect(Bans.findings(in: file(text, at: "Tests/KraitWireTests/A.swift")) == [])
    }

    @Test(arguments: ["Sources/KraitCommand/A.swift", "Benchmarks/A.swift", "Tests/A/A.swift"])
    func `some may print`(path: String) {
        #expect(Bans.findings(in: file("print(1)", at: path)) == [])
    }

    @Test func `the table of exceptions must be exact`() {
        let one = file("// Allowed: a\ntry! f()", at: "Sources/KraitWire/One.swift")
        let none = file("let a = 1", at: "Sources/KraitWire/None.swift")
        func findings(_ table: [String: Int]) -> [String] {
            Bans.allowanceFindings(in: [one, none], allowances: table).map(\.path)
        }
        #expect(findings([one.path: 1]) == [])
        #expect(findings([:]) == [one.path])
        #expect(findings([one.path: 2]) == [one.path])
        #expect(findings([one.path: 1, none.path: 1]) == [none.path])
        #expect(findings([one.path: 1, "Gone.swift": 1]) == ["Gone.swift"])
    }

    // MARK: Lengths

    @Test func `a file's length and a line's length have limits`() {
        let lines = String(repeating: "let a = 1\n", count: 400)
        #expect(Lengths.findings(in: file(lines)) == [])
        #expect(Lengths.findings(in: file(lines + "let b = 1\n")).count == 1)
        #expect(Lengths.findings(in: file(lines + "b = 1\n", at: "python/a.py")).count == 1)
        let line = String(repeating: "é", count: 100)
        #expect(Lengths.findings(in: file(line)) == [])
        #expect(Lengths.findings(in: file("\(line)x")).first?.line == 1)
        #expect(Lengths.findings(in: file("\(line)x", at: "README.md")) == [])
    }

    @Test(arguments: [
        ("func f() {\n\n}", [3]), ("func f() {}", [1]), ("func f()\n    -> Int\n{\n1 }", [4]),
        ("func f(\n    a: () -> Void = { }\n) {\n    if a { }\n}", [5]),
        ("init() {\n}\ndeinit {\n}\nsubscript(i: Int) -> Int {\n    1\n}", [2, 2, 3]),
        ("protocol P {\n    func f()\n    func g() -> Int\n}", []),
        ("let a = A.init(b)\nif c {\n}", []), ("self.init()\nif c {\n}", []),
        ("func f() {\n    func g() {\n    }\n}", [4, 2]),
    ])
    func `the functions of Swift are measured`(text: String, lengths: [Int]) {
        #expect(Lengths.swiftFunctions(file(text)).map(\.length) == lengths)
    }

    @Test(arguments: [
        ("def f():\n    a\n\n    b\n\n\ndef g(): pass", [4, 1]),
        ("class A:\n    def f(\n        self,\n    ) -> int:\n        return 1\n    b = 1", [4]),
        ("async def f():\n    def g():\n        a\n    b", [4, 2]),
    ])
    func `the functions of Python are measured`(text: String, lengths: [Int]) {
        let file = file(text, at: "python/a.py")
        #expect(Lengths.pythonFunctions(file).map(\.length) == lengths)
    }

    @Test func `a function's length has a limit`() {
        let body = String(repeating: "    a()\n", count: 68)
        #expect(Lengths.findings(in: file("func f() {\n\(body)}")) == [])
        #expect(Lengths.findings(in: file("func f() {\n\(body)\n}")).first?.line == 1)
        let python = "def f():\n\(body)    a()\n    a()\n"
        #expect(Lengths.findings(in: file(python, at: "python/a.py")).first?.line == 1)
    }

    // MARK: Wording

    @Test(arguments: [
        "Sources/KraitWire/Utils.swift", "Sources/KraitWire/StringHelpers.swift",
        "Sources/Common/A.swift", "python/src/krait_worker/utils.py", "Sources/K/PoolManager.swift",
        "python/tests/test_helpers.py",
    ])
    func `names that say nothing are found`(path: String) {
        #expect(Wording.findings(in: file("", at: path)).count == 1)
    }

    @Test(arguments: ["Sources/KraitWire/Utility.swift", "Sources/KraitWire/Uncommon.swift"])
    func `names that say something are not`(path: String) {
        #expect(Wording.findings(in: file("", at: path)) == [])
    }

    @Test(arguments: [
        ("// TODO: later", false), ("# FIXME", false), ("see /root/x", false),
        ("cd /home/me", false), ("/tmp/a.sock", false), ("/tmp/krait-1000/a.sock", true),
        ("a todo list", true), ("~/.cache", true),
        ("TODOS", true), ("/run/krait", true),
    ])
    func `notes and machines are found in any file`(text: String, isFine: Bool) {
        for path in ["Sources/KraitWire/A.swift", "python/a.py", "README.md", ".ci/test"] {
            #expect(Wording.findings(in: file(text, at: path)).isEmpty == isFine)
        }
    }

    // MARK: Suites

    @Test(arguments: [
        ("@Test func `a sentence`() {", true), ("@Test func name() {", false),
        ("@Test(arguments: [\n    1,\n])\nfunc name(a: Int) {", false),
        ("@Test func `a`() async {", false),
        ("@Suite(.timeLimit(.minutes(1))) struct A {\n@Test func `a`() async {", true),
        ("@Test func `a`()\n    async throws\n{", false), ("func f() async {", true),
        ("@Test func `a`() {\n}\n\nfunc f() {", true), ("import XCTest", false),
    ])
    func `tests have sentences for names and limits`(text: String, isFine: Bool) {
        let findings = Suites.findings(in: file(text, at: "Tests/KraitWireTests/A.swift"))
        #expect(findings.isEmpty == isFine, "\(findings)")
        #expect(Suites.findings(in: file(text)) == [])
    }

    // MARK: Documents

    @Test func `a document's code must be an example's to the byte`() {
        let text = """
            # Krait
            ```swift
            import Krait
            ```
            ```
            not Swift
            ```

            ```swift
            let a
            ```
            """
        let readme = file(text, at: "README.md")
        #expect(Documents.swiftBlocks(in: readme).map(\.line) == [2, 9])
        #expect(Documents.swiftBlocks(in: readme).map(\.text) == ["import Krait\n", "let a\n"])
        let first = file("import Krait\n", at: "Tests/ReadmeExamples/A.swift")
        let second = file("let  a\n", at: "Tests/ReadmeExamples/B.swift")
        let findings = Documents.exampleFindings(in: readme, examples: [first, second])
        #expect(findings.map(\.line) == [9])
    }

    @Test func `a link must lead to a file`() {
        let text = "[a](b.md) [c](../d.md#e) [f](https://g.h) [i](#j)\n[k](./l/m.md \"n\")\n"
        let page = file(text, at: "docs/page.md")
        let all = ["docs/b.md", "d.md", "docs/l/m.md"]
        #expect(Documents.linkFindings(in: page, exists: all.contains) == [])
        for missing in all {
            let findings = Documents.linkFindings(in: page) { all.contains($0) && $0 != missing }
            #expect(findings.count == 1)
        }
    }

    @Test func `a finding says where it is`() {
        #expect(Finding(file(""), 3, "no").description == "Sources/KraitWire/A.swift:3: no")
        #expect(Finding(file(""), "no").description == "Sources/KraitWire/A.swift: no")
    }
}
