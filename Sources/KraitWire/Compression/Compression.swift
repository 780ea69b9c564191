import CLZ4
import CZstd

/// How the parts of an envelope, its body and its attachments, are made smaller.
///
/// A compressed part is the count of its raw bytes in 8 bytes, least significant first, and behind
/// it one zstd frame or one LZ4 block; where the count is 0, the bytes as they are.
public enum Compression: UInt8, Sendable, Hashable, CaseIterable {
    /// Zstandard, at its quickest level but one.
    case zstd = 1
    /// Less small than zstd, and several times as fast.
    case lz4 = 2

    /// The compression of a name as hellos and configuration spell it.
    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// The name as hellos, configuration and replies spell it.
    public var name: String {
        switch self {
        case .zstd: "zstd"
        case .lz4: "lz4"
        }
    }

    /// What comes before the compressed bytes.
    package static let prefix = 8
    /// zstd's level: higher ones take much longer for little.
    private static let level: Int32 = 1
    /// More raw bytes cannot lie behind one compressed one, whatever the format says: blocks of
    /// 128 KiB in 3 bytes and a byte, and runs of 255 in one.
    private var mostRatio: Int {
        switch self {
        case .zstd: 128 << 10
        case .lz4: 256
        }
    }

    /// The compressed part; nil where that would not be smaller, or for more than a part may have.
    package func compress(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard !bytes.isEmpty, bytes.count <= Limits.partBytes else { return nil }
        // No room for more than there was: what does not become smaller is given up early.
        let part = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            guard target.count > Self.prefix else { return }
            let room = UnsafeMutableRawBufferPointer(rebasing: target[Self.prefix...])
            guard let used = write(bytes, into: room), used < room.count else { return }
            target.storeBytes(of: UInt64(bytes.count).littleEndian, as: UInt64.self)
            count = Self.prefix + used
        }
        return part.isEmpty ? nil : part
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer,
        into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        switch self {
        case .zstd:
            let used = ZSTD_compress(
                room.baseAddress,
                room.count,
                bytes.baseAddress,
                bytes.count,
                Self.level
            )
            return ZSTD_isError(used) == 0 ? used : nil
        case .lz4:
            let used = LZ4_compress_default(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                room.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count),
                Int32(room.count)
            )
            return used > 0 ? Int(used) : nil
        }
    }

    /// The raw bytes of a compressed part, at most `limit` of them.
    ///
    /// What the part claims is held against `limit`, against what its bytes can hold at most, and
    /// with zstd against its own frame, before any memory is taken for it. Throws `malformedBody`.
    package func decompress(
        _ part: UnsafeRawBufferPointer,
        limit: Int = Limits.partBytes
    ) throws(WireError) -> any SharedBytes {
        guard part.count > Self.prefix else { throw refusal("it has \(part.count) bytes") }
        let claim = UInt64(littleEndian: part.loadUnaligned(as: UInt64.self))
        guard claim <= min(limit, Limits.partBytes) else {
            throw refusal("\(claim) raw bytes, where at most \(limit) are allowed")
        }
        let packed = UnsafeRawBufferPointer(rebasing: part[Self.prefix...])
        let raw = Int(claim)
        guard raw / mostRatio <= packed.count else {
            throw refusal("\(raw) raw bytes, which \(packed.count) cannot hold")
        }
        if self == .zstd {
            guard ZSTD_getFrameContentSize(packed.baseAddress, packed.count) == claim else {
                throw refusal("its frame says another length than the part")
            }
        }
        return try OwnedBytes(count: raw) { target throws(WireError) in
            guard read(packed, into: target) == raw else {
                throw refusal("its bytes are no \(name) of the length they claim")
            }
        }
    }

    private func read(
        _ packed: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        switch self {
        case .zstd:
            let used = ZSTD_decompress(
                target.baseAddress,
                target.count,
                packed.baseAddress,
                packed.count
            )
            return ZSTD_isError(used) == 0 ? used : nil
        case .lz4:
            let used = LZ4_decompress_safe(
                packed.baseAddress?.assumingMemoryBound(to: CChar.self),
                target.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(packed.count),
                Int32(target.count)
            )
            return used >= 0 ? Int(used) : nil
        }
    }

    private func refusal(_ reason: String) -> WireError {
        .malformedBody(path: "", reason: "a part compressed by \(name): \(reason)")
    }
}
