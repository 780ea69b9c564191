import KraitTestSupport
import Testing

@testable import KraitWorkers

@Suite struct ArenaMapTests {
    private static let mebibyte = 1 << 20

    /// Memory of so many bytes, and the segments that were made for it.
    private func take(_ map: inout ArenaMap, _ count: Int) -> ArenaMap.BlockID? {
        switch map.allocate(count) {
        case .block(let block): return block
        case .full: return nil
        case .wantsSegment(let size):
            map.making(size)
            map.added((map.segments.keys.max() ?? 0) + 1, size: size)
            guard case .block(let block) = map.allocate(count) else { return nil }
            return block
        }
    }

    /// What is there; a macro could not call what changes the map.
    private func found<T>(_ optional: T?) throws -> T { try #require(optional) }

    private func expect<T: Equatable>(_ value: T, _ expected: T) { #expect(value == expected) }

    @Test func `small blocks share a segment, and a large one has its own`() {
        var map = ArenaMap(limit: 1_024 * Self.mebibyte, retained: 0)
        for _ in 0..<4 { _ = take(&map, 10 * Self.mebibyte) }
        #expect(map.segments.count == 1)
        _ = take(&map, 200 * Self.mebibyte)
        #expect(map.segments.count == 2)
        #expect(map.size == ArenaMap.leastSegment + 200 * Self.mebibyte)
        #expect(map.used == 240 * Self.mebibyte)
    }

    @Test(arguments: [0, -1, 65 << 20, Int.max])
    func `what can never fit is refused`(_ count: Int) {
        var map = ArenaMap(limit: 64 << 20, retained: 0)
        expect(map.allocate(count), .full)
        expect(map.makeRoom(for: count), [])
    }

    @Test func `a block is free when nobody holds it and no loan is out`() throws {
        var map = ArenaMap(limit: 64 << 20, retained: 64 << 20)
        let block = try found(take(&map, 5_000))
        #expect(map.used == 8_192)
        let first = try found(map.lend(block, to: 1))
        let second = try found(map.lend(block, to: 2))
        #expect(first.generation < second.generation)
        #expect(first.slot != second.slot)
        expect(map.release(block), [])
        #expect(map.used == 8_192)
        _ = map.returned(first.generation)
        _ = map.returned(first.generation)
        #expect(map.used == 8_192)
        _ = map.workerEnded(2)
        #expect(map.used == 0)
        expect(map.release(block), [])
        expect(map.lend(block, to: 1) == nil, true)
    }

    @Test func `a loan is found by whom it was lent to, and held until both are done`() throws {
        var map = ArenaMap(limit: 64 << 20, retained: 64 << 20)
        let block = try found(take(&map, 5_000))
        let loan = try found(map.lend(block, to: 1))
        expect(map.found(loan.generation, from: 2), nil)
        expect(map.found(loan.generation + 1, from: 1), nil)
        expect(map.found(loan.generation, from: 1), block)
        #expect(map.loans[loan.generation]?.seen == 1)
        _ = map.returned(loan.generation)
        expect(map.found(loan.generation, from: 1), nil)
        _ = map.release(block)
        #expect(map.used == 8_192)
        _ = map.release(block)
        #expect(map.used == 0)
    }

    @Test func `what is not used goes, but for what is kept`() throws {
        var map = ArenaMap(limit: 1 << 30, retained: 100 << 20)
        let small = try found(take(&map, 1 << 20))
        let large = try found(take(&map, 300 << 20))
        expect(map.release(large), [2])
        expect(map.release(small), [])
        #expect(map.segments.count == 1)
    }

    @Test func `segments without a block make room for a larger one`() throws {
        var map = ArenaMap(limit: 128 << 20, retained: 128 << 20)
        let blocks = (0..<4).compactMap { _ in take(&map, 30 << 20) }
        #expect(blocks.count == 4)
        expect(map.allocate(100 << 20), .full)
        blocks.dropLast().forEach { _ = map.release($0) }
        expect(map.makeRoom(for: 100 << 20), [])
        expect(map.makeRoom(for: 90 << 20).count, 3)
        expect(take(&map, 90 << 20) != nil, true)
    }

    @Test func `a segment's table holds so many loans and no more`() throws {
        var map = ArenaMap(limit: 64 << 20, retained: 64 << 20)
        let block = try found(take(&map, 5_000))
        var last: UInt64 = 0
        for _ in 0..<SegmentTable.slots {
            last = try found(map.lend(block, to: 1)).generation
        }
        expect(map.lend(block, to: 1) == nil, true)
        _ = map.returned(last)
        expect(map.lend(block, to: 1) != nil, true)
    }

    /// What must hold whatever has happened.
    private func check(_ map: ArenaMap, limit: Int) {
        #expect(map.size <= limit)
        for (id, segment) in map.segments {
            var parts = segment.free
            let blocks = map.blocks.values.filter { $0.segment == id }
            parts += blocks.map(\.range)
            parts.sort { $0.lowerBound < $1.lowerBound }
            // The parts cover the segment, and none lies over another.
            #expect(parts.first?.lowerBound == SegmentTable.size)
            #expect(parts.last?.upperBound == segment.size)
            #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            #expect(segment.blocks == blocks.count)
            let slots = map.loans.values.filter { map.blocks[$0.block]?.segment == id }.map(\.slot)
            #expect(Set(slots + segment.freeSlots).count == SegmentTable.slots)
        }
        for block in map.blocks.values { #expect(block.holds + block.loans > 0) }
        for loan in map.loans.values { #expect(map.blocks[loan.block] != nil) }
    }

    @Test(arguments: 0..<20)
    func `whatever happens, no two have the same bytes and none is lost`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = 512 << 20
        var map = ArenaMap(limit: limit, retained: 128 << 20)
        var held: [ArenaMap.BlockID] = []
        for step in 0..<400 {
            switch UInt64.random(in: 0..<10, using: &random) {
            case 0..<4:
                let count = Int.random(in: 1...(100 << 20), using: &random)
                var block = take(&map, count)
                if block == nil {
                    _ = map.makeRoom(for: count)
                    block = take(&map, count)
                }
                if let block { held.append(block) }
            case 4..<6:
                if let block = held.randomElement(using: &random) {
                    _ = map.lend(block, to: .random(in: 1...3, using: &random))
                }
            case 6:
                if let loan = map.loans.keys.sorted().randomElement(using: &random) {
                    _ = map.returned(loan)
                }
            case 7:
                let loans = map.loans.sorted { $0.key < $1.key }
                if let loan = loans.randomElement(using: &random),
                    let block = map.found(loan.key, from: loan.value.worker)
                {
                    held.append(block)
                }
            case 8: _ = map.workerEnded(.random(in: 1...3, using: &random))
            default:
                if let index = held.indices.randomElement(using: &random) {
                    _ = map.release(held.remove(at: index))
                }
            }
            if step % 20 == 0 { check(map, limit: limit) }
        }
        held.forEach { _ = map.release($0) }
        (1...3).forEach { _ = map.workerEnded($0) }
        check(map, limit: limit)
        #expect(map.blocks.isEmpty)
        #expect(map.size <= 128 << 20)
    }
}
