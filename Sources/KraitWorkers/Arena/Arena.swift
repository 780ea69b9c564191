import Glibc
import KraitObservability
import KraitWire

/// Shared memory for what a pool's workers are sent: made once, used again and again.
///
/// Segments are files in `/dev/shm` with a `RunName`: a worker opens them by name at any time in
/// its life, which an anonymous one would need a channel for, and what a killed run leaves is found
/// by name. Any thread may call; making a segment takes about a quarter of a second for each GiB.
package final class Arena: Sendable {
    /// What the arena has.
    package struct Usage: Sendable, Equatable {
        /// Bytes of its segments, and of those what is taken.
        package var size: Int
        package var used: Int
        package var leases: Int
        /// How many times something did not fit.
        package var refused: Int
    }

    fileprivate struct State {
        var map: ArenaMap
        var segments: [UInt32: SegmentMapping] = [:]
        var nextSegment: UInt32 = 0
        var nextWorker: UInt32
        var refused = 0
        var isClosed = false
    }

    package let limit: Int
    /// What the names of this run's segments begin with.
    package let prefix: String
    private let tag: UInt32
    private let state: Lock<State>

    /// An arena of at most `limit` bytes, of which a half is kept when it is not used.
    package init(limit: Int) {
        self.limit = limit
        let name = RunName()
        prefix = String(name.text.dropLast(name.random.count))
        // With the highest bit set, so that the numbers always have sixteen digits.
        tag = UInt32.random(in: 0x8000_0000...0xBFFF_FFFF)
        state = Lock(
            State(
                map: ArenaMap(limit: limit, retained: limit / 2),
                nextWorker: UInt32.random(in: 0xC000_0000...0xEFFF_FFFF)
            )
        )
    }

    deinit {
        state.withLock { state in for segment in state.segments.values { segment.discard() } }
    }

    /// Gives no more memory, and removes the files; what somebody holds stays readable.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            for segment in state.segments.values { segment.discard() }
        }
    }

    /// A number of its own for a worker: its segments and loans go by it.
    package func addWorker() -> UInt32 {
        state.withLock { state in
            state.nextWorker += 1
            return state.nextWorker
        }
    }

    /// A worker is gone: its loans are over.
    package func workerEnded(_ worker: UInt32) {
        state.withLock { $0.discard($0.map.workerEnded(worker)) }
    }

    /// Memory of so many bytes, to be filled before it is shared; nil where none is free.
    package func allocate(_ count: Int) -> ArenaBytes? {
        let first = state.withLock { $0.allocate(count, of: self) }
        guard case .wantsSegment(let size, let number) = first else { return bytes(first) }
        // Not under the lock: it takes long, and the pools' thread lends and gives back meanwhile.
        let name = prefix + String(UInt64(tag) << 32 | UInt64(number), radix: 16)
        let segment = SegmentMapping.make(name, size: size)
        return bytes(state.withLock { $0.allocate(count, of: self, from: segment, number, size) })
    }

    private func bytes(_ allocation: State.Allocation) -> ArenaBytes? {
        if case .bytes(let bytes) = allocation { return bytes }
        state.withLock { $0.refused += 1 }
        return nil
    }

    /// A copy of some bytes in the arena; nil where they do not fit.
    package func copy(_ bytes: any SharedBytes) -> ArenaBytes? {
        if let here = bytes as? ArenaBytes, here.arena === self { return here }
        return bytes.withUnsafeBytes { bytes in
            guard let copy = allocate(bytes.count) else { return nil }
            copy.storage.copyMemory(from: bytes)
            return copy
        }
    }

    /// Lends bytes of this arena to a worker; nil where too much is lent already.
    package func lend(_ bytes: ArenaBytes, to worker: UInt32) -> LeaseDescriptor? {
        guard bytes.arena === self else { return nil }
        return state.withLock { state in
            if state.map.loans.count > SegmentTable.slots / 2 { state.collect() }
            guard let place = state.map.blocks[bytes.block],
                let (generation, slot) = state.map.lend(bytes.block, to: worker)
            else { return nil }
            let lease = LeaseDescriptor(
                segment: UInt64(tag) << 32 | UInt64(place.segment),
                generation: generation,
                offset: place.range.lowerBound,
                length: bytes.count,
                slot: slot
            )
            bytes.mapping.write(lease)
            return lease
        }
    }

    /// Takes a lease back that was never sent.
    func revoke(_ lease: LeaseDescriptor) {
        state.withLock { $0.discard($0.map.returned(lease.generation)) }
    }

    /// Whether a segment is one of this arena's, by its number.
    package func owns(_ segment: UInt64) -> Bool { UInt32(segment >> 32) == tag }

    /// The bytes of a lease that a worker sends back unchanged.
    package func take(
        _ lease: LeaseDescriptor,
        from worker: UInt32
    ) throws(WireError) -> any SharedBytes {
        let found = state.withLock { state -> ArenaBytes? in
            guard let block = state.map.found(lease.generation, from: worker),
                let place = state.map.blocks[block], let mapping = state.segments[place.segment]
            else { return nil }
            let isSame =
                place.range.lowerBound == lease.offset && lease.length <= place.range.count
                && UInt64(place.segment) == lease.segment & 0xFFFF_FFFF
            let start = mapping.base + place.range.lowerBound
            return ArenaBytes(
                UnsafeMutableRawBufferPointer(start: start, count: isSame ? lease.length : 0),
                block,
                mapping,
                of: self
            )
        }
        guard let found, found.count > 0 else { throw .staleLease("no such loan is out") }
        return found
    }

    fileprivate func release(_ block: ArenaMap.BlockID) {
        state.withLock { $0.discard($0.map.release(block)) }
    }

    package var usage: Usage {
        state.withLock { state in
            state.collect()
            return Usage(
                size: state.map.size,
                used: state.map.used,
                leases: state.map.loans.count,
                refused: state.refused
            )
        }
    }
}

