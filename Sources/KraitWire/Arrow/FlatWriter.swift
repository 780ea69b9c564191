/// A thing of a FlatBuffer that others point to.
indirect enum FlatObject {
    /// Fields by their number in the schema.
    case table([FlatField])
    case text(String)
    case objects([FlatObject])
    case longs([Int])
    /// Structs of two numbers.
    case pairs([(Int, Int)])
}

/// A field of a table.
enum FlatField {
    case absent
    case byte(UInt8)
    case short(Int16)
    case int(Int32)
    case long(Int)
    /// A struct of two numbers, within the table.
    case pair(Int, Int)
    case object(FlatObject)

    fileprivate var size: Int {
        switch self {
        case .absent: 0
        case .byte: 1
        case .short: 2
        case .int, .object: 4
        case .long: 8
        case .pair: 16
        }
    }
}

/// Writes FlatBuffers front to back: what points comes first, and what it points to behind it.
///
/// Numbers of 8 bytes lie at multiples of 8 from the buffer's start.
struct FlatWriter {
    private var bytes: [UInt8] = []

    /// The bytes of a buffer about a table.
    static func bytes(of root: FlatObject) -> [UInt8] {
        var writer = FlatWriter()
        writer.put(UInt32(0))
        writer.put(root, from: 0)
        return writer.bytes
    }

    private mutating func put<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func set<T: FixedWidthInteger>(_ value: T, at position: Int) {
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: value.littleEndian, toByteOffset: position, as: T.self)
        }
    }

    /// Adds zeros until the end lies `rest` behind a multiple of `alignment`.
    private mutating func pad(to alignment: Int, rest: Int = 0) {
        while bytes.count % alignment != rest { bytes.append(0) }
    }

    /// Writes an object, and its place into the offset at `slot`.
    private mutating func put(_ object: FlatObject, from slot: Int) {
        switch object {
        case .table(let fields): put(fields, from: slot)
        case .text(let text):
            begin(from: slot, count: text.utf8.count)
            bytes.append(contentsOf: text.utf8)
            bytes.append(0)
        case .objects(let objects):
            let first = begin(from: slot, count: objects.count)
            for _ in objects { put(UInt32(0)) }
            for (index, object) in objects.enumerated() { put(object, from: first + 4 * index) }
        case .longs(let numbers):
            begin(from: slot, count: numbers.count)
            for number in numbers { put(Int64(number)) }
        case .pairs(let pairs):
            begin(from: slot, count: pairs.count)
            for (first, second) in pairs {
                put(Int64(first))
                put(Int64(second))
            }
        }
    }

    /// Begins a list, whose elements then lie at a multiple of 8.
    @discardableResult
    private mutating func begin(from slot: Int, count: Int) -> Int {
        pad(to: 8, rest: 4)
        set(UInt32(bytes.count - slot), at: slot)
        put(UInt32(count))
        return bytes.count
    }

    private mutating func put(_ fields: [FlatField], from slot: Int) {
        let order = fields.indices.filter { fields[$0].size > 0 }
            .sorted { fields[$0].size > fields[$1].size }
        var offsets = [UInt16](repeating: 0, count: fields.count)
        var size = 4
        for index in order {
            offsets[index] = UInt16(size)
            size += fields[index].size
        }
        let indexSize = 4 + 2 * fields.count
        // The table begins 4 before a multiple of 8, with its index right before it.
        while (bytes.count + indexSize) % 8 != 4 { bytes.append(0) }
        put(UInt16(indexSize))
        put(UInt16(size))
        for offset in offsets { put(offset) }
        let start = bytes.count
        set(UInt32(start - slot), at: slot)
        put(Int32(indexSize))
        for index in order { put(fields[index]) }
        for index in order {
            guard case .object(let object) = fields[index] else { continue }
            put(object, from: start + Int(offsets[index]))
        }
    }

    private mutating func put(_ field: FlatField) {
        switch field {
        case .absent: break
        case .byte(let value): put(value)
        case .short(let value): put(value)
        case .int(let value): put(value)
        case .long(let value): put(Int64(value))
        case .pair(let first, let second):
            put(Int64(first))
            put(Int64(second))
        case .object: put(UInt32(0))
        }
    }
}
