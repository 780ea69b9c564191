import Krait
import KraitTestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct EchoTests {
    static let everything: ValueMap = [
        "null": nil,
        "yes": true,
        "small": -1,
        "least": .int(.min),
        "most": .unsigned(.max),
        "one": 1.0,
        "tiny": .double(.leastNonzeroMagnitude),
        "text": "naïve — \u{1F40D} e\u{301}",
        "bytes": .bytes([0, 255, 10]),
        "when": .timestamp(Timestamp(seconds: -1, nanoseconds: 500_000_000)),
        "list": [1, [2, [3]], [:]],
        "map": ["$bytes": "not bytes", "": ""],
    ]

    @Test(arguments: Codec.allCases)
    func `every kind of value comes back as it went`(codec: Codec) async throws {
        try await TestPools.running(TestPools.echo { $0.codec = codec }) { krait in
            let reply = try await krait.call("echo", Self.everything)
            #expect(reply.value == .map(Self.everything))
            guard case .pool("echo", let worker, let used) = reply.source else {
                Issue.record("a pool answers, not \(reply.source)")
                return
            }
            #expect(worker.hasPrefix("echo/"))
            #expect(used == codec)
        }
    }

    @Test(arguments: PythonPool.Start.allCases)
    func `workers are forked or executed, and both answer`(
        start: PythonPool.Start
    ) async throws {
        try await TestPools.running(TestPools.echo(workers: 2) { $0.start = start }) { krait in
            try await krait.ready()
            let pids = try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<40 {
                    group.addTask { try await krait.call("pid").value.int }
                }
                return try await group.reduce(into: Set<Int>()) {
                    if let pid = $1 { $0.insert(pid) }
                }
            }
            #expect(pids.count == 2)
        }
    }

    @Test func `many calls at once are all answered, each with its own`() async throws {
        try await TestPools.running(TestPools.echo(workers: 2, slots: 16)) { krait in
            let answers = try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
                for number in 0..<2_000 {
                    group.addTask {
                        let arguments: ValueMap = ["n": .int(Int64(number))]
                        return (number, try await krait.call("echo", arguments).value["n"]?.int)
                    }
                }
                return try await group.reduce(into: [(Int, Int?)]()) { $0.append($1) }
            }
            #expect(answers.count == 2_000)
            #expect(answers.allSatisfy { $0 == $1 })
        }
    }

    @Test func `a call of a megabyte comes back whole`() async throws {
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await TestPools.running(TestPools.echo()) { krait in
            let reply = try await krait.call("echo", ["blob": .bytes(bytes)])
            #expect(reply.value["blob"] == .bytes(bytes))
        }
    }

    @Test func `an exception is a fault with its type, message and traceback`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("fail", ["message": "no such parcel"])
            }
            #expect(error?.code == .faulted)
            #expect(error?.fault?.type == "builtins.ValueError")
            #expect(error?.fault?.message == "no such parcel")
            #expect(error?.fault?.traceback.contains("ValueError") == true)
            #expect(error?.description.contains("no such parcel") == false)
            #expect(error?.delivery == .sent)
        }
    }

    @Test func `an unknown operation is refused with the nearest name`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            try await krait.ready()
            let error = await failure { () throws(CallError) in try await krait.call("ecko") }
            #expect(error?.code == .unknownOperation)
            #expect(error?.message.contains("echo") == true)
        }
    }

    @Test func `an unknown pool is refused with the nearest name`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("echo", on: .pool("ecco"))
            }
            #expect(error?.code == .unknownPool)
            #expect(error?.message.contains("echo") == true)
        }
    }

    @Test(arguments: ["sleep", "asleep"])
    func `a deadline ends the wait and leaves the pool whole`(operation: String) async throws {
        try await TestPools.running(TestPools.echo(slots: 2)) { krait in
            try await krait.ready()
            let error = await failure { () throws(CallError) in
                try await krait.call(
                    operation,
                    ["seconds": 2],
                    timeout: .milliseconds(50)
                )
            }
            #expect(error?.code == .deadlineExceeded)
            let reply = try await krait.call("echo", ["still": "here"])
            #expect(reply.value["still"] == "here")
        }
    }

    @Test func `cancelling the task cancels the call`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            try await krait.ready()
            let error = await withTaskGroup(of: CallError?.self) { group in
                group.addTask {
                    await failure { () throws(CallError) in
                        try await krait.call("asleep", ["seconds": 30])
                    }
                }
                #expect(await eventually { await krait.status().pools[0].workers.first?.busy == 1 })
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error?.code == .cancelled)
            // The slot comes back when the worker has answered the cancel.
            #expect(await eventually { await krait.status().pools[0].workers.first?.busy == 0 })
        }
    }

    @Test func `a full queue refuses`() async throws {
        let pool = TestPools.echo(slots: 1) { $0.queueLimit = 1 }
        try await TestPools.running(pool) { krait in
            try await krait.ready()
            await withTaskGroup(of: CallError?.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        await failure { () throws(CallError) in
                            try await krait.call("asleep", ["seconds": 30])
                        }
                    }
                }
                #expect(
                    await eventually {
                        let pool = await krait.status().pools[0]
                        return pool.queued == 1 && pool.workers.first?.busy == 1
                    }
                )
                let error = await failure { () throws(CallError) in try await krait.call("pid") }
                #expect(error?.code == .queueFull)
                #expect(error?.delivery == .notSent)
                group.cancelAll()
            }
        }
    }

    @Test func `a result that cannot be carried is a typed fault naming the place`() async throws {
        try await TestPools.running(TestPools.awkward("Unreadable")) { krait in
            let error = await failure { () throws(CallError) in try await krait.call("odd") }
            #expect(error?.code == .invalidOutput)
            #expect(error?.fault?.message.contains("rows[0].id") == true)
        }
    }

    @Test func `outside of its run an orchestrator refuses calls`() async throws {
        let orchestrator = Orchestrator(name: "idle") { TestPools.echo() }
        let error = await failure { () throws(CallError) in try await orchestrator.call("echo") }
        #expect(error?.code == .shuttingDown)
    }
}
