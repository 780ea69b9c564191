/// Who has which part of the arena: its decisions, without the memory.
///
/// Memory is cut into blocks, each within one segment. A block is held by this side for as long as
/// its owner needs it, and lent to any number of workers, each loan with a place in its segment's
/// table and a generation that never comes again. It is free when nobody holds it and no loan is
/// out.
package struct ArenaMap: Equatable, Sendable {
    package typealias BlockID = UInt64

    /// A part of a segment.
    package struct Block: Equatable, Sendable {
        package var segment: UInt32
        /// From the segment's beginning, rounded up to the alignment.
        package var range: Range<Int>
        /// How often this side holds it.
        var holds = 1
        var loans = 0
    }

    /// A block in a worker's hands.
    package struct Loan: Equatable, Sendable {
        package var block: BlockID
        package var slot: Int
        package var worker: UInt32
        /// How often the worker has sent it back to be looked at.
        package var seen: UInt64 = 0
    }

    struct Segment: Equatable, Sendable {
        var size: Int
        /// Free ranges in order; none touches the next.
        var free: [Range<Int>]
        var freeSlots: [Int]
        var blocks = 0

        /// Those behind its table.
        var bytes: Int { size - SegmentTable.size }
    }

    /// What comes of asking for memory.
    package enum Allocation: Equatable, Sendable {
        case block(BlockID)
        /// A segment of so many bytes is to be made, then asked again.
        case wantsSegment(Int)
        case full
    }

    /// The least a segment has beside its table, so that small blocks share one.
    package static let leastSegment = 64 << 20

    private let limit: Int
    private let retained: Int
    private(set) var segments: [UInt32: Segment] = [:]
    private(set) package var blocks: [BlockID: Block] = [:]
    /// By generation.
    private(set) package var loans: [UInt64: Loan] = [:]
    /// Bytes of segments that are being made.
    private var pending = 0
    private var lastBlock: BlockID = 0
    private var lastGeneration: UInt64 = 0

    /// - Parameters:
    ///   - limit: how many bytes all segments may have.
    ///   - retained: how many bytes of segments without a block are kept for later.
    package init(limit: Int, retained: Int) {
        self.limit = limit
        self.retained = retained
    }

    /// Bytes of all segments without their tables, and those of blocks.
    package var size: Int { segments.values.reduce(0) { $0 + $1.bytes } }
    package var used: Int { blocks.values.reduce(0) { $0 + $1.range.count } }

    private static func aligned(_ count: Int) -> Int {
        (count + SegmentTable.alignment - 1) / SegmentTable.alignment * SegmentTable.alignment
    }

    /// Asks for memory: the first free range that is large enough.
    package mutating func allocate(_ count: Int) -> Allocation {
        guard count > 0, count <= limit else { return .full }
        let count = Self.aligned(count)
        for (id, segment) in segments.sorted(by: { $0.key < $1.key }) {
            guard let index = segment.free.firstIndex(where: { $0.count >= count }) else {
                continue
            }
            let range = segment.free[index]
            let taken = range.lowerBound..<range.lowerBound + count
            if taken.upperBound == range.upperBound {
                segments[id]?.free.remove(at: index)
            } else {
                segments[id]?.free[index] = taken.upperBound..<range.upperBound
            }
            segments[id]?.blocks += 1
            lastBlock += 1
            blocks[lastBlock] = Block(segment: id, range: taken)
            return .block(lastBlock)
        }
        let wanted = segmentSize(for: count)
        return size + pending + wanted <= limit ? .wantsSegment(SegmentTable.size + wanted) : .full
    }

    /// A segment of that size is being made; `added` or `failed` ends it.
    package mutating func making(_ size: Int) { pending += size - SegmentTable.size }

    /// The segment could not be made.
    package mutating func failed(_ size: Int) { pending -= size - SegmentTable.size }

    /// How many bytes a new segment is to have beside its table.
    private func segmentSize(for count: Int) -> Int {
        max(count, min(Self.leastSegment, limit / 4))
    }

    /// Gives up as many segments without a block as a larger one needs; gives them.
    package mutating func makeRoom(for count: Int) -> [UInt32] {
        guard count > 0, count <= limit else { return [] }
        let wanted = segmentSize(for: Self.aligned(count))
        let taken = segments.values.reduce(pending) { $0 + ($1.blocks > 0 ? $1.bytes : 0) }
        guard taken + wanted <= limit else { return [] }
        return unwanted(keeping: limit - taken - wanted)
    }

    /// A segment of that size, with its table, has been made, as `making` said.
    package mutating func added(_ segment: UInt32, size: Int) {
        failed(size)
        segments[segment] = Segment(
            size: size,
            free: [SegmentTable.size..<size],
            freeSlots: Array((0..<SegmentTable.slots).reversed())
        )
    }

    /// This side holds a block once more.
    package mutating func hold(_ block: BlockID) { blocks[block]?.holds += 1 }

    /// This side holds a block once less; gives the segments that are not wanted any more.
    package mutating func release(_ block: BlockID) -> [UInt32] {
        guard let holds = blocks[block]?.holds, holds > 0 else { return [] }
        blocks[block]?.holds -= 1
        return settle(block)
    }

    /// Lends a block: the loan and its generation, or nil where the segment's table is full.
    package mutating func lend(
        _ block: BlockID,
        to worker: UInt32
    ) -> (generation: UInt64, slot: Int)? {
        guard let segment = blocks[block]?.segment,
            let slot = segments[segment]?.freeSlots.popLast()
        else { return nil }
        lastGeneration += 1
        blocks[block]?.loans += 1
        loans[lastGeneration] = Loan(block: block, slot: slot, worker: worker)
        return (lastGeneration, slot)
    }

    /// A worker has sent a loan back to be looked at: its block, which this side now holds once
    /// more; nil where it is no loan of that worker's.
    package mutating func found(_ generation: UInt64, from worker: UInt32) -> BlockID? {
        guard let loan = loans[generation], loan.worker == worker else { return nil }
        loans[generation]?.seen += 1
        hold(loan.block)
        return loan.block
    }

    /// A loan has come to its end; gives the segments that are not wanted any more.
    package mutating func returned(_ generation: UInt64) -> [UInt32] {
        guard let loan = loans.removeValue(forKey: generation) else { return [] }
        if let segment = blocks[loan.block]?.segment {
            segments[segment]?.freeSlots.append(loan.slot)
        }
        blocks[loan.block]?.loans -= 1
        return settle(loan.block)
    }

    /// A worker is gone, and with it whatever it had.
    package mutating func workerEnded(_ worker: UInt32) -> [UInt32] {
        loans.filter { $0.value.worker == worker }.keys.sorted().flatMap { returned($0) }
    }

    private mutating func settle(_ id: BlockID) -> [UInt32] {
        guard let block = blocks[id], block.holds == 0, block.loans == 0 else { return [] }
        blocks[id] = nil
        free(block.range, in: block.segment)
        return unwanted(keeping: retained)
    }

    private mutating func free(_ range: Range<Int>, in id: UInt32) {
        guard var free = segments[id]?.free else { return }
        var index = free.firstIndex { $0.lowerBound >= range.upperBound } ?? free.count
        var range = range
        if index < free.count, free[index].lowerBound == range.upperBound {
            range = range.lowerBound..<free.remove(at: index).upperBound
        }
        if index > 0, free[index - 1].upperBound == range.lowerBound {
            index -= 1
            range = free.remove(at: index).lowerBound..<range.upperBound
        }
        free.insert(range, at: index)
        segments[id]?.free = free
        segments[id]?.blocks -= 1
    }

    /// Takes segments without a block out, the latest first, until the rest may be kept.
    private mutating func unwanted(keeping retained: Int) -> [UInt32] {
        var empty = segments.filter { $0.value.blocks == 0 }.sorted { $0.key < $1.key }
        var size = empty.reduce(0) { $0 + $1.value.bytes }
        var gone: [UInt32] = []
        while size > retained, let last = empty.popLast() {
            size -= last.value.bytes
            segments[last.key] = nil
            gone.append(last.key)
        }
        return gone
    }
}
