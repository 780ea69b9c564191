import Testing

@testable import KraitWire

@Suite struct EnvelopeHeaderTests {
    @Test func `a header reads back as it was written`() throws {
        let header = EnvelopeHeader(
            .call,
            codec: .messagePack,
            attachments: 3,
            callID: 0x0102_0304_0506_0708,
            bodyLength: 77,
            remaining: 30_000
        )
        var bytes = [UInt8](repeating: 0, count: EnvelopeHeader.size)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        let read = try bytes.withUnsafeBytes { buffer throws(WireError) in
            try EnvelopeHeader(reading: buffer)
        }
        #expect(read == header)
    }
}
