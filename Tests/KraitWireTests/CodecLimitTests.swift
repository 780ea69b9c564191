import Testing

@testable import KraitWire

@Suite struct CodecLimitTests {
    @Test(arguments: Codec.allCases)
    func `128 levels are carried and 129 are not`(_ codec: Codec) throws {
        let most = nested(128)
        #expect(try codec.decode(try codec.encode(most)) == most)
        let error = #expect(throws: WireError.self) { try codec.encode(nested(129)) }
        #expect(error?.name == "unserialisable")
    }

    @Test(arguments: Codec.allCases)
    func `a call's own levels count`(_ codec: Codec) throws {
        let most: ValueMap = ["rows": nested(126)]
        let bytes = try codec.encodeCall(operation: "echo", arguments: most)
        let body = try codec.decode(Array(bytes.dropFirst(EnvelopeHeader.size)))
        #expect(try CallBody(body).arguments == most)
        #expect(throws: WireError.self) {
            try codec.encodeCall(operation: "echo", arguments: ["rows": nested(127)])
        }
    }

    @Test(arguments: Codec.allCases, [1_000, 1_023, 1_024, 1_025, 5_000, 300_000])
    func `bodies of every size are written whole`(_ codec: Codec, _ size: Int) throws {
        let text = Value.string(String(repeating: "é\n", count: size / 3))
        let list = Value.list([Value](repeating: 1.5, count: size / 9))
        let bytes = Value.bytes([UInt8](repeating: 7, count: size))
        for value in [text, list, bytes] {
            let body = try codec.encode(value)
            #expect(try codec.decode(body) == value)
            #expect(body.count <= codec.bound(of: value))
        }
    }

    @Test func `a long list or map has a long head`() throws {
        let list = Value.list([Value](repeating: .null, count: 70_000))
        let bytes = try Codec.messagePack.encode(list)
        #expect(Array(bytes.prefix(5)) == [0xDD, 0x00, 0x01, 0x11, 0x70])
        #expect(try Codec.messagePack.decode(bytes) == list)
        let map = Value.map(ValueMap((0..<70_000).map { ("key \($0)", .int($0)) }))
        for codec in Codec.allCases {
            #expect(try codec.decode(try codec.encode(map)) == map)
        }
    }

    @Test(arguments: Codec.allCases)
    func `a body may have 64 MiB and not one byte more`(_ codec: Codec) throws {
        // A JSON text has two quotes around it, a MessagePack one five bytes before it.
        let around = codec == .json ? 2 : 5
        let most = String(repeating: "x", count: Limits.bodyBytes - around)
        let body = try codec.encode(.string(most))
        #expect(body.count == Limits.bodyBytes)
        let error = #expect(throws: WireError.self) { try codec.encode(.string(most + "x")) }
        #expect(error?.name == "body_too_long")
        #expect(throws: WireError.bodyTooLong(Limits.bodyBytes + 1)) {
            try codec.decode(body + [0x20])
        }
    }

    @Test(arguments: Codec.allCases, [-62_135_596_801, 253_402_300_800, Int64.min, Int64.max])
    func `a time outside the calendar is not carried`(_ codec: Codec, _ seconds: Int64) {
        let time = Value.timestamp(Timestamp(seconds: seconds))
        #expect(
            throws: WireError.unserialisable(
                path: "rows[1].at",
                reason: "a point in time outside the years 1 to 9999"
            )
        ) {
            try codec.encode(["rows": [0, ["at": time]]])
        }
    }

    @Test(arguments: Codec.allCases)
    func `an error in a call's parts names the part`(_ codec: Codec) {
        let late = Value.timestamp(Timestamp(seconds: .max))
        let arguments = #expect(throws: WireError.self) {
            try codec.encodeCall(operation: "x", arguments: ["rows": [1, ["id": late]]])
        }
        #expect("\(String(describing: arguments))".contains("arguments.rows[1].id"))
        let options = #expect(throws: WireError.self) {
            try codec.encodeCall(operation: "x", arguments: [:], options: ["lm": ["a b": late]])
        }
        #expect("\(String(describing: options))".contains(#"options.lm["a b"]"#))
    }

    @Test(arguments: [
        (#"{"rows": [0, {"id": 1, "id": 2}]}"#, "rows[1].id", "the key comes twice"),
        (#"{"a": {"b c": [tru]}}"#, #"a["b c"][0]"#, "expected 'true' at byte 18"),
        (#"[[], {"x": {"$time": "now"}}]"#, "[1].x.$time", "not what its tag says"),
        (#"{"a": "\ud800"}"#, "a", "a lone surrogate"),
        ("[1, 2", "", "the body ends in the middle of a value"),
        ("[1] 2", "", "1 bytes follow the value"),
    ])
    func `a malformed body's error names the place`(
        _ json: String,
        _ path: String,
        _ reason: String
    ) {
        #expect(throws: WireError.malformedBody(path: path, reason: reason)) {
            try Codec.json.decode(Array(json.utf8))
        }
    }

    @Test func `a malformed MessagePack body's error names the place`() {
        // {"rows": [0, {1: 2}]}
        let bytes: [UInt8] = [0x81, 0xA4, 0x72, 0x6F, 0x77, 0x73, 0x92, 0x00, 0x81, 0x01, 0x02]
        #expect(throws: WireError.malformedBody(path: "rows[1]", reason: "a key that is not text"))
        {
            try Codec.messagePack.decode(bytes)
        }
    }

    @Test func `a path shows the beginning of a long key, with what would break a line escaped`() {
        let key = "\n" + String(repeating: "k", count: 1_000)
        let failure = CodingFailure("x").inside(.key(key)).inside(.index(3))
        #expect(failure.path == #"[3]["\n"# + String(repeating: "k", count: 63) + #""…]"#)
    }

    @Test func `an error's text has no part of the value`() {
        let secret = "sk-secret"
        let texts = [
            #"{"a": {"$time": "sk-secret"}}"#, #"{"a": {"$bytes": "sk-secret"}}"#,
            #"{"a": "sk-secret\x"}"#, #""sk-secret"#, #"{"a": sk-secret}"#,
        ]
        for text in texts {
            let error = #expect(throws: WireError.self) { try Codec.json.decode(Array(text.utf8)) }
            #expect(error?.description.contains(secret) == false)
        }
    }

    private func nested(_ depth: Int) -> Value {
        (1..<depth).reduce(Value.list([])) { value, _ in .list([value]) }
    }
}
