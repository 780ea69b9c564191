import Glibc
import Krait
import KraitTestSupport
import Testing

@testable import KraitCommand
@testable import KraitControl

extension SignalTests {
    /// The daemon is a shell script, which says on descriptor 3 what the test wants it to.
    @Suite(.timeLimit(.minutes(1))) struct DetachedStartTests {
        private struct Started {
            let code: ExitCode
            let output: String
            let errors: String
        }

        private func start(
            _ script: String,
            base: String,
            arguments: [String] = ["start", "--detach", "--name", "d"]
        ) async throws -> Started {
            let program = "\(base)/daemon.sh"
            try await writeScript(script, at: program)
            let (output, errors) = (MemorySink(), MemorySink())
            let context = CommandContext(
                output: output,
                errors: errors,
                readInput: { _ in [] },
                environment: [:],
                arguments: arguments,
                isInteractive: true,
                interruptions: [SIGUSR1]
            )
            let directory = try RunDirectory(name: "d", chosen: base, environment: [:])
            let start = DetachedStart(directory: directory, program: program)
            let code = try await start.run(context)
            return Started(code: code, output: output.text, errors: errors.text)
        }

        /// The pid in `started d (pid 12); …`.
        private func pid(_ output: String) throws -> Int32 {
            let digits = output.drop { !$0.isNumber }.prefix { $0.isNumber }
            return try #require(Int32(digits))
        }

        @Test func `it returns when the daemon is ready, and leaves it in its own session`()
            async throws
        {
            try await withTemporaryDirectory { base in
                let started = try await start(
                    """
                    echo '{"step":"pool p: 1 of 2"}' >&3
                    echo '{"ready":true}' >&3
                    exec sleep 1000
                    """,
                    base: base
                )
                #expect(started.code == .ok)
                #expect(started.errors == "pool p: 1 of 2\n")
                #expect(started.output.hasSuffix("; its log is \(base)/d/daemon.log\n"))
                let pid = try pid(started.output)
                #expect(getsid(pid) == pid)
                kill(pid, SIGKILL)
                var status: Int32 = 0
                #expect(waitpid(pid, &status, 0) == pid)
            }
        }

        @Test func `it runs itself again with the same arguments and four descriptors`()
            async throws
        {
            try await withTemporaryDirectory { base in
                // One that is inherited by mistake would show, and keep its pipe open for ever.
                var ends: [Int32] = [-1, -1]
                #expect(pipe(&ends) == 0)
                defer { for end in ends { close(end) } }
                let error = try await #require(throws: CommandFailure.self) {
                    _ = try await start(
                        "echo \"$@\"; ls /proc/$$/fd; exit 9",
                        base: base,
                        arguments: ["start", "--detach", "--pool", "a=echo", "--name=d"]
                    )
                }
                #expect(error.exitCode == .startFailed)
                // Descriptor 10 is the shell's own, for its script.
                let words = error.description.replacing("\n10\n", with: "\n")
                #expect(
                    words == """
                        the daemon ended with exit code 9 before it was ready:
                        start --pool a=echo --name=d --ready-descriptor=3
                        0
                        1
                        2
                        3

                        """
                )
            }
        }

        @Test(arguments: [
            (
                #"printf '%s\n' '{"failed":"no module x\nTrace","exit":5}' >&3; exit 5"#,
                ExitCode.startFailed
            ),
            (
                #"printf '%s\n' '{"failed":"no module x\nTrace","exit":4}' >&3; exit 4"#,
                .configuration
            ),
            (
                #"printf '%s\n' '{"failed":"no module x\nTrace","exit":99}' >&3; exit 1"#,
                .startFailed
            ),
        ])
        func `a failure is told in the daemon's own words`(
            _ script: String,
            _ code: ExitCode
        ) async throws {
            try await withTemporaryDirectory { base in
                let error = try await #require(throws: CommandFailure.self) {
                    _ = try await start(script, base: base)
                }
                #expect(error.exitCode == code)
                #expect(error.description == "no module x\nTrace")
            }
        }

        @Test func `one that dies is told with its signal and its log, and its folder goes`()
            async throws
        {
            try await withTemporaryDirectory { base in
                let error = try await #require(throws: CommandFailure.self) {
                    _ = try await start(
                        """
                        mkdir -m 700 \(base)/d
                        echo 'the last line' > \(base)/d/daemon.log
                        echo nonsense >&3
                        kill -9 $$
                        """,
                        base: base
                    )
                }
                #expect(
                    error.description == """
                        the daemon ended by signal 9 before it was ready:
                        the last line

                        """
                )
                #expect(access("\(base)/d", F_OK) != 0)
            }
        }

        @Test func `only the end of many words is kept`() async throws {
            try await withTemporaryDirectory { base in
                let error = try await #require(throws: CommandFailure.self) {
                    _ = try await start("yes | head -c 200000; echo END; exit 1", base: base)
                }
                #expect(error.description.utf8.count < 17_000)
                #expect(error.description.hasSuffix("END\n"))
            }
        }

        @Test func `an interrupted start is given up`() async throws {
            try await withTemporaryDirectory { base in
                let program =
                    "trap 'exit 0' TERM; echo started > \(base)/mark; while :; do sleep 0.01; done"
                async let started = start(program, base: base)
                #expect(await eventually { access("\(base)/mark", F_OK) == 0 })
                kill(getpid(), SIGUSR1)
                let found = try await started
                #expect(found.code == .interrupted)
                #expect(found.output.isEmpty)
            }
        }

        @Test func `a program that is not there is an error`() async throws {
            try await withTemporaryDirectory { base in
                let context = CommandContext(
                    output: MemorySink(),
                    errors: MemorySink(),
                    readInput: { _ in [] },
                    environment: [:]
                )
                let directory = try RunDirectory(name: "d", chosen: base, environment: [:])
                let start = DetachedStart(directory: directory, program: "/nowhere/krait")
                let error = try await #require(throws: SystemError.self) {
                    _ = try await start.run(context)
                }
                #expect(
                    error.description == "cannot start /nowhere/krait: No such file or directory"
                )
            }
        }

        @Test func `a reporter tells until the start is decided, and then lets go`() throws {
            var ends: [Int32] = [-1, -1]
            #expect(pipe(&ends) == 0)
            let reading = Descriptor(owning: ends[0])
            let reporter = StartReporter(ends[1])
            reporter.send(.progress(.step("one")))
            #expect(!reporter.isReady)
            reporter.send(.progress(.ready))
            #expect(reporter.isReady)
            reporter.send(.failed(.failed, "too late"))
            let text = String(decoding: try reading.readAll(limit: 1_000), as: UTF8.self)
            #expect(text == #"{"step":"one"}"# + "\n" + #"{"ready":true}"# + "\n")
        }

        @Test func `reports read back as they were written`() {
            let reports: [StartReport] = [
                .progress(.step("a\nb")), .progress(.ready), .failed(.configuration, "no \"x\""),
            ]
            for report in reports {
                #expect(StartReport(line: report.line) == report)
            }
            for line in ["", "{}", "[]", #"{"ready":false}"#, #"{"step":1}"#] {
                #expect(StartReport(line: Array(line.utf8)) == nil)
            }
        }
    }
}
