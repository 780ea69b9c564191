import Glibc
import Krait
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// Everything that takes the process's own signals: one at a time.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SignalTests {
    /// Lets no signal of a test end the process: a thread may be given one when whoever waited for
    /// it has ended already.
    static let shield = TerminationSignals([SIGUSR1, SIGUSR2])
}

extension SignalTests {
    @Suite(.timeLimit(.minutes(1))) struct TerminationSignalsTests {
        private func handler(of number: Int32) -> sigaction {
            var action = sigaction()
            sigaction(number, nil, &action)
            return action
        }

        private func isDefault(_ number: Int32) -> Bool {
            // SIG_DFL is 0, and Swift imports it as no function at all.
            handler(of: number).__sigaction_handler.sa_handler == nil
        }

        @Test func `every loop sees every signal of its own`() async throws {
            let first = TerminationSignals([SIGUSR1, SIGUSR2])
            let second = TerminationSignals([SIGUSR1])
            kill(getpid(), SIGUSR2)
            kill(getpid(), SIGUSR1)
            var seen: [Int32] = []
            for await signal in first {
                seen.append(signal)
                if seen.count == 2 { break }
            }
            #expect(Set(seen) == [SIGUSR1, SIGUSR2])
            var iterator = second.makeAsyncIterator()
            #expect(await iterator.next() == SIGUSR1)
        }

        @Test func `what a signal did before is in force again afterwards`() async throws {
            #expect(isDefault(SIGURG))
            await withTaskGroup(of: Int.self) { group in
                let signals = TerminationSignals([SIGURG])
                #expect(!isDefault(SIGURG))
                group.addTask {
                    var count = 0
                    for await _ in signals { count += 1 }
                    return count
                }
                group.cancelAll()
                #expect(await group.next() == 0)
            }
            #expect(await eventually { isDefault(SIGURG) })
        }
    }

    @Suite(.timeLimit(.minutes(1))) struct CommandInterruptionTests {
        @Test func `an interrupted command is cancelled, and cleans up`() async throws {
            let cleaned = Lock(false)
            let started = Gate()
            let demo: @Sendable (DemoRequest, CommandContext) async throws -> ExitCode = { _, _ in
                started.open()
                await Gate().wait()
                cleaned.withLock { $0 = true }
                try Task.checkCancellation()
                return .ok
            }
            async let outcome = krait(
                ["demo"],
                base: "/tmp",
                interruptions: [SIGUSR2],
                programs: Programs(demo: demo)
            )
            await started.wait()
            kill(getpid(), SIGUSR2)
            let found = await outcome
            #expect(found == Outcome(code: .interrupted, output: "", errors: ""))
            let hasCleaned = cleaned.withLock { $0 }
            #expect(hasCleaned)
        }

        @Test func `a command that is not interrupted gives its own code`() async throws {
            let programs = Programs(demo: { request, _ in
                request
                    == DemoRequest(documents: "d", questions: ["a", "b"], workers: 3, json: true)
                    ? .ok : .failed
            })
            let line = ["demo", "--documents", "d", "--question", "a", "--question=b", "--json"]
            let outcome = await krait(line + ["--workers", "3"], base: "/tmp", programs: programs)
            #expect(outcome.code == .ok)
        }
    }

