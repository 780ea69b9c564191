/// Reads FlatBuffers without trusting them: each offset is checked before it is followed.
///
/// Nothing is copied but texts. Offsets may point to the same place many times, so whoever walks
/// tables within tables bounds how many it looks at.
struct FlatBuffer {
    let bytes: UnsafeRawBufferPointer

    /// The table that the buffer is about.
    func root() throws(TableError) -> FlatTable { try table(behind: 0) }

    func integer<T: FixedWidthInteger>(at position: Int) throws(TableError) -> T {
        guard position >= 0, position <= bytes.count - MemoryLayout<T>.size else {
            throw .malformed("metadata", "an offset leads outside of it")
        }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// Where the offset that is written at `position` leads.
    func follow(_ position: Int) throws(TableError) -> Int {
        position + Int(try integer(at: position) as UInt32)
    }

    func table(behind position: Int) throws(TableError) -> FlatTable {
        try FlatTable(self, at: follow(position))
    }
}

/// One table of a buffer: fields by their number in the schema, each of which may be absent.
struct FlatTable {
    private let buffer: FlatBuffer
    private let position: Int
    private let index: Int
    private let indexSize: Int
    private let size: Int

    init(_ buffer: FlatBuffer, at position: Int) throws(TableError) {
        self.buffer = buffer
        self.position = position
        index = position - Int(try buffer.integer(at: position) as Int32)
        indexSize = Int(try buffer.integer(at: index) as UInt16)
        size = Int(try buffer.integer(at: index + 2) as UInt16)
        guard indexSize >= 4, indexSize <= buffer.bytes.count - index, size >= 4,
            size <= buffer.bytes.count - position
        else { throw .malformed("metadata", "a table's index leads outside of it") }
    }

    /// Where a field is; nil where it is absent.
    func place(_ number: Int, size fieldSize: Int = 4) throws(TableError) -> Int? {
        let entry = 4 + 2 * number
        guard entry + 2 <= indexSize else { return nil }
        let offset = Int(try buffer.integer(at: index + entry) as UInt16)
        guard offset != 0 else { return nil }
        guard offset >= 4, offset + fieldSize <= size else {
            throw .malformed("metadata", "a field lies outside of its table")
        }
        return position + offset
    }

    func integer<T: FixedWidthInteger>(_ number: Int, or absent: T) throws(TableError) -> T {
        guard let place = try place(number, size: MemoryLayout<T>.size) else { return absent }
        return try buffer.integer(at: place)
    }

    func flag(_ number: Int) throws(TableError) -> Bool {
        try integer(number, or: UInt8(0)) != 0
    }

    func table(_ number: Int) throws(TableError) -> FlatTable? {
        guard let place = try place(number) else { return nil }
        return try buffer.table(behind: place)
    }

    /// The bytes of a text; nil where it is absent.
    func text(_ number: Int) throws(TableError) -> UnsafeRawBufferPointer? {
        guard let found = try vector(number, elementSize: 1) else { return nil }
        let range = found.start..<found.start + found.count
        return UnsafeRawBufferPointer(rebasing: buffer.bytes[range])
    }

    func vector(_ number: Int, elementSize: Int) throws(TableError) -> FlatVector? {
        guard let place = try place(number) else { return nil }
        let start = try buffer.follow(place)
        let count = Int(try buffer.integer(at: start) as UInt32)
        guard count <= (buffer.bytes.count - start - 4) / elementSize else {
            throw .malformed("metadata", "a list is longer than what is there")
        }
        return FlatVector(buffer: buffer, start: start + 4, count: count, stride: elementSize)
    }
}

/// A list within a buffer, whose extent has been checked.
struct FlatVector {
    fileprivate let buffer: FlatBuffer
    fileprivate let start: Int
    let count: Int
    fileprivate let stride: Int

    func table(_ index: Int) throws(TableError) -> FlatTable {
        try buffer.table(behind: start + index * stride)
    }

    /// The number `word` words into an element.
    func long(_ index: Int, word: Int = 0) throws(TableError) -> Int {
        Int(try buffer.integer(at: start + index * stride + 8 * word) as Int64)
    }
}
