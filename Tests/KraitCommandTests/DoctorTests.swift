import Glibc
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite struct DiagnosisTests {
    /// A machine on which all is well.
    private static let healthy: DoctorFacts = {
        var facts = DoctorFacts()
        facts.libraries = [.init(name: "libzmq", package: "libzmq5", version: "4.3.4")]
        var python = DoctorFacts.Interpreter(asked: nil)
        python.path = "/usr/bin/python3"
        python.version = "3.11.2"
        python.packages = [
            "krait_worker": "0.1.0", "krait_worker.offline_lm": "present", "dspy": "3.4.1",
        ]
        python.protocolVersion = 1
        facts.interpreters = [python]
        facts.memory = .init(bytes: 8 << 30, isOfGroup: false, workerBytes: 0)
        facts.sharedMemory = .init(isWritable: true, freeBytes: 1 << 30)
        facts.runDirectory = .free(path: "/run/user/1/krait/default")
        facts.hasDebianPolicy = true
        facts.echo = .answered(milliseconds: 0.3)
        return facts
    }()

    private func findings(_ change: (inout DoctorFacts) -> Void) -> [Finding] {
        var facts = Self.healthy
        change(&facts)
        return Diagnosis(facts: facts).findings
    }

    @Test func `all is well`() {
        let findings = findings { _ in }
        #expect(findings.allSatisfy { $0.level == .ok && $0.remedy == nil })
        #expect(
            findings.map(\.title) == [
                "libzmq", "python", "krait_worker", "offline LM", "dspy", "memory",
                "/dev/shm", "run directory", "configuration", "keys", "debian-policy",
                "echo round trip",
            ]
        )
    }

    /// A change to a machine on which all was well, and what the doctor makes of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let title: String
        let level: Finding.Level
        /// Part of the remedy, or of the detail where all is well.
        let text: String
        let change: @Sendable (inout DoctorFacts) -> Void

        init(
            _ title: String,
            _ level: Finding.Level,
            _ text: String,
            _ change: @escaping @Sendable (inout DoctorFacts) -> Void
        ) {
            self.title = title
            self.level = level
            self.text = text
            self.change = change
        }

        var testDescription: String { "\(title): \(text)" }
    }

    static let cases: [Case] = [
        Case("memory", .ok, "each held to its memory_limit by RLIMIT_DATA") {
            $0.memory.workerBytes = 8 << 30
        },
        Case("memory", .warn, "lower memory_limit or workers") {
            $0.memory = .init(bytes: 4 << 30, isOfGroup: true, workerBytes: 5 << 30)
        },
        Case("libzmq", .fail, "apt-get install libzmq5") {
            $0.libraries[0] = .init(name: "libzmq", package: "libzmq5", version: nil)
        },
        Case("python", .fail, "apt-get install python3") { $0.interpreters[0].path = nil },
        Case("python", .fail, "a pool's `python`") {
            $0.interpreters[0].problem = "does not answer"
        },
        Case("python", .fail, "Python 3.11 or later") { $0.interpreters[0].version = "3.9.2" },
        Case("python", .fail, "Python 3.11 or later") { $0.interpreters[0].version = "garbage" },
        Case("krait_worker", .fail, "the folder `python` of Krait") {
            $0.interpreters[0].packages["krait_worker"] = nil
        },
        Case("krait_worker", .fail, "of the same version") {
            $0.interpreters[0].protocolVersion = 2
        },
        Case("offline LM", .warn, "KRAIT_LM") {
            $0.interpreters[0].packages["krait_worker.offline_lm"] = nil
        },
        Case("dspy", .fail, "-m pip") { $0.interpreters[0].packages["dspy"] = nil },
        Case("/dev/shm", .warn, "mount a tmpfs") { $0.sharedMemory.isWritable = false },
        Case("/dev/shm", .warn, "--shm-size") { $0.sharedMemory.freeBytes = 1 << 20 },
        Case("run directory", .warn, "`krait stop`, then `krait start`") {
            $0.runDirectory = .running(path: "/r", pid: 7, version: "0.0.1")
        },
        Case("run directory", .fail, "KRAIT_RUN_DIRECTORY") {
            $0.runDirectory = .problem("belongs to another user")
        },
        Case("configuration", .fail, "mend krait.yaml") {
            $0.configuration = .invalid(file: "krait.yaml", problems: "1:1: x")
        },
        Case("key MY_KEY", .fail, "export MY_KEY") { $0.missingKeyVariables = ["MY_KEY"] },
        Case("keys", .warn, "OPENAI_API_KEY") { $0.model = "openai/x" },
        Case("debian-policy", .warn, "apt-get install debian-policy") {
            $0.hasDebianPolicy = false
        },
        Case("echo round trip", .fail, "--log-level debug") { $0.echo = .failed("no worker") },
        Case("run directory", .ok, "pid 7") {
            $0.runDirectory = .running(path: "/r", pid: 7, version: VersionCommand.version)
        },
        Case("configuration", .ok, "k.yaml, 1 pool") {
            $0.configuration = .valid(file: "k.yaml", pools: 1)
        },
        Case("configuration", .ok, "k.yaml, 2 pools") {
            $0.configuration = .valid(file: "k.yaml", pools: 2)
        },
        Case("keys", .ok, "set: OPENAI_API_KEY") { $0.keyVariables = ["OPENAI_API_KEY"] },
        Case("python (.venv)", .ok, "3.12.1 at /p") {
            $0.interpreters[0] = .init(
                asked: ".venv",
                path: "/p",
                version: "3.12.1",
                packages: $0.interpreters[0].packages,
                protocolVersion: 1
            )
        },
    ]

    @Test(arguments: cases) func `what is amiss says how to mend it`(_ example: Case) throws {
        let found = findings(example.change)
        let finding = try #require(found.first { $0.title == example.title })
        #expect(finding.level == example.level)
        let text = example.level == .ok ? finding.detail : finding.remedy ?? ""
        #expect(text.contains(example.text), "\(text)")
        // And nothing else is: each fact is judged once.
        let amiss = found.filter { $0.level != .ok }.map(\.title)
        #expect(amiss == (example.level == .ok ? [] : [example.title]))
    }

    @Test func `findings are lines or a document`() throws {
        let findings: [Finding] = [
            .ok("python", "3.11"), .warn("keys", "none", remedy: "export one"),
            .fail("libzmq", "a\nb", remedy: "install it"),
        ]
        #expect(
            DoctorCommand.text(findings) == """
                ok    python  3.11
                warn  keys    none
                      → export one
                fail  libzmq  a
                      b
                      → install it
                3 checks, 1 failed, 1 warnings

                """
        )
        let json = DoctorCommand.json(findings)
        #expect(json["ok"] == false)
        #expect(json["checks"]?.list?.count == 3)
        #expect(json["checks"]?.list?[1]["remedy"] == "export one")
        #expect(DoctorCommand.json([.ok("x", "y")])["ok"] == true)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ExaminationTests {
    @Test func `a real interpreter answers`() async throws {
        let environment = processEnvironmentOfTests()
        let found = await PythonProbe.look("python3", environment: environment)
        #expect(found.problem == nil)
        #expect(found.version?.hasPrefix("3.") == true)
    }

    @Test func `what an interpreter says is read, whatever it prints before`() async throws {
        try await withTemporaryDirectory { folder in
            try await writeScript(
                """
                echo 'a package greets'
                echo '{"version":"3.12.1","packages":{"dspy":"3.4.1"},\
                "failures":{"krait_worker":"ImportError: x"},"protocol":1}'
                """,
                at: "\(folder)/python"
            )
            let found = await PythonProbe.look("\(folder)/python", environment: [:])
            #expect(found.version == "3.12.1")
            #expect(found.packages == ["dspy": "3.4.1"])
            #expect(found.failures == ["krait_worker": "ImportError: x"])
            #expect(found.protocolVersion == 1)
        }
    }

    @Test func `one that fails or hangs is a problem, and hangs nothing`() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/python"
            try await writeScript("echo 'bad interpreter' >&2; exit 3", at: path)
            let failing = await PythonProbe.look(path, environment: [:])
            #expect(failing.problem == "fails: bad interpreter\n")
            try await writeScript("sleep 1000 & wait", at: path)
            let hanging = await PythonProbe.look(path, environment: [:], timeout: .milliseconds(50))
            #expect(hanging.problem == "does not answer")
        }
    }

    @Test func `interpreters are found by path, folder and command`() async throws {
        try await withTemporaryDirectory { folder in
            mkdir("\(folder)/venv", 0o700)
            mkdir("\(folder)/venv/bin", 0o700)
            try await writeScript(":", at: "\(folder)/venv/bin/python")
            let path = ["PATH": "/nowhere:\(folder)/venv/bin"]
            let python = "\(folder)/venv/bin/python"
            #expect(PythonProbe.find("\(folder)/venv", environment: [:]) == python)
            #expect(PythonProbe.find(python, environment: [:]) == python)
            #expect(PythonProbe.find("python", environment: path) == python)
            #expect(PythonProbe.find("python9", environment: path) == nil)
            #expect(PythonProbe.find("\(folder)/none/python", environment: path) == nil)
            #expect(PythonProbe.find("\(folder)/venv/bin", environment: path) == nil)
            #expect(await PythonProbe.look("python9", environment: path).path == nil)
        }
    }

    @Test func `the doctor looks at the configuration's pools and leaves nothing`() async throws {
        try await withTemporaryDirectory { base in
            let file = "\(base)/k.yaml"
            let text = """
                pools:
                  a: {adapter: dspy, python: python8, lm: {key_env: NO_SUCH_KEY}}
                  b: {adapter: dspy, python: python8}
                  c: {adapter: echo, python: python9}
                """
            try Descriptor.open(file, O_WRONLY | O_CREAT).writeAll(Array(text.utf8))
            let programs = Programs(echoRoundTrip: { python in
                #expect(python == "python8")
                return .microseconds(350)
            })
            let outcome = await krait(
                ["doctor", "--config", file, "--json"],
                base: "\(base)/run",
                environment: ["OPENAI_API_KEY": "sk-secret"],
                programs: programs
            )
            #expect(outcome.code == .failed)
            #expect(!outcome.output.contains("sk-secret"))
            let checks = try Value(json: outcome.output)["checks"]?.list ?? []
            func check(_ title: String) -> Value? { checks.first { $0["check"]?.string == title } }
            #expect(check("python (python8)")?["level"] == "fail")
            #expect(check("python (python9)")?["level"] == "fail")
            #expect(checks.count { $0["check"]?.string?.hasPrefix("python") == true } == 2)
            #expect(check("key NO_SUCH_KEY")?["level"] == "fail")
            #expect(check("keys")?["detail"] == "set: OPENAI_API_KEY")
            #expect(check("configuration")?["level"] == "ok")
            #expect(check("libyaml")?["level"] == "ok")
            #expect(check("libmsgpackc")?["level"] == "ok")
            #expect(check("echo round trip")?["detail"] == "0.4 ms")
            #expect(check("run directory")?["level"] == "ok")
            #expect(access("\(base)/run/default", F_OK) != 0)
        }
    }

    @Test func `the doctor sees the daemon that runs and a configuration that is not valid`()
        async throws
    {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let file = "\(base)/k.yaml"
                try Descriptor.open(file, O_WRONLY | O_CREAT).writeAll(Array("x: 1".utf8))
                let programs = Programs(echoRoundTrip: { _ in
                    throw CommandFailure(.failed, "no worker")
                })
                let outcome = await krait(
                    ["doctor", "--config", file],
                    base: base,
                    programs: programs
                )
                #expect(outcome.code == .failed)
                #expect(
                    outcome.output.contains("the daemon that runs (pid \(getpid())) is version 0")
                )
                #expect(outcome.output.contains("\(file):1:1: unknown key \"x\""))
                #expect(outcome.output.contains("fail  echo round trip  no worker"))
            }
        }
    }

    private func processEnvironmentOfTests() -> [String: String] {
        ["PATH": getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"]
    }
}

