/// A body or a whole envelope, and what goes beside it.
package struct EncodedBytes: Sendable {
    package var bytes: [UInt8]
    package var attachments: [Attachment]

    package init(_ bytes: [UInt8], _ attachments: [Attachment] = []) {
        self.bytes = bytes
        self.attachments = attachments
    }
}

extension Codec {
    /// The first try is on the stack: nearly every body is smaller, and is then copied once, into
    /// an array of just its size.
    private static let smallBody = 1_024

    /// Writes a value as a body.
    ///
    /// Throws `unserialisable` with the path to what cannot be carried, or `bodyTooLong`.
    package func encode(_ value: Value) throws(WireError) -> [UInt8] {
        try build(head: 0, bound: { bound(of: value) }) { sink throws(EncodingStop) in
            try write(value, into: &sink)
        }.bytes
    }

    /// Writes a value as a body, with what is large beside it.
    ///
    /// Throws as `encode` does.
    package func encodeGathering(_ value: Value) throws(WireError) -> EncodedBytes {
        try build(head: 0, isGathering: true, bound: { bound(of: value) }) {
            sink throws(EncodingStop) in
            try write(value, into: &sink)
        }
    }

    /// Reads the one value that a body holds, of which `attachments` came beside it.
    ///
    /// Throws `malformedBody` with the path to what is wrong, or `bodyTooLong`.
    package func decode(
        _ body: UnsafeRawBufferPointer,
        attachments: [any SharedBytes] = []
    ) throws(WireError) -> Value {
        guard body.count <= Limits.bodyBytes else { throw .bodyTooLong(body.count) }
        do {
            switch self {
            case .json: return try JSONReader.read(body, attachments)
            case .messagePack: return try MessagePackReader.read(body, attachments)
            }
        } catch {
            throw error.malformed
        }
    }

    /// Reads the one value that a body holds; see `decode(_: UnsafeRawBufferPointer)`.
    package func decode(
        _ body: [UInt8],
        attachments: [any SharedBytes] = []
    ) throws(WireError) -> Value {
        try body.withUnsafeBufferPointer { body throws(WireError) in
            try decode(UnsafeRawBufferPointer(body), attachments: attachments)
        }
    }

    /// How many bytes a value takes at most.
    func bound(of value: Value) -> Int {
        switch self {
        case .json: JSONSize.bound(value)
        case .messagePack: MessagePackSize.bound(value)
        }
    }

    @inline(__always)
    func write(_ value: Value, into sink: inout ByteSink) throws(EncodingStop) {
        switch self {
        case .json:
            try JSONWriter.write(value, into: &sink)
        case .messagePack:
            try MessagePackWriter.write(into: &sink) { writer throws(EncodingStop) in
                try writer.write(value)
            }
        }
    }

    /// Runs a writer into bytes that begin with `head` bytes, to be filled in after.
    ///
    /// What does not fit on the stack is written anew into an array of `bound` bytes: growing would
    /// copy large bodies, and measuring each body first would cost small ones a quarter of their
    /// time.
    @inline(__always)
    func build(
        head: Int,
        isGathering: Bool = false,
        bound: () -> Int,
        _ write: (inout ByteSink) throws(EncodingStop) -> Void
    ) throws(WireError) -> EncodedBytes {
        do throws(EncodingStop) {
            return try withUnsafeTemporaryAllocation(byteCount: Self.smallBody, alignment: 8) {
                buffer throws(EncodingStop) in
                var sink = ByteSink(buffer, isGathering: isGathering)
                sink.reserve(head)
                try write(&sink)
                return EncodedBytes(
                    Array(UnsafeRawBufferPointer(start: buffer.baseAddress, count: sink.count)),
                    sink.attachments ?? []
                )
            }
        } catch .failed(let failure) {
            throw failure.unserialisable
        } catch {
            return try buildLarge(head: head, isGathering, bound: bound(), write)
        }
    }

    private func buildLarge(
        head: Int,
        _ isGathering: Bool,
        bound: Int,
        _ write: (inout ByteSink) throws(EncodingStop) -> Void
    ) throws(WireError) -> EncodedBytes {
        let capacity = head + max(Self.smallBody, min(bound, Limits.bodyBytes))
        do throws(EncodingStop) {
            var attachments: [Attachment] = []
            let bytes = try [UInt8](unsafeUninitializedCapacity: capacity) {
                buffer,
                count throws(EncodingStop) in
                let buffer = UnsafeMutableRawBufferPointer(buffer)
                var sink = ByteSink(buffer, isGathering: isGathering)
                sink.reserve(head)
                try write(&sink)
                count = sink.count
                attachments = sink.attachments ?? []
            }
            return EncodedBytes(bytes, attachments)
        } catch .failed(let failure) {
            throw failure.unserialisable
        } catch {
            throw .bodyTooLong(bound)
        }
    }
}
