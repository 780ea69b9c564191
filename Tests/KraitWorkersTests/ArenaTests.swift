import Glibc
import KraitWire
import Testing

@testable import KraitWorkers

/// Segments in `/dev/shm`, from the side that makes them and from the one that is lent them.
@Suite(.serialized) struct ArenaTests {
    private func filled(_ arena: Arena, _ count: Int, _ byte: UInt8) throws -> ArenaBytes {
        let bytes = try #require(arena.allocate(count))
        bytes.storage.initializeMemory(as: UInt8.self, repeating: byte)
        return bytes
    }

    /// How many files there are of the arena that a lease is of.
    private func files(_ arena: Arena, _ lease: LeaseDescriptor) -> Int {
        let prefix = arena.prefix + String(lease.segment >> 32, radix: 16)
        return SmallFile.names(in: "/dev/shm").filter { $0.hasPrefix(prefix) }.count
    }

    @Test func `the arena's files have the run's names and go with it`() throws {
        var arena: Arena? = Arena(limit: 16 << 20)
        let prefix = try #require(arena?.prefix)
        let bytes = arena?.allocate(1 << 20)
        let names = SmallFile.names(in: "/dev/shm").filter { $0.hasPrefix(prefix) }
        #expect(!names.isEmpty)
        for name in names { #expect(RunName(name)?.owner == .current) }
        #expect(bytes != nil)
        arena = nil
        _ = consume bytes
    }

    @Test func `memory is used again, and a full arena refuses`() throws {
        let arena = Arena(limit: 16 << 20)
        var bytes: [ArenaBytes] = []
        while let more = arena.allocate(2 << 20) { bytes.append(more) }
        #expect(bytes.count == 8)
        #expect(arena.usage.refused == 1)
        let address = bytes.removeLast().storage.baseAddress
        #expect(arena.allocate(2 << 20)?.storage.baseAddress == address)
        let large = ArrayBytes([UInt8](repeating: 1, count: 4 << 20))
        #expect(arena.copy(large) == nil)
        bytes.removeAll()
        let copy = try #require(arena.copy(large))
        #expect(copy.array == large.bytes)
        #expect(arena.copy(copy) === copy)
    }

    @Test func `a loan comes back changed in nothing, or not at all`() throws {
        let arena = Arena(limit: 16 << 20)
        let worker = arena.addWorker()
        let bytes = try filled(arena, 100_000, 5)
        let lease = try #require(arena.lend(bytes, to: worker))
        #expect(try LeaseDescriptor(lease.bytes) == lease)
        let back = try arena.take(lease, from: worker)
        #expect(back.count == 100_000)
        #expect(throws: WireError.self) { try arena.take(lease, from: worker + 1) }
        for change in [
            { $0.generation += 1 }, { $0.offset += 4_096 }, { $0.length += 1 << 20 },
            { $0.segment += 1 },
        ] as [(inout LeaseDescriptor) -> Void] {
            var wrong = lease
            change(&wrong)
            #expect(throws: WireError.self) { try arena.take(wrong, from: worker) }
        }
        arena.workerEnded(worker)
        #expect(throws: WireError.self) { try arena.take(lease, from: worker) }
        #expect(Arena(limit: 1 << 20).lend(bytes, to: worker) == nil)
    }

    @Test func `a worker's segment is read in place, and its leases go back`() throws {
        // Another arena stands for the worker: segments have one form.
        let owner = Arena(limit: 16 << 20)
        let bytes = try filled(owner, 100_000, 9)
        let lease = try #require(owner.lend(bytes, to: 1))
        var segments = WorkerSegments(prefix: owner.prefix, tag: UInt32(lease.segment >> 32))
        #expect(segments.owns(lease.segment))
        var view: (any SharedBytes)? = try segments.take(lease)
        #expect(view?.array == [UInt8](repeating: 9, count: 100_000))
        #expect(owner.usage.leases == 1)
        view = nil
        #expect(owner.usage.leases == 0)
        #expect(throws: WireError.self) { try segments.take(lease) }
        var missing = lease
        missing.segment += 1
        #expect(throws: WireError.self) { try segments.take(missing) }
        #expect(files(owner, lease) == 1)
        segments.close()
        #expect(files(owner, lease) == 0)
    }

    @Test(arguments: 0..<20)
    func `descriptors of random bytes are refused or stand for nothing`(seed: Int) throws {
        let arena = Arena(limit: 1 << 20)
        let bytes = try filled(arena, 4_096, 1)
        let worker = arena.addWorker()
        let lease = try #require(arena.lend(bytes, to: worker))
        var segments = WorkerSegments(prefix: arena.prefix, tag: UInt32(lease.segment >> 32))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var frame = lease.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: frame.indices, using: &generator)
                frame[index] = .random(in: .min ... .max, using: &generator)
            }
            if seed % 5 == 0 { frame = Array(frame.prefix(.random(in: 0...40))) }
            guard frame != lease.bytes,
                let changed = try? LeaseDescriptor(frame), changed != lease
            else { continue }
            #expect(throws: WireError.self) { try segments.take(changed) }
        }
    }

    @Test func `a segment that cannot be had is not made`() {
        #expect(SegmentMapping.make("krait-no/such", size: 1 << 20) == nil)
        #expect(SegmentMapping.make("krait-too-large", size: 1 << 60) == nil)
        #expect(SegmentMapping.open(existing: "krait-is-not-there") == nil)
        #expect(SmallFile.names(in: "/dev/shm").contains("krait-too-large") == false)
    }
}

extension LeaseDescriptor {
    fileprivate init(_ bytes: [UInt8]) throws(WireError) {
        self = try bytes.withUnsafeBufferPointer { (bytes) throws(WireError) in
            try LeaseDescriptor(UnsafeRawBufferPointer(bytes))
        }
    }
}
