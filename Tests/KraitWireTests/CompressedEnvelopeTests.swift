import KraitTestSupport
import Testing

@testable import KraitWire

/// Compressed envelopes: what is made of a call, and what is read or refused.
@Suite struct CompressedEnvelopeTests {
    private static let text = Value.string(
        String(repeating: "the same words again, ", count: 5_000)
    )
    private static let zeros = Value.bytes([UInt8](repeating: 0, count: 200_000))
    private static let noise: Value = {
        var random = SplitMix64(seed: 1)
        return .bytes((0..<100_000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }()

    private func compressed(
        _ value: Value,
        _ compression: Compression
    ) throws -> CompressedEnvelope? {
        let encoded = try Codec.messagePack.gatherEnvelope(.reply, callID: 7, value)
        return CompressionRule(compression, least: 1_000)
            .apply(to: encoded.bytes, with: encoded.attachments.map(\.storage))
    }

    private func received(
        _ bytes: [UInt8],
        _ attachments: [any SharedBytes]
    ) throws -> ReceivedEnvelope {
        let header = try bytes.withUnsafeBytes { try EnvelopeHeader(reading: $0) }
        return ReceivedEnvelope(
            header: header,
            frame: ArrayBytes(bytes),
            body: EnvelopeHeader.size..<bytes.count,
            attachments: attachments,
            sender: "a"
        )
    }

    @Test(arguments: Compression.allCases)
    func `what is compressed reads back, and noise within it is stored`(
        compression: Compression
    ) throws {
        for value in [Self.text, Self.zeros, [Self.text, Self.noise, Self.zeros]] {
            let packed = try #require(try compressed(value, compression))
            let envelope = try received(packed.bytes, packed.attachments)
            #expect(envelope.header.flags == .compressed(by: compression))
            #expect(try envelope.decodeBody() == value)
        }
    }

    @Test func `what is small or noise is sent as it is`() throws {
        #expect(try compressed(.string(String(repeating: "a", count: 900)), .zstd) == nil)
        #expect(try compressed(Self.noise, .zstd) == nil)
    }

    @Test func `id and time are those of the plain envelope`() throws {
        let packed = try #require(try compressed(Self.text, .zstd))
        var plain = EnvelopeHeader.bodyless(.call)
        EnvelopeHeader.patch(&plain, callID: 99, remaining: 5)
        let header = try packed.bytes(as: plain).withUnsafeBytes { try EnvelopeHeader(reading: $0) }
        #expect(header.callID == 99 && header.remaining == 5)
        #expect(Int(header.bodyLength) == packed.bytes.count - EnvelopeHeader.size)
    }

    @Test(arguments: Compression.allCases)
    func `bombs and lies are refused, whichever part they are`(compression: Compression) throws {
        let packed = try #require(try compressed([Self.zeros, Self.zeros], compression))
        let envelope = try received(packed.bytes, packed.attachments)
        let error = #expect(throws: WireError.self) { try envelope.decodeBody(limit: 399_999) }
        #expect(error?.description.contains("at most 199999") == true, "what is left of the limit")
        #expect(try envelope.decodeBody(limit: 400_000).list?.count == 2)
        var lie = packed.bytes
        lie[EnvelopeHeader.size] = 200
        #expect(throws: WireError.self) { try received(lie, packed.attachments).decodeBody() }
        var short = packed.bytes
        short.removeLast(short.count - EnvelopeHeader.size - 3)
        #expect(throws: WireError.self) { try received(short, packed.attachments).decodeBody() }
    }

    @Test func `a body that is too long when it is raw is refused`() throws {
        let zeros = [UInt8](repeating: 0, count: Limits.bodyBytes + 1)
        let bomb = try #require(zeros.withUnsafeBytes { Compression.zstd.compress($0) })
        var bytes = [UInt8](repeating: 0, count: EnvelopeHeader.size)
        let header = EnvelopeHeader(
            .reply,
            codec: .messagePack,
            flags: .compressed(by: .zstd),
            bodyLength: UInt32(bomb.count)
        )
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        #expect(throws: WireError.self) { try received(bytes + bomb, []).decodeBody() }
    }
}
