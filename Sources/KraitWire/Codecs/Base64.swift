/// Bytes as base64 (RFC 4648, section 4): the standard alphabet, with padding, nothing else.
enum Base64 {
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let padding = UInt8(ascii: "=")
    private static let invalid: UInt8 = 0xFF

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: invalid, count: 256)
        for index in 0..<64 { values[Int(alphabet.utf8Start[index])] = UInt8(index) }
        return values
    }()

    static func write(_ bytes: [UInt8], into sink: inout ByteSink) throws(EncodingStop) {
        guard sink.room >= (bytes.count + 2) / 3 * 4 else { throw .full }
        let alphabet = alphabet.utf8Start
        var offset = 0
        while offset + 3 <= bytes.count {
            let group =
                UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8
                | UInt32(bytes[offset + 2])
            sink.put(alphabet[Int(group >> 18)])
            sink.put(alphabet[Int(group >> 12 & 63)])
            sink.put(alphabet[Int(group >> 6 & 63)])
            sink.put(alphabet[Int(group & 63)])
            offset += 3
        }
        let rest = bytes.count - offset
        guard rest > 0 else { return }
        let group = UInt32(bytes[offset]) << 16 | (rest == 2 ? UInt32(bytes[offset + 1]) << 8 : 0)
        sink.put(alphabet[Int(group >> 18)])
        sink.put(alphabet[Int(group >> 12 & 63)])
        sink.put(rest == 2 ? alphabet[Int(group >> 6 & 63)] : padding)
        sink.put(padding)
    }

    /// The bytes of a base64 text, or nil where it is none.
    static func read(_ text: String) -> [UInt8]? {
        text.withBytes { text in
            guard text.count % 4 == 0 else { return nil }
            guard let last = text.last else { return [] }
            let padded = last != padding ? 0 : text[text.count - 2] != padding ? 1 : 2
            return values.withUnsafeBufferPointer { read(text, padded: padded, values: $0) }
        }
    }

    private static func read(
        _ text: UnsafeRawBufferPointer,
        padded: Int,
        values: UnsafeBufferPointer<UInt8>
    ) -> [UInt8]? {
        // All bits of an invalid character are set, and 6 of a valid one at most.
        var seen: UInt8 = 0
        func group(at offset: Int, count: Int) -> UInt32 {
            var group: UInt32 = 0
            for index in offset..<(offset + count) {
                let value = values[Int(text[index])]
                seen |= value
                group = group << 6 | UInt32(value & 63)
            }
            return group << UInt32(6 * (4 - count))
        }
        let whole = padded == 0 ? text.count : text.count - 4
        var rest: UInt32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { bytes, count in
            for offset in stride(from: 0, to: whole, by: 4) {
                let group = group(at: offset, count: 4)
                bytes[count] = UInt8(truncatingIfNeeded: group >> 16)
                bytes[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
                bytes[count + 2] = UInt8(truncatingIfNeeded: group)
                count += 3
            }
            guard padded > 0 else { return }
            rest = group(at: whole, count: 4 - padded)
            for _ in 0..<(3 - padded) {
                bytes[count] = UInt8(truncatingIfNeeded: rest >> 16)
                rest = rest << 8 & 0xFF_FFFF
                count += 1
            }
        }
        // Bits that no byte takes up must be 0: every value has one text.
        return seen < 64 && rest == 0 ? bytes : nil
    }
}
