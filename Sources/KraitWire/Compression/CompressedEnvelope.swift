/// By what, and from how many bytes on, envelopes to and from a worker are compressed.
package struct CompressionRule: Sendable, Hashable {
    package var compression: Compression
    /// What the body and the attachments have at least, taken together.
    package var least: Int

    package init(_ compression: Compression, least: Int = Limits.compressedBytes) {
        self.compression = compression
        self.least = least
    }

    /// The compressed form of an envelope; nil where that is not used, or not smaller.
    package func apply(
        to envelope: [UInt8],
        with attachments: [any SharedBytes]
    ) -> CompressedEnvelope? {
        let body = envelope.count - EnvelopeHeader.size
        let size = attachments.reduce(body) { $0 + $1.count }
        guard size >= least, attachments.allSatisfy({ $0.count <= Limits.partBytes }) else {
            return nil
        }
        let packedBody = envelope.withUnsafeBytes { bytes in
            part(UnsafeRawBufferPointer(rebasing: bytes[EnvelopeHeader.size...]))
        }
        let packed = attachments.map { $0.withUnsafeBytes { part($0) } }
        let packedSize = packed.reduce(packedBody.count) { $0 + $1.count }
        guard packedSize < size, packedBody.count <= Limits.bodyBytes else { return nil }
        var bytes = envelope[..<EnvelopeHeader.size] + packedBody
        bytes.withUnsafeMutableBytes { bytes in
            bytes[5] = EnvelopeFlags.compressed(by: compression).rawValue
            let length = UInt32(packedBody.count).littleEndian
            bytes.storeBytes(of: length, toByteOffset: 16, as: UInt32.self)
        }
        return CompressedEnvelope(compression, Array(bytes), packed.map(ArrayBytes.init))
    }

    private func part(_ raw: UnsafeRawBufferPointer) -> [UInt8] {
        if raw.count > Compression.prefix, let packed = compression.compress(raw) { return packed }
        return [UInt8](repeating: 0, count: Compression.prefix) + raw
    }
}

/// An envelope whose parts are compressed, for workers that read it so.
package struct CompressedEnvelope: Sendable {
    package let compression: Compression
    /// Header and body; call id and remaining time are as the plain envelope's were.
    package let bytes: [UInt8]
    package let attachments: [any SharedBytes]

    fileprivate init(
        _ compression: Compression,
        _ bytes: [UInt8],
        _ attachments: [any SharedBytes]
    ) {
        (self.compression, self.bytes, self.attachments) = (compression, bytes, attachments)
    }

    /// Its bytes, with the call id and the remaining time that the plain envelope has.
    package func bytes(as plain: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes.replaceSubrange(8..<16, with: plain[8..<16])
        bytes.replaceSubrange(20..<24, with: plain[20..<24])
        return bytes
    }
}

extension Compression {
    /// The raw bytes of an envelope's part, at most `limit`.
    ///
    /// Throws `malformedBody`.
    func read(_ part: BytesSlice, limit: Int) throws(WireError) -> BytesSlice {
        let isRaw = part.count >= Self.prefix && part.number(0, as: UInt64.self) == 0
        if isRaw {
            let range = part.range.lowerBound + Self.prefix..<part.range.upperBound
            return BytesSlice(part.storage, range)
        }
        let raw = try part.withUnsafeBytes { (bytes) throws(WireError) in
            try decompress(bytes, limit: limit)
        }
        return BytesSlice(raw, 0..<raw.count)
    }
}

/// A part of shared bytes, as shared bytes.
final class SlicedBytes: SharedBytes {
    private let slice: BytesSlice

    init(_ slice: BytesSlice) { self.slice = slice }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try slice.withUnsafeBytes(body)
    }
}
