/// Reads one value of MessagePack.
///
/// msgpack-c packs but does not unpack here: `msgpack_unpack` stops at 32 levels of nesting, where
/// the protocol allows 128, and allocates what a list's head announces before it has seen one
/// element of it. Reading straight into `Value` also saves the way over its objects.
struct MessagePackReader {
    /// How much room a list or map gets on the word of its head; more comes with its elements.
    private static let trustedCount = 256

    private var cursor: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private var attachments: AttachmentReader

    /// Reads the one value that `bytes` holds, with what came beside them.
    static func read(
        _ bytes: UnsafeRawBufferPointer,
        _ attachments: [any SharedBytes]
    ) throws(CodingFailure) -> Value {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { throw .truncated }
        var reader = MessagePackReader(
            cursor: start,
            end: start + bytes.count,
            attachments: AttachmentReader(attachments)
        )
        let value = try reader.value(depth: 0)
        guard reader.cursor == reader.end else { throw .trailing(reader.rest) }
        try reader.attachments.finish()
        return value
    }

    private var rest: Int { end - cursor }

    private mutating func value(depth: Int) throws(CodingFailure) -> Value {
        let head = try integer(UInt8.self)
        switch head {
        case 0x00...0x7F: return .int(Int64(head))
        case 0x80...0x8F: return .map(try map(count: Int(head & 0x0F), depth: depth + 1))
        case 0x90...0x9F: return .list(try list(count: Int(head & 0x0F), depth: depth + 1))
        case 0xA0...0xBF: return .string(try text(count: Int(head & 0x1F)))
        case 0xE0...0xFF: return .int(Int64(Int8(bitPattern: head)))
        case 0xC0: return .null
        case 0xC2: return .bool(false)
        case 0xC3: return .bool(true)
        case 0xCA: return .double(Double(Float(bitPattern: try integer())))
        case 0xCB: return .double(Double(bitPattern: try integer()))
        case 0xCC...0xD3: return try number(head)
        case 0xD9...0xDB: return .string(try text(count: try count(width: head - 0xD9)))
        case 0xC4...0xC6: return .bytes(Array(try raw(try count(width: head - 0xC4))))
        case 0xDC, 0xDD: return .list(try list(count: count(width: head - 0xDB), depth: depth + 1))
        case 0xDE, 0xDF: return .map(try map(count: count(width: head - 0xDD), depth: depth + 1))
        case 0xC7...0xC9: return try extended(count: try count(width: head - 0xC7))
        case 0xD4...0xD8: return try extended(count: 1 << Int(head - 0xD4))
        default: throw CodingFailure("a byte that begins no value (0xC1)")
        }
    }

    private mutating func number(_ head: UInt8) throws(CodingFailure) -> Value {
        switch head {
        case 0xCC: return .int(Int64(try integer(UInt8.self)))
        case 0xCD: return .int(Int64(try integer(UInt16.self)))
        case 0xCE: return .int(Int64(try integer(UInt32.self)))
        case 0xCF: return Value(try integer(UInt64.self))
        case 0xD0: return .int(Int64(try integer(Int8.self)))
        case 0xD1: return .int(Int64(try integer(Int16.self)))
        case 0xD2: return .int(Int64(try integer(Int32.self)))
        default: return .int(try integer(Int64.self))
        }
    }

    private mutating func list(count: Int, depth: Int) throws(CodingFailure) -> [Value] {
        guard depth <= Limits.nesting else { throw .tooDeep }
        guard count <= rest else { throw .truncated }
        var elements: [Value] = []
        elements.reserveCapacity(min(count, Self.trustedCount))
        for index in 0..<count {
            do { elements.append(try value(depth: depth)) } catch {
                throw error.inside(.index(index))
            }
        }
        return elements
    }

    private mutating func map(count: Int, depth: Int) throws(CodingFailure) -> ValueMap {
        guard depth <= Limits.nesting else { throw .tooDeep }
        guard count <= rest / 2 else { throw .truncated }
        var entries: [ValueMap.Entry] = []
        entries.reserveCapacity(min(count, Self.trustedCount))
        var seen = SeenKeys()
        for _ in 0..<count {
            let bytes = try raw(try keyLength())
            let key = try text(bytes)
            guard seen.insert(key, mark: SeenKeys.mark(of: bytes), into: entries) else {
                throw .duplicate(key)
            }
            do { entries.append((key, try value(depth: depth))) } catch {
                throw error.inside(.key(key))
            }
        }
        return ValueMap(uniqueEntries: entries)
    }

    @inline(__always)
    private mutating func keyLength() throws(CodingFailure) -> Int {
        let head = try integer(UInt8.self)
        switch head {
        case 0xA0...0xBF: return Int(head & 0x1F)
        case 0xD9...0xDB: return try count(width: head - 0xD9)
        default: throw CodingFailure("a key that is not text")
        }
    }

    private mutating func extended(count: Int) throws(CodingFailure) -> Value {
        let type = try integer(Int8.self)
        guard rest >= count else { throw .truncated }
        if type == AttachmentReader.extensionType { return try attachment(count: count) }
        guard type == -1 else { throw CodingFailure("the ext type \(type), which has no meaning") }
        let seconds: Int64
        let nanoseconds: UInt32
        switch count {
        case 4:
            (seconds, nanoseconds) = (Int64(try integer(UInt32.self)), 0)
        case 8:
            let both = try integer(UInt64.self)
            (seconds, nanoseconds) = (Int64(both & 0x3_FFFF_FFFF), UInt32(both >> 34))
        case 12:
            nanoseconds = try integer()
            seconds = try integer()
        default:
            throw CodingFailure("a point in time of \(count) bytes, which must be 4, 8 or 12")
        }
        guard nanoseconds < 1_000_000_000 else {
            throw CodingFailure("a point in time with a second or more of nanoseconds")
        }
        let time = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        guard time.isInCalendar else { throw .timeOutOfRange }
        return .timestamp(time)
    }

    private mutating func attachment(count: Int) throws(CodingFailure) -> Value {
        guard count == AttachmentReader.extensionSize else {
            throw CodingFailure("an attachment's leaf of \(count) bytes")
        }
        let form = Attachment.Form(rawValue: try integer(UInt8.self))
        guard try integer(UInt8.self) == 0 else { throw CodingFailure("an unknown attachment") }
        return try attachments.take(form, index: Int(try integer(UInt16.self)))
    }

    /// A length of 1, 2 or 4 bytes (`width` 0, 1 or 2).
    private mutating func count(width: UInt8) throws(CodingFailure) -> Int {
        switch width {
        case 0: Int(try integer(UInt8.self))
        case 1: Int(try integer(UInt16.self))
        default: Int(try integer(UInt32.self))
        }
    }

    private mutating func text(count: Int) throws(CodingFailure) -> String {
        try text(try raw(count))
    }

    @inline(__always)
    private func text(_ bytes: UnsafeRawBufferPointer) throws(CodingFailure) -> String {
        guard let text = ExactText.text(of: bytes) else { throw .notUnicode }
        return text
    }

    @inline(__always)
    private mutating func raw(_ count: Int) throws(CodingFailure) -> UnsafeRawBufferPointer {
        guard rest >= count else { throw .truncated }
        defer { cursor += count }
        return UnsafeRawBufferPointer(start: cursor, count: count)
    }

    @inline(__always)
    private mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type = T.self
    ) throws(CodingFailure) -> T {
        guard rest >= MemoryLayout<T>.size else { throw .truncated }
        defer { cursor += MemoryLayout<T>.size }
        return T(bigEndian: cursor.loadUnaligned(as: T.self))
    }
}
