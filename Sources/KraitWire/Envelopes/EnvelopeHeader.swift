/// What a header says of its envelope's parts, bit by bit.
package struct EnvelopeFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Each attachment frame is the descriptor of a lease in the place of the bytes.
    package static let leased = EnvelopeFlags(rawValue: 1)

    /// The parts are compressed so.
    package static func compressed(by compression: Compression) -> EnvelopeFlags {
        EnvelopeFlags(rawValue: compression.rawValue << compressionShift)
    }

    /// How the parts are compressed; nil where they are not.
    package var compression: Compression? {
        Compression(rawValue: (rawValue & Self.compressionBits) >> Self.compressionShift)
    }

    private static let compressionShift: UInt8 = 1
    private static let compressionBits: UInt8 = 0b110

    /// Whether they mean something on an envelope of a kind.
    ///
    /// What is leased is not compressed, and neither is what must be small or quick.
    func fit(_ kind: EnvelopeKind) -> Bool {
        if self == [] || self == .leased { return true }
        guard let compression, self == .compressed(by: compression) else { return false }
        return kind == .call || kind == .reply || kind == .end
    }
}

/// The 24 bytes before each body.
package struct EnvelopeHeader: Sendable, Hashable {
    package static let size = 24
    package static let version: UInt8 = 1
    static let magic: UInt16 = 0x524B  // "KR", little-endian

    package var kind: EnvelopeKind
    /// The body's codec; nil for an empty body.
    package var codec: Codec?
    package var flags: EnvelopeFlags
    package var attachments: UInt16
    package var callID: UInt64
    package var bodyLength: UInt32
    /// Of a call, the milliseconds left until its deadline, 0 for none; of what belongs to a stream
    /// or a tool, its `number`.
    package var remaining: UInt32
    /// Which chunk or tool call it is or answers, how many chunks came before an end, how much
    /// credit is given.
    package var number: UInt32 { remaining }

    package init(
        _ kind: EnvelopeKind,
        codec: Codec? = nil,
        flags: EnvelopeFlags = [],
        attachments: UInt16 = 0,
        callID: UInt64 = 0,
        bodyLength: UInt32 = 0,
        remaining: UInt32 = 0
    ) {
        self.kind = kind
        self.codec = codec
        self.flags = flags
        self.attachments = attachments
        self.callID = callID
        self.bodyLength = bodyLength
        self.remaining = remaining
    }

    /// Writes the header's 24 bytes at the start of `buffer`.
    package func write(to buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Self.size)
        func put(_ value: some FixedWidthInteger, at offset: Int) {
            buffer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
        }
        put(Self.magic, at: 0)
        put(Self.version, at: 2)
        put(kind.rawValue, at: 3)
        put(codec?.rawValue ?? 0, at: 4)
        put(flags.rawValue, at: 5)
        put(attachments, at: 6)
        put(callID, at: 8)
        put(bodyLength, at: 16)
        put(remaining, at: 20)
    }

    /// Reads the header at the start of `buffer`, and checks each field against the protocol.
    package init(reading buffer: UnsafeRawBufferPointer) throws(WireError) {
        guard buffer.count >= Self.size else {
            throw .truncatedHeader(length: buffer.count)
        }
        func get<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
            T(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        guard get(at: 0, as: UInt16.self) == Self.magic else { throw .wrongMagic }
        guard buffer[2] == Self.version else { throw .wrongVersion(buffer[2]) }
        guard let kind = EnvelopeKind(rawValue: buffer[3]) else { throw .unknownKind(buffer[3]) }
        let flags = EnvelopeFlags(rawValue: buffer[5])
        guard flags.fit(kind) else { throw .unknownFlags(buffer[5]) }
        let bodyLength = get(at: 16, as: UInt32.self)
        guard bodyLength <= Limits.bodyBytes else { throw .bodyTooLong(Int(bodyLength)) }
        let codec = Codec(rawValue: buffer[4])
        guard codec != nil || (buffer[4] == 0 && bodyLength == 0) else {
            throw .unknownCodec(buffer[4])
        }
        self.init(
            kind,
            codec: codec,
            flags: flags,
            attachments: get(at: 6),
            callID: get(at: 8),
            bodyLength: bodyLength,
            remaining: get(at: 20)
        )
        guard attachments <= Limits.attachments else {
            throw .tooManyAttachments(Int(attachments))
        }
    }
}
