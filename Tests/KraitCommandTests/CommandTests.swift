import Glibc
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite(.timeLimit(.minutes(1))) struct CommandTests {
    @Test func `status is a table, and with a flag one document`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let text = await krait(["status"], base: base)
                #expect(text.code == .ok)
                #expect(text.output == "default: pid 4711, run cafe, up 1m 1s\nno pools\n")
                let json = await krait(["status", "--json"], base: base)
                let status = await ScriptedCore().status()
                let document = try Value(json: json.output)
                #expect(document == status)
            }
        }
    }

    @Test func `the table of pools and workers is aligned`() {
        let worker: Value = [
            "pid": 77, "state": "idle", "slots": 16, "busy": 2, "served": 1_234,
            "resident_bytes": 7_340_032, "age_s": 3_661.5, "restarts": 2,
            "last_end": "crashed: signal 9 (Killed)", "last_end_age_s": 61.0,
        ]
        let status: Value = [
            "pid": 9, "run": "r", "uptime_s": 90_000.0,
            "pools": [
                [
                    "name": "general", "state": "ready", "breaker": "closed", "queued": 3,
                    "workers": [worker, [:]],
                ],
                [
                    "name": "b", "state": "failed", "failure": "no module x", "queued": 0,
                    "next_try_s": 30.2, "workers": [],
                ],
            ],
        ]
        #expect(
            StatusText.whole(status, name: "lab") == """
                lab: pid 9, run r, up 1d 1h

                POOL     WORKER  STATE   BREAKER  QUEUED  BUSY  SERVED   MEMORY    AGE  \
                RESTARTS  LAST END
                general       2  ready   closed        3  2/16       ?
                             77  idle                     2/16    1234  7.0 MiB  1h 1m  \
                       2  crashed: signal 9 (Killed), 1m 1s ago
                              -  ?                         ?/?       ?        -      -         ?
                b             0  failed  -             0   0/0       ?

                b failed (tried again in 30s): no module x

                """
        )
        #expect(StatusText.whole([:], name: "x") == "x: pid ?, run ?, up ?\nno pools\n")
    }

    @Test func `a call prints its value, and with a flag who answered`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let plain = await krait(["call", "echo", #"{"a": [1, 2.0]}"#], base: base)
                #expect(plain.code == .ok)
                #expect(try Value(json: plain.output) == ["a": [1, 2.0]])
                let json = await krait(
                    ["call", "echo", "-", "--json", "--codec", "msgpack", "--deadline", "5s"],
                    base: base,
                    input: #"{"b": null}"#
                )
                let document = try Value(json: json.output)
                #expect(document["value"] == ["b": nil])
                #expect(document["source"]?["codec"] == "msgpack")
                #expect(document["seconds"]?.double ?? -1 >= 0)
                for (place, route) in [("native", "native"), ("q", #"pool("q")"#)] {
                    let routed = await krait(["call", "route", "{}", "--on", place], base: base)
                    #expect(try Value(json: routed.output) == .string(route))
                }
            }
        }
    }

    @Test func `a person is told who answered, and a program is not`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                for (operation, who) in [("echo", "worker p/1.0, json"), ("route", "native code")] {
                    let line = ["call", operation, "{}"]
                    let watched = await krait(line, base: base, isInteractive: true)
                    #expect(watched.errors.hasPrefix("answered by \(who) in "))
                    #expect(watched.errors.hasSuffix(" ms\n"))
                    #expect(await krait(line, base: base).errors.isEmpty)
                }
            }
        }
    }

    @Test func `a bench is asked for with its parameters, or with its own choice of them`() async {
        let asked = Lock<[BenchRequest]>([])
        let programs = Programs(bench: { request, _ in
            asked.withLock { $0.append(request) }
            return .ok
        })
        let line = ["bench", "echo", "--workers", "2", "--window=64", "--codec", "json"]
        let rest = ["--seconds", "0.5", "--repetitions", "5", "--json"]
        #expect(await krait(line + rest, base: "/", programs: programs).code == .ok)
        #expect(await krait(["bench"], base: "/", programs: programs).code == .ok)
        let native = ["bench", "native", "chat.format", "metric.em", "--repetitions", "2"]
        #expect(await krait(native, base: "/", programs: programs).code == .ok)
        let requests = asked.withLock { $0 }
        #expect(
            requests == [
                BenchRequest(
                    workers: 2,
                    window: 64,
                    codec: .json,
                    time: .milliseconds(500),
                    repetitions: 5,
                    json: true
                ),
                BenchRequest(time: .seconds(2), repetitions: 3, json: false),
                BenchRequest(
                    bench: .native,
                    parts: ["chat.format", "metric.em"],
                    time: .milliseconds(500),
                    repetitions: 2,
                    json: false
                ),
            ]
        )
    }

    @Test func `a call that fails says everything, and ends with 1`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let text = await krait(["call", "raise", "{}"], base: base)
                #expect(text.code == .failed)
                #expect(text.output.isEmpty)
                #expect(
                    text.errors == """
                        krait call: faulted: the Python code raised (support/3, operation raise, \
                        pool p, worker p/1.0, builtins.ValueError) [sent]
                        builtins.ValueError: secret words
                        line 1

                        """
                )
                let json = await krait(["call", "raise", "{}", "--json"], base: base)
                #expect(json.code == .failed)
                #expect(json.errors.isEmpty)
                let error = try Value(json: json.output)["error"]
                #expect(error?["code"] == "faulted")
                #expect(error?["fault"]?["details"] == ["status": 429])
            }
        }
    }

    @Test func `a signature that does not parse is shown with its place`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let call = #"{"signature": "question -> answer: lst[int]"}"#
                let shown = await krait(["call", "raise", call], base: base)
                #expect(shown.errors.contains("\nquestion -> answer: lst[int]\n"))
                #expect(shown.errors.contains("\n                    ^^^\nline 1, column 21: "))
                let sound = #"{"signature": "question -> answer: list[int]"}"#
                #expect(!(await krait(["call", "raise", sound], base: base).errors.contains("^")))
            }
        }
    }

    @Test(arguments: [
        (["call", "echo", "{"], "krait call: JSON is not JSON"),
        (["call", "echo", "[]"], "krait call: JSON must be an object"),
        (["call", "echo", "-"], "krait call: standard input is not JSON"),
        (["call", "echo", "{}", "--deadline", "-1s"], "krait call: --deadline must be a time"),
        (["bench", "ehco"], "krait bench: there is no bench \"ehco\"; did you mean echo?"),
        (
            ["bench", "native", "chat.fromat"],
            "krait bench: there is no native bench \"chat.fromat\""
        ),
        (["parity"], "krait parity: needs one of --corpus DIR, --live FILE and --generate N"),
        (["parity", "--corpus", "x", "--live", "y"], "krait parity: needs one of"),
    ])
    func `a line that is not valid ends with 2`(_ line: [String], _ reason: String) async {
        let programs = Programs(parity: { _, _ in .ok }, bench: { _, _ in .ok })
        let outcome = await krait(line, base: "/nowhere", programs: programs)
        #expect(outcome.code == .usage)
        #expect(outcome.errors.hasPrefix(reason), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }

    @Test(arguments: [
        ["status"], ["call", "echo", "{}"], ["stop"], ["route", "explain", "x"], ["top"], ["logs"],
        ["resize", "p", "2"], ["drain", "p"], ["resume", "p"], ["recycle", "p"], ["lm"],
    ])
    func `without a daemon every command says how to start one`(_ line: [String]) async throws {
        try await withTemporaryDirectory { base in
            let outcome = await krait(line, base: base)
            #expect(outcome.code == .notRunning)
            #expect(
                outcome.errors
                    == "krait: no daemon named default is running; start one with `krait start`\n"
            )
            let named = await krait(line + ["--name", "lab"], base: base)
            #expect(named.errors.contains("start one with `krait start --name lab`"))
        }
    }

    @Test func `a route is explained as lines or as a document`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let text = await krait(["route", "explain", "echo"], base: base)
                #expect(
                    text.output == """
                        operation     echo
                        chosen        pool p
                        alternatives  native
                                      pool q

                        """
                )
                let json = await krait(["route", "explain", "echo", "--json"], base: base)
                let document = try Value(json: json.output)
                #expect(document["chosen"] == "pool p")
                let unknown = await krait(["route", "explain", "x"], base: base)
                #expect(unknown.code == .failed)
                #expect(unknown.errors.contains("unknown_operation: there is echo"))
            }
        }
    }

    @Test func `configurations are printed and checked`() async throws {
        try await withTemporaryDirectory { folder in
            let printed = await krait(["config"], base: folder)
            #expect(printed.output == ConfigurationReference.text)
            let file = "\(folder)/krait.yaml"
            try Descriptor.open(file, O_WRONLY | O_CREAT).writeAll(Array(printed.output.utf8))
            let valid = await krait(["config", file], base: folder)
            #expect(valid.output == "\(file): valid; daemon default, pools: general\n")
            try Descriptor.open(file, O_WRONLY | O_TRUNC).writeAll(Array("nmae: x\n".utf8))
            let invalid = await krait(["config", file], base: folder)
            #expect(invalid.code == .configuration)
            #expect(invalid.errors.hasPrefix("krait: \(file):1:1: unknown key \"nmae\""))
            let core: @Sendable (DaemonPlan) -> any DaemonCore = { _ in ScriptedCore() }
            let programs = Programs(makeCore: core)
            let start = await krait(["start", "--config", file], base: folder, programs: programs)
            #expect(start.code == .configuration)
        }
    }

    @Test func `the version and the help are printed`() async {
        for line in [["version"], ["--version"]] {
            #expect(await krait(line, base: "/").output == "krait \(VersionCommand.version)\n")
        }
        let help = await krait(["help", "stop"], base: "/")
        #expect(help.output.hasPrefix("krait stop: stop the daemon\n\nUSAGE\n"))
    }

    @Test func `a reader that goes away ends the command without a word`() async {
        let errors = MemorySink()
        let context = CommandContext(
            output: MemorySink(isClosed: true),
            errors: errors,
            readInput: { _ in [] },
            environment: [:]
        )
        let runner = CommandRunner(root: commandTree(Programs()), context: context)
        #expect(await runner.run(["version"]) == .outputClosed)
        #expect(errors.text.isEmpty)
    }

    @Test func `a pipe without a reader is told from other errors of writing`() throws {
        // Else the signal, which the program ignores, would end the tests.
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        #expect(throws: OutputClosed.self) { try DescriptorSink(number: ends[1]).write("x") }
        close(ends[1])
        #expect(throws: SystemError.self) { try DescriptorSink(number: ends[1]).write("x") }
    }

    @Test func `the exit codes are those that are documented`() {
        let codes = ExitCode.allCases.map(\.rawValue)
        #expect(codes == [0, 1, 2, 3, 4, 5, 6, 130, 141])
        #expect(CommandRunner.exitCode(of: CancellationError()) == .interrupted)
        #expect(CommandRunner.exitCode(of: SystemError("x", code: 1)) == .failed)
    }
}

