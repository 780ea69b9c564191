import Testing

@testable import KraitWire

@Suite struct AttachmentTests {
    @Test(arguments: try Fixtures.attachments())
    func `what is large goes beside the body as the fixture has it`(
        _ fixture: AttachmentFixture
    ) throws {
        let frames: [any SharedBytes] = fixture.frames.map(ArrayBytes.init)
        for (codec, body) in fixture.bodies {
            guard let value = fixture.value else {
                #expect(throws: WireError.self) { try codec.decode(body, attachments: frames) }
                continue
            }
            let encoded = try codec.encodeGathering(value)
            #expect(encoded.bytes == body)
            #expect(encoded.attachments.map(\.storage.array) == fixture.frames)
            #expect(try codec.decode(body, attachments: frames) == value)
        }
    }

    @Test(arguments: Codec.allCases)
    func `bytes at the threshold go into the body, and all do where nothing gathers`(
        _ codec: Codec
    ) throws {
        let least = Value.bytes([UInt8](repeating: 7, count: Limits.inlineBytes))
        #expect(try codec.encodeGathering(least).attachments.isEmpty)
        let large = Value.bytes([UInt8](repeating: 7, count: Limits.inlineBytes + 1))
        #expect(try codec.decode(codec.encode(large)) == large)
    }

    @Test(arguments: Codec.allCases)
    func `a call's large arguments are beside it, and its header counts them`(
        _ codec: Codec
    ) throws {
        let large = [UInt8](repeating: 7, count: 100_000)
        // The text makes the body too long for the stack: what was gathered there is not kept.
        let arguments: ValueMap = [
            "a": .bytes(large), "text": .string(String(repeating: "x", count: 5_000)),
            "b": .bytes(large),
        ]
        var call = try codec.gatherCall(operation: "echo", arguments: arguments)
        #expect(call.attachments.count == 2)
        #expect(call.bytes.count < 6_000)
        EnvelopeHeader.patch(&call.bytes, flags: .leased)
        let header = try call.bytes.withUnsafeBytes { try EnvelopeHeader(reading: $0) }
        #expect(header.attachments == 2)
        #expect(header.flags == .leased)
        let envelope = ReceivedEnvelope(
            header: header,
            frame: ArrayBytes(call.bytes),
            body: EnvelopeHeader.size..<call.bytes.count,
            attachments: call.attachments.map(\.storage),
            sender: "test"
        )
        #expect(try CallBody(try envelope.decodeBody()).arguments == arguments)
    }

    @Test(arguments: Codec.allCases)
    func `an envelope has as many attachments as the protocol allows`(_ codec: Codec) throws {
        let large = Value.bytes([UInt8](repeating: 7, count: Limits.inlineBytes + 1))
        let most = Value.list(.init(repeating: large, count: Limits.attachments))
        #expect(try codec.gatherEnvelope(.reply, most).attachments.count == Limits.attachments)
        let error = #expect(throws: WireError.self) {
            try codec.encodeGathering(.list(.init(repeating: large, count: Limits.attachments + 1)))
        }
        #expect(error?.name == "unserialisable")
    }

    @Test func `an array's bytes are shared without a copy`() {
        let bytes: [UInt8] = [1, 2, 3]
        let shared = ArrayBytes(bytes)
        #expect(shared.count == 3)
        let address = bytes.withUnsafeBytes { $0.baseAddress }
        #expect(shared.array.withUnsafeBytes { $0.baseAddress } == address)
        #expect(ArrayBytes([]).array == [])
    }
}
