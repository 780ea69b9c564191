import CMessagePack

/// Writes values as MessagePack with msgpack-c's packer, straight into a sink.
///
/// The packer writes through a callback, twice per text: the sink is a few pointers so that a call
/// is a comparison and a copy. A status other than 0 can only come from that callback, and means
/// that the sink is full.
struct MessagePackWriter {
    private let packer: UnsafeMutablePointer<msgpack_packer>

    /// Runs `body` with a writer into a sink.
    @inline(__always)
    static func write(
        into sink: inout ByteSink,
        _ body: (MessagePackWriter) throws(EncodingStop) -> Void
    ) throws(EncodingStop) {
        try withUnsafeMutablePointer(to: &sink) { sink throws(EncodingStop) in
            var packer = msgpack_packer(data: sink) { append($0, $1, $2) }
            try withUnsafeMutablePointer(to: &packer) { packer throws(EncodingStop) in
                try body(MessagePackWriter(packer: packer))
            }
        }
    }

    func write(_ value: Value, depth: Int = 0) throws(EncodingStop) {
        switch value {
        case .null: try check(msgpack_pack_nil(packer))
        case .bool(true): try check(msgpack_pack_true(packer))
        case .bool(false): try check(msgpack_pack_false(packer))
        case .int(let integer): try check(msgpack_pack_int64(packer, integer))
        case .unsigned(let integer): try check(msgpack_pack_uint64(packer, integer))
        case .double(let number): try check(msgpack_pack_double(packer, number))
        case .string(let text): try write(text)
        case .bytes(let bytes): try write(bytes)
        case .table(let table): try attach(Attachment(table))
        case .tensor(let tensor): try attach(Attachment(tensor))
        case .timestamp(let time): try write(time)
        case .list(let elements): try write(elements, depth: depth + 1)
        case .map(let map): try write(map, depth: depth + 1)
        }
    }

    /// Writes the head of a list; its elements follow.
    func openList(count: Int) throws(EncodingStop) {
        try check(msgpack_pack_array(packer, count))
    }

    func write(_ text: String) throws(EncodingStop) {
        try check(text.withBytes { pack(text: $0) })
    }

    func write(_ map: ValueMap, depth: Int) throws(EncodingStop) {
        guard depth <= Limits.nesting else { throw .failed(.tooDeep) }
        try check(msgpack_pack_map(packer, map.count))
        // Through a pointer: iterating the array would retain and release each key and value.
        try map.entries.withUnsafeBufferPointer { entries throws(EncodingStop) in
            for index in entries.indices {
                try write(entries[index].key)
                do throws(EncodingStop) { try write(entries[index].value, depth: depth) } catch {
                    throw error.inside(.key(entries[index].key))
                }
            }
        }
    }

    private func write(_ elements: [Value], depth: Int) throws(EncodingStop) {
        guard depth <= Limits.nesting else { throw .failed(.tooDeep) }
        try openList(count: elements.count)
        try elements.withUnsafeBufferPointer { elements throws(EncodingStop) in
            for index in elements.indices {
                do throws(EncodingStop) { try write(elements[index], depth: depth) } catch {
                    throw error.inside(.index(index))
                }
            }
        }
    }

    /// Puts a value beside the body, and its leaf into it.
    func attach(_ attachment: Attachment) throws(EncodingStop) {
        let index = try sink.pointee.attach(attachment)
        let count = AttachmentReader.extensionSize
        try check(msgpack_pack_ext(packer, count, AttachmentReader.extensionType))
        let leaf = UInt32(attachment.form.rawValue) << 24 | UInt32(index)
        try withUnsafeBytes(of: leaf.bigEndian) { leaf throws(EncodingStop) in
            try check(msgpack_pack_ext_body(packer, leaf.baseAddress, count))
        }
    }

    private var sink: UnsafeMutablePointer<ByteSink> {
        packer.pointee.data.assumingMemoryBound(to: ByteSink.self)
    }

    private func write(_ bytes: [UInt8]) throws(EncodingStop) {
        if sink.pointee.isBeside(byteCount: bytes.count) {
            return try attach(Attachment(.bytes, ArrayBytes(bytes)))
        }
        try check(
            bytes.withUnsafeBytes { bytes in
                let status = msgpack_pack_bin(packer, bytes.count)
                guard status == 0, !bytes.isEmpty else { return status }
                return msgpack_pack_bin_body(packer, bytes.baseAddress, bytes.count)
            }
        )
    }

    private func write(_ time: Timestamp) throws(EncodingStop) {
        guard time.isInCalendar else { throw .failed(.timeOutOfRange) }
        var packed = msgpack_timestamp(tv_sec: time.seconds, tv_nsec: time.nanoseconds)
        try check(msgpack_pack_timestamp(packer, &packed))
    }

    @inline(__always)
    private func pack(text: UnsafeRawBufferPointer) -> Int32 {
        let status = msgpack_pack_str(packer, text.count)
        guard status == 0, !text.isEmpty else { return status }
        return msgpack_pack_str_body(packer, text.baseAddress, text.count)
    }

    @inline(__always)
    private func check(_ status: Int32) throws(EncodingStop) {
        if status != 0 { throw .full }
    }
}

/// The packer's callback: −1 says that the sink is full.
@inline(__always)
private func append(
    _ data: UnsafeMutableRawPointer?,
    _ bytes: UnsafePointer<CChar>?,
    _ count: Int
) -> Int32 {
    guard let data, let bytes else { return -1 }
    let sink = data.assumingMemoryBound(to: ByteSink.self)
    guard sink.pointee.room >= count else { return -1 }
    if count == 1 {
        sink.pointee.put(UInt8(bitPattern: bytes.pointee))
    } else {
        sink.pointee.put(bytes, count: count)
    }
    return 0
}

/// How many bytes a value takes as MessagePack at most: what a sink needs to hold it.
enum MessagePackSize {
    static func bound(_ value: Value) -> Int {
        switch value {
        case .null, .bool: 1
        case .int(let integer): -32..<128 ~= integer ? 1 : 9
        case .unsigned, .double: 9
        case .timestamp, .table, .tensor: 15
        case .string(let text): 5 + text.utf8.count
        case .bytes(let bytes): 5 + bytes.count
        case .list(let elements): elements.reduce(5) { $0 + bound($1) }
        case .map(let map): bound(map)
        }
    }

    static func bound(_ map: ValueMap) -> Int {
        map.entries.reduce(5) { $0 + 5 + $1.key.utf8.count + bound($1.value) }
    }
}
