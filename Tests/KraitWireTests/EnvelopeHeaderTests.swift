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

    @Test(arguments: EnvelopeKind.allCases)
    func `flags are refused where they mean nothing`(kind: EnvelopeKind) {
        for flags in UInt8(0)..<16 {
            var bytes = EnvelopeHeader.bodyless(kind)
            bytes[5] = flags
            let header = try? bytes.withUnsafeBytes { try EnvelopeHeader(reading: $0) }
            let isCompressible = kind == .call || kind == .reply || kind == .end
            let fits = flags < 2 || (isCompressible && (flags == 2 || flags == 4))
            #expect((header != nil) == fits, "\(flags)")
            #expect(header?.flags.compression == (fits ? Compression(rawValue: flags >> 1) : nil))
        }
    }
}