    @Suite(.timeLimit(.minutes(1))) struct DaemonTests {
        private func daemon(
            _ core: ScriptedCore,
            _ directory: RunDirectory,
            patience: Duration,
            overdue: @escaping @Sendable () -> Void,
            report: @escaping @Sendable (StartProgress) -> Void
        ) -> Daemon {
            Daemon(
                core: core,
                record: DaemonRecord(identity: .current, run: "r", name: "d", version: "1"),
                logger: .none,
                report: report,
                patience: patience,
                overdue: overdue
            )
        }

        /// Runs a daemon until it ends by what `body` does to it.
        private func run(
            _ core: ScriptedCore,
            patience: Duration = .seconds(60),
            overdue: @escaping @Sendable () -> Void = {},
            _ body: @escaping @Sendable (RunDirectory) async throws -> Void
        ) async throws -> Bool {
            try await withTemporaryDirectory { base in
                let directory = try RunDirectory(name: "d", chosen: base, environment: [:])
                let claimed = try ClaimedRunDirectory(directory)
                let ready = Gate()
                let daemon = daemon(core, directory, patience: patience, overdue: overdue) { _ in
                    ready.open()
                }
                _ = SignalTests.shield
                let signals = TerminationSignals([SIGUSR1])
                let wasCut = try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        // A core that never is ready ends too: by its error.
                        defer { ready.open() }
                        let path = directory.controlSocket
                        let listener = try UnixSocket.listen(at: path, backlog: 4)
                        return try await daemon.run(listener: listener, signals: signals)
                    }
                    await ready.wait()
                    try await body(directory)
                    return try await group.next() ?? false
                }
                try claimed.remove()
                return wasCut
            }
        }

        @Test func `one signal drains`() async throws {
            let core = ScriptedCore()
            #expect(try await run(core) { _ in kill(getpid(), SIGUSR1) } == false)
            #expect(await core.drained == 1)
            #expect(await core.stopped == 0)
        }

        @Test func `a second signal ends it at once, and a third changes nothing`() async throws {
            let core = ScriptedCore(endsWhenDrained: false)
            let wasCut = try await run(core) { _ in
                kill(getpid(), SIGUSR1)
                #expect(await eventually { await core.drained == 1 })
                kill(getpid(), SIGUSR1)
                kill(getpid(), SIGUSR1)
            }
            #expect(wasCut)
            #expect(await core.drained == 1)
            #expect(await core.stopped == 1)
        }

        @Test func `the socket can say the same, and is served while it drains`() async throws {
            let core = ScriptedCore(endsWhenDrained: false)
            let wasCut = try await run(core) { directory in
                let client = ControlClient(directory: directory)
                let record = try await client.ask(.stop(now: false), timeout: nil)
                #expect(DaemonRecord(record)?.identity == .current)
                _ = try await client.ask(.stop(now: false), timeout: nil)
                #expect(await core.drained == 1)
                #expect(try await client.ask(.status, timeout: nil)["pid"] == 4711)
                _ = try? await client.ask(.stop(now: true), timeout: nil)
            }
            #expect(wasCut)
        }

        @Test func `before it is ready one signal gives up the start`() async throws {
            let core = ScriptedCore(steps: [.step("pool p: importing")])
            let wasCut = try await run(core) { directory in
                kill(getpid(), SIGUSR1)
                kill(getpid(), SIGUSR1)
            }
            #expect(wasCut)
            #expect(await core.drained == 0)
        }

        @Test func `a core that does not end at once is not waited for`() async throws {
            let core = ScriptedCore(endsWhenStopped: false)
            let isOverdue = Gate()
            let hurried = try await run(core, patience: .milliseconds(1), overdue: isOverdue.open) {
                _ in
                kill(getpid(), SIGUSR1)
                #expect(await eventually { await core.drained == 1 })
                kill(getpid(), SIGUSR1)
                await isOverdue.wait()
                await core.end()
            }
            #expect(hurried)
            #expect(await core.stopped == 1)
        }

        @Test func `why a core could not start is the daemon's error`() async throws {
            let core = ScriptedCore(startError: CommandFailure(.startFailed, "no module named x"))
            let error = try await #require(throws: CommandFailure.self) {
                try await run(core) { _ in }
            }
            #expect(error.description == "no module named x")
        }
    }

    @Suite(.timeLimit(.minutes(1))) struct DaemonStartTests {
        private func start(_ base: String, name: String = "d") throws -> DaemonStart {
            var configuration = Configuration()
            configuration.name = name
            configuration.logLevel = .critical
            return DaemonStart(
                configuration: configuration,
                directory: try RunDirectory(name: name, chosen: base, environment: [:]),
                logFormat: .text,
                isDetached: false,
                interruptions: [SIGUSR1]
            )
        }

        @Test func `a daemon is found while it runs, and leaves nothing behind`() async throws {
            try await withTemporaryDirectory { base in
                let start = try start(base)
                async let code = start.run { plan in
                    #expect(plan.run.count == 16)
                    #expect(plan.directory == start.directory)
                    return ScriptedCore()
                }
                let client = ControlClient(directory: start.directory)
                #expect(await eventually { (try? await client.ping()) != nil })
                let record = try await client.ping()
                #expect(record == DaemonRecord(file: start.directory.record))
                #expect(record.name == "d")
                let second = try await #require(throws: CommandFailure.self) {
                    _ = try await self.start(base).run { _ in ScriptedCore() }
                }
                #expect(second.exitCode == .startFailed)
                #expect(second.description.contains("already running (pid \(getpid()))"))
                kill(getpid(), SIGUSR1)
                #expect(try await code == .ok)
                #expect(try RunDirectory.entries(of: base).isEmpty)
            }
        }

        @Test func `a start that fails says why and leaves nothing behind`() async throws {
            try await withTemporaryDirectory { base in
                let start = try start(base)
                let late = try await #require(throws: CommandFailure.self) {
                    _ = try await start.run { _ in
                        ScriptedCore(steps: [], startError: CommandFailure(.startFailed, "no LM"))
                    }
                }
                #expect(late.exitCode == .startFailed)
                #expect(late.description == "no LM")
                let early = try await #require(throws: CommandFailure.self) {
                    _ = try await start.run { _ in
                        throw ConfigurationProblems(.init("bad", at: nil))
                    }
                }
                #expect(early.exitCode == .configuration)
                #expect(try RunDirectory.entries(of: base).isEmpty)
            }
        }
    }
}
