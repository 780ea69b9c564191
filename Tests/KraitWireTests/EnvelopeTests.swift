import Testing

@testable import KraitWire

@Suite struct EnvelopeTests {
    @Test(arguments: Codec.allCases)
    func `a call is one envelope that patching completes`(_ codec: Codec) throws {
        let arguments: ValueMap = ["text": "hi", "rows": [1, 2]]
        var bytes = try codec.encodeCall(operation: "echo", arguments: arguments)
        EnvelopeHeader.patch(&bytes, callID: 0x0102_0304_0506_0708, remaining: 30_000)
        let (header, body) = try single(bytes)
        #expect(
            header
                == EnvelopeHeader(
                    .call,
                    codec: codec,
                    callID: 0x0102_0304_0506_0708,
                    bodyLength: UInt32(bytes.count - EnvelopeHeader.size),
                    remaining: 30_000
                )
        )
        let call = try CallBody(try codec.decode(body))
        #expect(call == CallBody(operation: "echo", arguments: arguments))
        #expect(try codec.decode(body).list?.count == 2)
    }

    @Test(arguments: Codec.allCases)
    func `options are carried where there are any`(_ codec: Codec) throws {
        let options: ValueMap = ["session": "s1", "lm": ["temperature": 0.0]]
        let bytes = try codec.encodeCall(operation: "predict", arguments: [:], options: options)
        let (_, body) = try single(bytes)
        let call = try CallBody(try codec.decode(body))
        #expect(call == CallBody(operation: "predict", arguments: [:], options: options))
    }

    @Test(arguments: Codec.allCases)
    func `a large call is written into one buffer`(_ codec: Codec) throws {
        let arguments: ValueMap = ["text": .string(String(repeating: "text\n", count: 10_000))]
        let bytes = try codec.encodeCall(operation: "echo", arguments: arguments)
        let (header, body) = try single(bytes)
        #expect(Int(header.bodyLength) == body.count)
        #expect(try CallBody(try codec.decode(body)).arguments == arguments)
    }

    @Test(arguments: Codec.allCases)
    func `an envelope of any kind carries its value and id`(_ codec: Codec) throws {
        let bytes = try codec.encodeEnvelope(.reply, callID: 9, ["answer": 42])
        let (header, body) = try single(bytes)
        #expect(header.kind == .reply)
        #expect(header.codec == codec)
        #expect(header.callID == 9)
        #expect(try codec.decode(body) == ["answer": 42])
    }

    @Test func `an envelope without a body is a header`() throws {
        let bytes = EnvelopeHeader.bodyless(.cancel, callID: 7)
        let (header, body) = try single(bytes)
        #expect(header == EnvelopeHeader(.cancel, callID: 7))
        #expect(body.isEmpty)
    }

    @Test func `a frame beyond the limit is refused`() throws {
        let frame = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(bitPattern: 0x1000),  // Never read: the length is enough.
            count: Limits.messageBytes + 1
        )
        var reader = EnvelopeReader(frame)
        let error = #expect(throws: WireError.self) { try reader.next() }
        #expect(error == .messageTooLong(Limits.messageBytes + 1))
    }

    @Test func `every error says what it is, by name and for people`() {
        let errors: [WireError] = [
            .truncatedHeader(length: 3), .truncatedBody(expected: 9, found: 3), .wrongMagic,
            .wrongVersion(2), .unknownKind(7), .unknownFlags(8), .unknownCodec(9), .bodyTooLong(5),
            .messageTooLong(5), .tooManyAttachments(2_000), .malformedBody(path: "", reason: "x"),
            .malformedBody(path: "a", reason: "x"), .unserialisable(path: "", reason: "x"),
            .unserialisable(path: "a", reason: "x"),
        ]
        #expect(Set(errors.map(\.name)).count == 12)
        #expect(Set(errors.map(\.description)).count == errors.count)
    }

    @Test func `codecs go by the names of configuration`() {
        #expect(Codec(name: "json") == .json)
        #expect(Codec(name: "msgpack") == .messagePack)
        #expect(Codec(name: "JSON") == nil)
    }

    private func single(_ bytes: [UInt8]) throws -> (header: EnvelopeHeader, body: [UInt8]) {
        try bytes.withUnsafeBytes { frame in
            var reader = EnvelopeReader(frame)
            let next = try #require(try reader.next())
            #expect(try reader.next() == nil)
            return (next.header, Array(frame[next.body]))
        }
    }
}
