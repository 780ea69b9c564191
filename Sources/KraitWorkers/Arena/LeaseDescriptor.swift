import KraitWire

/// What stands for leased memory on the wire: the frame in the place of an attachment's bytes.
///
/// 40 bytes, little-endian: segment, generation, offset, length (64 bits each), place in the
/// segment's table, and 0 (32 bits each). *Worker protocol* has the table.
package struct LeaseDescriptor: Sendable, Hashable {
    package static let size = 40

    package var segment: UInt64
    package var generation: UInt64
    /// From the segment's beginning.
    package var offset: Int
    package var length: Int
    /// Its place in the segment's table.
    package var slot: Int

    package init(segment: UInt64, generation: UInt64, offset: Int, length: Int, slot: Int) {
        self.segment = segment
        self.generation = generation
        self.offset = offset
        self.length = length
        self.slot = slot
    }

    /// Reads a frame.
    ///
    /// Throws `staleLease` for what no segment can hold.
    package init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
        guard bytes.count == Self.size else {
            throw .staleLease("a descriptor of \(bytes.count) bytes, not \(Self.size)")
        }
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        guard let offset = Int(exactly: word(2)), let length = Int(exactly: word(3)),
            offset >= SegmentTable.size, length > 0, length <= Int.max - offset,
            word(1) > 0, word(4) < UInt64(SegmentTable.slots)
        else { throw .staleLease("a descriptor of what no segment can hold") }
        self.init(
            segment: word(0),
            generation: word(1),
            offset: offset,
            length: length,
            slot: Int(word(4))
        )
    }

    package var bytes: [UInt8] {
        let words = [
            segment, generation, UInt64(offset), UInt64(length), UInt64(slot),
        ]
        return words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    }
}

/// How a segment begins: a table of its leases, which both sides may write to.
///
/// The first eight words are `KRAITSHM`, and whether its owner has given it up. Then come the
/// leases of four words each: generation, offset, length, and what the borrower writes when it is
/// done: 0 while it holds the lease, then 1 and how often it has sent it back. What follows the
/// table is written by the owner alone.
package enum SegmentTable {
    package static let size = 32 << 10
    package static let slots = (size - header) / slotSize
    package static let magic: UInt64 = 0x4D48_5354_4941_524B
    static let header = 64
    static let slotSize = 32
    /// What leases begin at a multiple of.
    static let alignment = 4_096
}