@Suite(.timeLimit(.minutes(1))) struct StopCommandTests {
    /// A process that stands for a daemon, and the record of one in its run directory.
    private func withProcess(
        _ script: String,
        base: String,
        _ body: (DaemonRecord, borrowing ClaimedRunDirectory) async throws -> Void
    ) async throws {
        var pid: pid_t = 0
        let mark = "\(base)/mark"
        let line = ["sh", "-c", "\(script); : > \(mark); while :; do sleep 1; done"]
        #expect(withCStrings(line) { posix_spawn(&pid, "/bin/sh", nil, nil, $0, environ) } == 0)
        defer {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        #expect(await eventually { access(mark, F_OK) == 0 })
        let identity = try #require(ProcessIdentity.of(pid))
        let record = DaemonRecord(identity: identity, run: "r", name: "default", version: "1")
        let directory = try RunDirectory(name: "default", chosen: base, environment: [:])
        let claimed = try ClaimedRunDirectory(directory)
        try claimed.write(record)
        try await body(record, claimed)
    }

    @Test func `it asks, waits for the end, and removes what is left`() async throws {
        try await withTemporaryDirectory { base in
            try await withProcess(":", base: base) { record, claimed in
                let directory = claimed.directory
                let listener = try UnixSocket.listen(at: directory.controlSocket, backlog: 4)
                let server = try LineServer(listener, limits: LineServerLimits())
                let service = ControlService(core: ScriptedCore(), record: record) { now in
                    kill(record.identity.pid, now ? SIGKILL : SIGTERM)
                }
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run(service.handler(lineBytes: 1_000)) }
                    let outcome = await krait(["stop"], base: base)
                    #expect(outcome.code == .ok)
                    let pid = record.identity.pid
                    #expect(outcome.output == "stopped default (pid \(pid))\n")
                    group.cancelAll()
                }
            }
            let stale = await krait(["stop"], base: base)
            #expect(stale.code == .notRunning)
            #expect(access("\(base)/default", F_OK) != 0)
        }
    }

    @Test func `a daemon that does not answer is sent SIGTERM`() async throws {
        try await withTemporaryDirectory { base in
            try await withProcess(":", base: base) { record, _ in
                let outcome = await krait(["stop"], base: base)
                #expect(outcome.code == .ok)
                #expect(!record.identity.isAlive)
            }
        }
    }

    @Test func `one that does not end in time is told`() async throws {
        try await withTemporaryDirectory { base in
            try await withProcess("trap '' TERM", base: base) { record, _ in
                let outcome = await krait(["stop", "--timeout", "10ms"], base: base)
                #expect(outcome.code == .failed)
                #expect(outcome.errors.contains("still runs after 10ms; `krait stop --now` does"))
                try await StopCommand.signal(
                    record.identity,
                    now: true,
                    patience: .milliseconds(20)
                )
                #expect(await eventually { !record.identity.isAlive })
            }
        }
    }

    @Test func `a record of a process that is not the daemon is left alone`() async throws {
        try await withTemporaryDirectory { base in
            try await withProcess(":", base: base) { record, claimed in
                let other = ProcessIdentity(
                    pid: record.identity.pid,
                    started: record.identity.started + 1
                )
                try claimed.write(
                    DaemonRecord(identity: other, run: "r", name: "default", version: "1")
                )
                #expect(await krait(["stop"], base: base).code == .notRunning)
                #expect(record.identity.isAlive)
            }
        }
    }
}