@Suite(.timeLimit(.minutes(1))) struct ProgramRunTests {
    private func shell(_ script: String, timeout: Duration = .seconds(30)) async throws
        -> ProgramRun
    {
        try await ProgramRun.run("sh", ["-c", script], timeout: timeout)
    }

    @Test func `its outputs and its end are kept`() async throws {
        let run = try await shell("printf out; printf err >&2; exit 7")
        #expect(
            run == ProgramRun(end: .exited(7), output: Array("out".utf8), errors: Array("err".utf8))
        )
        #expect(try await shell("kill -9 $$").end == .killed(signal: 9))
    }

    @Test func `one that takes too long is killed with all that it started`() async throws {
        // On a busy machine the shell may not even come to its first line in the first of these.
        for timeout in [Duration.milliseconds(50), .seconds(1), .seconds(20)] {
            let run = try await shell("sleep 1000 & echo $!; wait", timeout: timeout)
            #expect(run.end == .timedOut)
            let line = String(decoding: run.output, as: UTF8.self).dropLast()
            guard let pid = Int32(line) else { continue }
            #expect(await eventually { ProcessIdentity.of(pid) == nil })
            return
        }
        Issue.record("the shell never said its child's id")
    }

    @Test func `what it left running does not hold up the answer beyond the time`() async throws {
        let run = try await shell("sleep 1000 & exit 0", timeout: .milliseconds(100))
        #expect(run.end == .timedOut)
    }

    @Test func `of much output the beginning is kept`() async throws {
        let run = try await shell("yes | head -c 1000000")
        #expect(run.end == .exited(0))
        #expect(run.output.count == 64 << 10)
    }

    @Test func `a program that is not there is an error`() async throws {
        await #expect(throws: SystemError("start /nowhere/x", code: ENOENT)) {
            _ = try await ProgramRun.run("/nowhere/x", [], timeout: .seconds(1))
        }
    }
}
