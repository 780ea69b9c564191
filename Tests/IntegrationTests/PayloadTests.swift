import Glibc
import Krait
import KraitTestSupport
import KraitWire
import KraitWorkers
import Testing

/// Large values to real workers and back, by shared memory and as frames.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PayloadTests {
    private func pool(_ change: (inout PythonPool) -> Void = { _ in }) -> PythonPool {
        TestPools.echo("general", change: change)
    }

    private var segments: Int { count(of: "krait-\(geteuid())-\(getpid())-") }

    private func count(of prefix: String) -> Int {
        guard let folder = opendir("/dev/shm") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(prefix) { count += 1 }
        }
        return count
    }

    @Test(arguments: [Codec.messagePack, .json], [Defaults.arena, nil])
    func `large bytes go there and back unchanged`(codec: Codec, arena: Int?) async throws {
        let chosen = pool {
            $0.codec = codec
            $0.arena = arena
        }
        let large = (0..<3).map { number in
            [UInt8](repeating: UInt8(number), count: 300_000 + number)
        }
        try await TestPools.running(chosen) { krait in
            let arguments: ValueMap = ["a": .list(large.map(Value.bytes)), "b": 1]
            for _ in 0..<5 {
                let reply = try await krait.call("echo", arguments)
                #expect(reply.value == .map(arguments))
            }
            #expect((segments > 0) == (arena != nil))
        }
        // Other suites of this process may have some at this moment.
        #expect(await eventually { segments == 0 }, "nothing is left")
    }

    /// A tensor of sevens in the memory of the pool `general`.
    private static func sevens(_ count: Int, _ krait: Orchestrator) throws -> Tensor {
        try krait.tensor(shape: [count], for: "general") {
            (numbers: UnsafeMutableBufferPointer<Double>) in numbers.initialize(repeating: 7)
        }
    }

    @Test func `a tensor in shared memory is sent as it lies, and memory is used again`()
        async throws
    {
        try await TestPools.running(pool()) { krait in
            let tensor = try Self.sevens(600_000, krait)
            let before = try #require(krait.arenaUsage(of: "general")?.used)
            for _ in 0..<20 {
                let seen = try await krait.call("view", ["data": .tensor(tensor)])
                #expect(seen.value == 600_000)
                let reply = try await krait.call("copy", ["data": .tensor(tensor)])
                let copy = try #require(reply.value.tensor)
                let last = try copy.withUnsafeNumbers(as: Double.self) { $0.last }
                #expect(last == 7)
                #expect(copy.count == 599_999)
            }
            let usage = try #require(krait.arenaUsage(of: "general"))
            #expect(usage.used == before && usage.leases <= 1)
            // Krait's segment, and the worker's.
            #expect(segments <= 2)
        }
    }

    @Test func `what does not fit goes as frames`() async throws {
        let small = pool { $0.arena = 1 << 20 }
        let large = Value.bytes([UInt8](repeating: 3, count: 3 << 20))
        try await TestPools.running(small) { krait in
            let reply = try await krait.call("echo", ["a": large])
            #expect(reply.value == ["a": large])
            let usage = try #require(krait.arenaUsage(of: "general"))
            #expect(usage.refused == 1)
        }
    }

    @Test func `more than the pool takes is refused before it is sent`() async throws {
        let strict = pool { $0.payloadLimit = 1 << 20 }
        let large = Value.bytes([UInt8](repeating: 3, count: 3 << 20))
        try await TestPools.running(strict) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("echo", ["a": large])
            }
            #expect(error?.code == .invalidInput)
            #expect(error?.message.contains("payload_limit") == true)
        }
    }

    @Test func `a result beyond what the pool takes is the worker's fault`() async throws {
        let strict = pool { $0.payloadLimit = 1 << 20 }
        try await TestPools.running(strict) { krait in
            let half = Value.bytes([UInt8](repeating: 3, count: 600_000))
            let arguments: ValueMap = ["a": half]
            let reply = try await krait.call("echo", arguments)
            #expect(reply.value == .map(arguments))
            let error = await failure { () throws(CallError) in
                try await krait.call("twice", ["data": half])
            }
            #expect(error?.code == .invalidOutput)
            #expect(error?.fault?.message.contains("raise its payload_limit") == true)
        }
    }

    @Test func `chunks, tool calls and their answers carry tables and large bytes`() async throws {
        try await TestPools.running(pool()) { krait in
            let tensor = try Self.sevens(100_000, krait)
            let bytes = Value.bytes([UInt8](repeating: 3, count: 300_000))
            for large in [Value.tensor(tensor), bytes] {
                var chunks: [Value] = []
                for try await chunk in krait.stream("repeat", ["value": large, "times": 40]) {
                    chunks.append(chunk)
                }
                #expect(chunks.count == 40 && chunks.allSatisfy { $0 == large })
                let tool = Tool("echo", "Sends back.", parameters: [:]) { .map($0) }
                let use: ValueMap = ["name": "echo", "arguments": ["a": large], "times": 3]
                for operation in ["use_tool", "ause_tool"] {
                    let reply = try await krait.call(operation, use, tools: [tool])
                    #expect(reply.value["value"] == ["a": large])
                }
            }
        }
        #expect(await eventually { segments == 0 })
    }

    @Test(arguments: [Defaults.arena, nil])
    func `a worker that is killed within a large transfer leaves nothing`(
        arena: Int?
    ) async throws {
        let chosen = pool { $0.arena = arena }
        try await TestPools.running(chosen, TestPools.echo("neighbour")) { krait in
            try await krait.ready()
            let neighbour = try await krait.call("pid", on: .pool("neighbour")).value
            for milliseconds in [1, 20, 60] {
                let tensor = try Self.sevens(32 << 20, krait)
                let pid = try #require(await krait.status().pools[0].workers[0].processID)
                async let outcome = CallOutcome.of { () throws(CallError) in
                    try await krait.call("copy", ["data": .tensor(tensor)], on: .pool("general"))
                }
                let isBusy = await eventually {
                    await krait.status().pools[0].workers[0].busy == 1
                }
                #expect(isBusy)
                _ = try await krait.call(
                    "asleep",
                    ["seconds": .double(Double(milliseconds) / 1_000)],
                    on: .pool("neighbour")
                )
                kill(pid, SIGKILL)
                // A quick machine has answered by then.
                if let error = await outcome.error { #expect(error.code == .workerCrashed) }
                let isReplaced = await eventually {
                    await krait.status().pools[0].workers[0].hasReplaced(pid)
                }
                #expect(isReplaced)
                let after = try await krait.call("pid", on: .pool("neighbour")).value
                #expect(after == neighbour)
            }
            let again = try await krait.call("view", ["data": .tensor(try Self.sevens(9, krait))])
            #expect(again.value == 9)
            #expect(segments <= 3, "Krait's own; what killed workers had is gone")
        }
        #expect(await eventually { segments == 0 })
    }

    @Test func `what a daemon leaves that is killed within a transfer goes with the next start`()
        async throws
    {
        try await CommandLab.open { lab in
            let file = try lab.configuration(
                """
                pools:
                  general:
                    adapter: pouring:Pours
                    path: [\(TestPools.adapters)]
                    workers: 1
                """
            )
            let daemon = try await lab.detach("--config", file)
            let call = try lab.start(["call", "pour", "--stream", #"{"kibibytes": 2000}"#])
            let own = "krait-\(geteuid())-\(daemon)-"
            #expect(await eventually { count(of: own) > 0 }, "the worker's memory is there")
            kill(daemon, SIGKILL)
            let code = try await call.end()
            #expect(code != 0)
            #expect(call.errors.contains("daemon"), "\(call.errors)")
            _ = try await lab.detach("--config", file)
            #expect(await eventually { count(of: own) == 0 })
            try await lab.krait("stop")
        }
    }
}