extension Arena.State {
    /// Takes back the loans that workers are done with.
    fileprivate mutating func collect() {
        for (generation, loan) in map.loans {
            guard let segment = map.blocks[loan.block]?.segment,
                segments[segment]?.returned(loan.slot) == loan.seen + 1
            else { continue }
            discard(map.returned(generation))
        }
    }

    fileprivate mutating func discard(_ gone: [UInt32]) {
        for segment in gone { segments.removeValue(forKey: segment)?.discard() }
    }

    /// What comes of asking for memory.
    fileprivate enum Allocation {
        case bytes(ArenaBytes)
        case wantsSegment(Int, UInt32)
        case full
    }

    fileprivate mutating func allocate(_ count: Int, of arena: Arena) -> Allocation {
        guard !isClosed else { return .full }
        collect()
        var allocation = map.allocate(count)
        if allocation == .full {
            discard(map.makeRoom(for: count))
            allocation = map.allocate(count)
        }
        switch allocation {
        case .block(let block): return bytes(block, count, arena)
        case .full: return .full
        case .wantsSegment(let size):
            map.making(size)
            nextSegment += 1
            return .wantsSegment(size, nextSegment)
        }
    }

    /// Goes on once the segment that was wanted is there, or could not be had.
    fileprivate mutating func allocate(
        _ count: Int,
        of arena: Arena,
        from segment: SegmentMapping?,
        _ number: UInt32,
        _ size: Int
    ) -> Allocation {
        guard let segment, !isClosed else {
            segment?.discard()
            map.failed(size)
            return .full
        }
        segments[number] = segment
        map.added(number, size: size)
        guard case .block(let block) = map.allocate(count) else { return .full }
        return bytes(block, count, arena)
    }

    private func bytes(_ block: ArenaMap.BlockID, _ count: Int, _ arena: Arena) -> Allocation {
        guard let place = map.blocks[block], let mapping = segments[place.segment] else {
            return .full
        }
        let start = mapping.base + place.range.lowerBound
        let storage = UnsafeMutableRawBufferPointer(start: start, count: count)
        return .bytes(ArenaBytes(storage, block, mapping, of: arena))
    }
}

/// Bytes in an arena, which are this side's for as long as somebody holds the object.
// Allowed: whoever made it fills it before anybody else has it; afterwards it is only read.
package final class ArenaBytes: SharedBytes, @unchecked Sendable {
    /// The memory, for whoever has made it to fill.
    package let storage: UnsafeMutableRawBufferPointer
    fileprivate let block: ArenaMap.BlockID
    fileprivate let mapping: SegmentMapping
    fileprivate let arena: Arena

    fileprivate init(
        _ storage: UnsafeMutableRawBufferPointer,
        _ block: ArenaMap.BlockID,
        _ mapping: SegmentMapping,
        of arena: Arena
    ) {
        (self.storage, self.block, self.mapping, self.arena) = (storage, block, mapping, arena)
    }

    deinit { arena.release(block) }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }
}
