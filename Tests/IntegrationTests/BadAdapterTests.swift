import Krait
import KraitTestSupport
import Testing

/// Pools that cannot have workers: each says why, soon and once, and leaves nothing behind.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BadAdapterTests {
    /// A pool that cannot have workers, and what its error must say.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let words: [String]
        /// At most four at once, and five rounds.
        var starts = 0...0
        let pool: @Sendable (_ folder: String) throws -> PythonPool
    }

    static let cases: [Case] = [
        Case(
            testDescription: "a constructor that raises",
            words: ["awkward:Raises", "RuntimeError", "the cellar is flooded", "in __init__"]
        ) { _ in TestPools.awkward("Raises", workers: 2) },
        Case(
            testDescription: "a constructor that raises, executed",
            words: ["awkward:Raises", "RuntimeError", "the cellar is flooded"]
        ) { _ in TestPools.awkward("Raises", workers: 2) { $0.start = .exec } },
        Case(
            testDescription: "a module that is not there",
            words: ["nowhere:Adapter", "ModuleNotFoundError", "No module named 'nowhere'"]
        ) { _ in TestPools.echo { $0.adapter = .custom("nowhere:Adapter") } },
        Case(
            testDescription: "a class that is not there",
            words: ["awkward:Missing", "awkward has no Missing"]
        ) { _ in TestPools.awkward("Missing") },
        Case(
            testDescription: "an adapter nobody knows",
            words: ["unknown adapter 'ecco'", "echo"]
        ) { _ in TestPools.echo { $0.adapter = .custom("ecco") } },
        Case(
            testDescription: "an adapter that dies while it begins",
            words: ["5 starts failed", "exited with code 7", "one last word"],
            starts: 5...20
        ) { _ in TestPools.awkward("Dies", workers: 2) },
        Case(
            testDescription: "an adapter whose begin raises",
            words: ["ValueError", "no begin", "in begin"],
            // On a busy machine a process's end may be seen before its last words.
            starts: 1...6
        ) { _ in TestPools.awkward("RaisesLater", workers: 2) },
        Case(
            testDescription: "an adapter that hangs while it begins",
            words: ["5 starts failed", "was not ready within 1.5 seconds"],
            starts: 5...20
        ) { _ in
            TestPools.awkward("Hangs", workers: 4) { $0.startTimeout = .milliseconds(1_500) }
        },
        Case(
            testDescription: "no interpreter",
            words: ["no Python interpreter", "nowhere/python"]
        ) { folder in TestPools.echo { $0.python = "\(folder)/nowhere/python" } },
        Case(
            testDescription: "a Python without krait_worker",
            words: ["has no krait_worker", "install it"]
        ) { folder in
            let python = try TestPools.writeInterpreter(in: folder, #"exec "$PYTHON" -I -S "$@""#)
            return TestPools.echo(workers: 2) { $0.python = python }
        },
        Case(
            testDescription: "a program that is no Python",
            words: ["ended early", "exited with code 9", "this is no Python"]
        ) { folder in
            let command = "printf 'this is no Python' >&2; exit 9"
            let python = try TestPools.writeInterpreter(in: folder, command)
            return TestPools.echo(workers: 2) { $0.python = python }
        },
        Case(
            testDescription: "an interpreter that hangs",
            words: ["took longer than 0.5 seconds", "start_timeout"]
        ) { folder in
            // Not executed in place, so that the wrapper has a child of its own.
            let python = try TestPools.writeInterpreter(in: folder, "sleep 600; exit 1")
            return TestPools.echo(workers: 2) { pool in
                pool.python = python
                pool.startTimeout = .milliseconds(500)
            }
        },
    ]

    @Test(arguments: cases)
    func `a pool that cannot have workers says why and leaves nothing`(bad: Case) async throws {
        let mark = Mark()
        let log = MemoryLogHandler()
        let began = ContinuousClock.now
        try await withTemporaryDirectory { folder in
            let pool = try bad.pool(folder)
            let logger = Logger(label: "krait", handler: log, level: .debug)
            try await TestPools.running(pool, mark: mark, logger: logger) { krait in
                let queued = await failure { () throws(CallError) in try await krait.call("echo") }
                for error in [queued, await notReady(krait)] {
                    #expect(error?.code == .poolFailed)
                    #expect(error?.pool == pool.name)
                    #expect(error?.delivery == .notSent)
                    for word in bad.words {
                        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
                    }
                }
                let status = await krait.status().pools[0]
                #expect(status.state == "failed")
                // From now on calls are refused without another try.
                let refused = await failure { () throws(CallError) in try await krait.call("echo") }
                #expect(refused?.code == .poolFailed)
            }
        }
        let starts = log.records.count { $0.message == "worker.started" }
        #expect(bad.starts.contains(starts))
        #expect(began.duration(to: .now) < .seconds(30))
        #expect(await eventually { mark.processes.isEmpty })
    }

    private func notReady(_ krait: Orchestrator) async -> CallError? {
        do throws(CallError) {
            try await krait.ready()
            return nil
        } catch {
            return error
        }
    }

    @Test func `one pool's bad adapter does not touch another pool`() async throws {
        try await TestPools.running(TestPools.awkward("Raises"), TestPools.echo()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("hello", on: .pool("awkward"))
            }
            #expect(error?.code == .poolFailed)
            let reply = try await krait.call("echo", ["a": 1], on: .pool("echo"))
            #expect(reply.value["a"] == 1)
        }
    }
}
