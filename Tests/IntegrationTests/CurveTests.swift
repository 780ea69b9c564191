import Foundation
import Krait
import KraitObservability
import KraitTestSupport
import Testing

/// Real workers over TCP, with keys.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CurveTests {
    @Test(arguments: PythonPool.Start.allCases)
    func `workers are let in by their keys and answer`(start: PythonPool.Start) async throws {
        let log = MemoryLogHandler()
        let mark = Mark()
        let secrets = Lock<[String]>([])
        let pool = TestPools.echo("far", workers: 2) { pool in
            pool.endpoint = "tcp://127.0.0.1:*"
            pool.start = start
        }
        let logger = Logger(label: "krait", handler: log, level: .trace)
        try await TestPools.running(pool, TestPools.echo(), mark: mark, logger: logger) { krait in
            try await krait.ready()
            for number in 0..<20 as Range<Int64> {
                let name = number % 2 == 0 ? "far" : "echo"
                let reply = try await krait.call("echo", ["n": .int(number)], on: .pool(name))
                #expect(reply.value == ["n": .int(number)])
            }
            // A worker that dies is replaced by one with keys of its own.
            let failed = await failure { () throws(CallError) in
                try await krait.call("crash", ["signal": 9], on: .pool("far"))
            }
            #expect(failed?.code == .workerCrashed)
            let replaced = try await krait.call("pid", on: .pool("far"))
            #expect(replaced.value.int != nil)
            // An executed worker finds its orders in its own environment, which is its user's
            // alone; from there the test knows the keys to look for.
            let count = start == .exec ? 2 : 0
            #expect(await eventually { Self.keys(of: mark.processes).count == count })
            let processes = mark.processes
            let keys = Self.keys(of: processes)
            secrets.withLock { $0 = ["secret"] + keys }
            let commands = processes.map { wholeFile("/proc/\($0.id)/cmdline") ?? "" }
            let status = await krait.status().value
            for key in secrets.withLock({ $0 }) {
                #expect(!commands.contains { $0.contains(key) }, "keys are no arguments")
                #expect(!"\(status)".contains(key))
            }
        }
        for key in secrets.withLock({ $0 }) {
            #expect(log.records.allSatisfy { !"\($0)".contains(key) })
        }
        // The last words of the worker that was killed may come after its end.
        let refused = log.records.filter { record in
            record.message == "message.refused" && !"\(record)".contains("no workers of this run")
        }
        #expect(refused.isEmpty)
        #expect(await eventually { mark.processes.isEmpty })
    }

    /// The secret keys that the processes' own environments hold.
    private static func keys(of processes: [RunningProcess]) -> [String] {
        processes.flatMap { process -> [String] in
            let environment = wholeFile("/proc/\(process.id)/environ") ?? ""
            return environment.components(separatedBy: #""secret":""#).dropFirst().map {
                String($0.prefix(40))
            }
        }
    }

    @Test(arguments: [
        "ipc:///var/x", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://:7000",
        "tcp://127.0.0.1:70000", "127.0.0.1:7000", "inproc://x", "",
    ])
    func `an endpoint that is none is refused before anything starts`(endpoint: String) async {
        let pool = TestPools.echo("far") { $0.endpoint = endpoint }
        let error = await #expect(throws: CallError.self) {
            try await TestPools.running(pool) { _ in }
        }
        #expect(error?.code == .invalidInput)
        let words = "`endpoint` of the pool `far` is not tcp://HOST:PORT"
        #expect(error?.message.contains(words) == true)
    }
}
