/// The keys a map has so far, to find the one that comes twice.
///
/// Most maps are small, so comparing each pair is what makes decoding slow: one word of bits, set
/// by a cheap mark of each key, says for nearly every key that it is new. Large maps keep a set, so
/// that the whole costs O(n) and no sender can make it O(n²).
struct SeenKeys {
    private static let smallMap = 16

    private var bits: UInt64 = 0
    private var set: Set<ExactText>?

    /// Takes note of a key; false if the map has it already.
    ///
    /// `entries` are those before it, and `mark` is that of the key's bytes.
    @inline(__always)
    mutating func insert<T>(
        _ key: String,
        mark: UInt64,
        into entries: [(key: String, value: T)]
    ) -> Bool {
        let bit = 1 &<< mark
        if entries.count < Self.smallMap {
            guard bits & bit != 0 else {
                bits |= bit
                return true
            }
            return !entries.contains { ExactText.isSame($0.key, key) }
        }
        return insertIntoSet(key, entries)
    }

    private mutating func insertIntoSet<T>(
        _ key: String,
        _ entries: [(key: String, value: T)]
    ) -> Bool {
        var seen = set ?? Set(entries.lazy.map { ExactText($0.key) })
        set = nil
        let isNew = seen.insert(ExactText(key)).inserted
        set = seen
        return isNew
    }

    /// A number below 64 that equal texts share, from the length and up to 16 of the bytes.
    @inline(__always)
    static func mark(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var mixed = UInt64(truncatingIfNeeded: bytes.count)
        if bytes.count >= 8 {
            mixed ^= bytes.loadUnaligned(as: UInt64.self)
            mixed &*= 0x9E37_79B9_7F4A_7C15
            mixed ^= bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        } else {
            for byte in bytes { mixed = mixed &<< 8 ^ UInt64(byte) }
        }
        return (mixed &* 0x9E37_79B9_7F4A_7C15) &>> 58
    }

    /// The same mark, of a text.
    static func mark(of text: String) -> UInt64 {
        text.withBytes { mark(of: $0) }
    }
}
