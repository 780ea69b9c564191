/// Whole envelopes, header and body in one buffer.
extension Codec {
    /// The envelope of a call, with call id and remaining time 0; `EnvelopeHeader.patch` fills
    /// them.
    ///
    /// Callers encode on their own threads, before the call has its id. Throws `unserialisable`
    /// with the path to what cannot be carried, such as `arguments.rows[3].id`, or `bodyTooLong`.
    package func encodeCall(
        operation: String,
        arguments: ValueMap,
        options: ValueMap = [:]
    ) throws(WireError) -> [UInt8] {
        try call(operation, arguments, options, isGathering: false).bytes
    }

    /// The envelope of a call as `encodeCall` makes it, with what is large beside it.
    package func gatherCall(
        operation: String,
        arguments: ValueMap,
        options: ValueMap = [:]
    ) throws(WireError) -> EncodedBytes {
        try call(operation, arguments, options, isGathering: true)
    }

    @inline(__always)
    private func call(
        _ operation: String,
        _ arguments: ValueMap,
        _ options: ValueMap,
        isGathering: Bool
    ) throws(WireError) -> EncodedBytes {
        try envelope(
            .call,
            isGathering: isGathering,
            bound: {
                let parts: [Value] = [.string(operation), .map(arguments), .map(options)]
                return bound(of: .list(parts))
            },
            { sink throws(EncodingStop) in
                try writeCall(operation, arguments, options, into: &sink)
            }
        )
    }

    /// The envelope of a value, for every kind but calls.
    ///
    /// `number` is what a tool's reply answers. Throws `unserialisable` with the path to what
    /// cannot be carried, or `bodyTooLong`.
    package func encodeEnvelope(
        _ kind: EnvelopeKind,
        callID: UInt64 = 0,
        number: UInt32 = 0,
        _ value: Value
    ) throws(WireError) -> [UInt8] {
        try envelope(kind, callID: callID, number: number, bound: { bound(of: value) }) {
            sink throws(EncodingStop) in
            try write(value, into: &sink)
        }.bytes
    }

    /// The envelope of a value as `encodeEnvelope` makes it, with what is large beside it.
    package func gatherEnvelope(
        _ kind: EnvelopeKind,
        callID: UInt64 = 0,
        number: UInt32 = 0,
        _ value: Value
    ) throws(WireError) -> EncodedBytes {
        try envelope(
            kind,
            callID: callID,
            number: number,
            isGathering: true,
            bound: { bound(of: value) }
        ) { sink throws(EncodingStop) in
            try write(value, into: &sink)
        }
    }

    @inline(__always)
    private func envelope(
        _ kind: EnvelopeKind,
        callID: UInt64 = 0,
        number: UInt32 = 0,
        isGathering: Bool = false,
        bound: () -> Int,
        _ write: (inout ByteSink) throws(EncodingStop) -> Void
    ) throws(WireError) -> EncodedBytes {
        var encoded = try build(
            head: EnvelopeHeader.size,
            isGathering: isGathering,
            bound: bound,
            write
        )
        let header = EnvelopeHeader(
            kind,
            codec: self,
            attachments: UInt16(encoded.attachments.count),
            callID: callID,
            bodyLength: UInt32(encoded.bytes.count - EnvelopeHeader.size),
            remaining: number
        )
        encoded.bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return encoded
    }

    private func writeCall(
        _ operation: String,
        _ arguments: ValueMap,
        _ options: ValueMap,
        into sink: inout ByteSink
    ) throws(EncodingStop) {
        switch self {
        case .json:
            let writer = JSONWriter()
            try sink.add("[")
            try writer.write(operation, into: &sink)
            try sink.add(",")
            try inside("arguments") { () throws(EncodingStop) in
                try writer.write(arguments, into: &sink, depth: 2)
            }
            if !options.isEmpty {
                try sink.add(",")
                try inside("options") { () throws(EncodingStop) in
                    try writer.write(options, into: &sink, depth: 2)
                }
            }
            try sink.add("]")
        case .messagePack:
            try MessagePackWriter.write(into: &sink) { writer throws(EncodingStop) in
                try writer.openList(count: options.isEmpty ? 2 : 3)
                try writer.write(operation)
                try inside("arguments") { () throws(EncodingStop) in
                    try writer.write(arguments, depth: 2)
                }
                guard !options.isEmpty else { return }
                try inside("options") { () throws(EncodingStop) in
                    try writer.write(options, depth: 2)
                }
            }
        }
    }

    @inline(__always)
    private func inside(
        _ part: String,
        _ write: () throws(EncodingStop) -> Void
    ) throws(EncodingStop) {
        do throws(EncodingStop) { try write() } catch { throw error.inside(.key(part)) }
    }
}

extension EnvelopeHeader {
    /// An envelope without a body, such as a cancel, a drain or credit.
    package static func bodyless(
        _ kind: EnvelopeKind,
        callID: UInt64 = 0,
        number: UInt32 = 0
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        let header = EnvelopeHeader(kind, callID: callID, remaining: number)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return bytes
    }

    /// Says of an encoded envelope that leases come in the place of its attachments, or that they
    /// come themselves.
    ///
    /// `bytes` must begin with a header. In place, if nobody else holds the array.
    package static func patch(_ bytes: inout [UInt8], flags: EnvelopeFlags) {
        precondition(bytes.count >= size, "an envelope has at least a header")
        bytes[5] = flags.rawValue
    }

    /// Fills in what an encoded call does not know yet: its id and the milliseconds it has left.
    ///
    /// `bytes` must begin with a header. In place, if nobody else holds the array.
    package static func patch(_ bytes: inout [UInt8], callID: UInt64, remaining: UInt32) {
        precondition(bytes.count >= size, "an envelope has at least a header")
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: callID.littleEndian, toByteOffset: 8, as: UInt64.self)
            bytes.storeBytes(of: remaining.littleEndian, toByteOffset: 20, as: UInt32.self)
        }
    }
}
