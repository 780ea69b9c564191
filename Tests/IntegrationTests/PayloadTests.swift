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

    private var segments: Int {
        guard let folder = opendir("/dev/shm") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("krait-\(geteuid())-\(getpid())-") { count += 1 }
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

    @Test func `what is sent back as it lies is not copied, and memory is used again`()
        async throws
    {
        try await TestPools.running(pool()) { krait in
            let bytes = try #require(krait.allocate(5 << 20, for: "general"))
            bytes.storage.initializeMemory(as: UInt8.self, repeating: 7)
            for _ in 0..<20 {
                let back = try await krait.exchange("back", bytes, with: "general")
                try #require(back.count == 1)
                let address = bytes.withUnsafeBytes { $0.baseAddress }
                #expect(back[0].withUnsafeBytes { $0.baseAddress } == address)
            }
            for _ in 0..<20 {
                let copy = try await krait.exchange("copy", bytes, with: "general")
                #expect(copy.first?.count == 5 << 20 - 1)
                #expect(copy.first?.withUnsafeBytes { $0.last } == 7)
            }
            let usage = try #require(krait.arenaUsage(of: "general"))
            #expect(usage.used == 5 << 20)
            #expect(usage.leases <= 1)
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

    @Test func `a worker that is killed with large bytes in its hands leaves nothing`()
        async throws
    {
        try await TestPools.running(pool()) { krait in
            let bytes = try #require(krait.allocate(5 << 20, for: "general"))
            bytes.storage.initializeMemory(as: UInt8.self, repeating: 7)
            let kept = try await krait.exchange("copy", bytes, with: "general")
            let error = await failure { () throws(CallError) in
                try await krait.call("crash", ["signal": 9])
            }
            #expect(error?.code == .workerCrashed)
            // What the worker lent stays readable.
            #expect(kept.first?.withUnsafeBytes { $0.first } == 7)
            let again = try await krait.exchange("back", bytes, with: "general")
            #expect(again.first?.count == 5 << 20)
            #expect(krait.arenaUsage(of: "general")?.used == 5 << 20)
        }
        #expect(await eventually { segments == 0 })
    }
}
