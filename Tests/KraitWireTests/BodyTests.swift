import Testing

@testable import KraitWire

@Suite struct BodyTests {
    private let hello = WorkerHello(
        name: "general/3.12",
        token: "secret",
        pid: 4_242,
        started: .max,
        package: "0.1.0",
        python: "3.11.2"
    )
    private let ready = Ready(
        operations: [
            Ready.Operation(name: "echo", kind: .inline, doc: "Returns its arguments."),
            Ready.Operation(name: "sleep", kind: .sync), Ready.Operation(name: "x", kind: .async),
        ],
        slots: 16,
        residentBytes: 7_340_032
    )
    private let heartbeat = Heartbeat(
        busy: 2,
        running: [Heartbeat.Running(callID: .max, ageMilliseconds: 120)],
        served: 100,
        residentBytes: 7_340_032
    )
    private let fault = Fault(
        code: .raised,
        type: "builtins.ValueError",
        message: "no",
        traceback: "Traceback …",
        details: ["status": 429]
    )

    @Test(arguments: Codec.allCases)
    func `every body reads back as it was written`(_ codec: Codec) throws {
        func travel(_ value: Value) throws -> Value { try codec.decode(try codec.encode(value)) }
        #expect(try WorkerHello(travel(hello.value)) == hello)
        let answer = HostHello(heartbeatMilliseconds: 500, codec: .messagePack)
        #expect(try HostHello(travel(answer.value)) == answer)
        var told = answer
        told.payloadLimit = 1 << 20
        told.compression = CompressionRule(.lz4, least: 5_000)
        #expect(try HostHello(travel(told.value)) == told)
        var able = hello
        able.compressions = [.zstd, .lz4]
        #expect(try WorkerHello(travel(able.value)) == able)
        #expect(try Ready(travel(ready.value)) == ready)
        #expect(try Heartbeat(travel(heartbeat.value)) == heartbeat)
        #expect(try Fault(travel(fault.value)) == fault)
        let plain = Fault(code: .overloaded, type: "", message: "")
        #expect(try Fault(travel(plain.value)) == plain)
        let goodbye = Goodbye(reason: "drained")
        #expect(try Goodbye(travel(goodbye.value)) == goodbye)
    }

    @Test func `keys nobody knows are left alone`() throws {
        var map = try #require(heartbeat.value.map)
        map["new_in_version_2"] = ["x": 1]
        #expect(try Heartbeat(.map(map)) == heartbeat)
    }

    @Test func `texts for people may be missing`() throws {
        #expect(try Goodbye([:]).reason == "")
        #expect(try Goodbye(["reason": nil]).reason == "")
        #expect(try Fault(["code": "cancelled"]).message == "")
    }

    @Test(
        arguments: [
            ("name", 5, "name", "expected text, found an integer"),
            ("name", nil, "name", "expected text, found null"),
            ("token", .string(String(repeating: "x", count: 257)), "token", "257 bytes of text"),
            ("pid", 0, "pid", "expected 1 to 2147483647"),
            ("pid", 1.0, "pid", "expected an integer, found a float"),
            ("pid", .unsigned(.max), "pid", "expected 1 to"),
            ("started", -1, "started", "expected 0 to 18446744073709551615"),
            ("versions", 1, "versions", "expected a list, found an integer"),
            ("versions", [1, "2"], "versions[1]", "expected an integer, found text"),
            ("versions", .list([Value](repeating: 1, count: 17)), "versions", "17 elements"),
            ("python", 3.11, "python", "expected text, found a float"),
        ] as [(String, Value, String, String)]
    )
    func `a hello that is none says where`(
        _ key: String,
        _ value: Value,
        _ path: String,
        _ reason: String
    ) throws {
        var map = try #require(hello.value.map)
        map[key] = value
        expectMalformed(path, reason) { () throws(WireError) in _ = try WorkerHello(.map(map)) }
    }

    @Test func `what is missing is named`() throws {
        for key in ["versions", "name", "token", "pid", "started"] {
            var map = try #require(hello.value.map)
            map[key] = nil
            expectMalformed(key, "is missing") { () throws(WireError) in
                _ = try WorkerHello(.map(map))
            }
        }
    }

    @Test func `a ready that is none says where`() throws {
        let operation: Value = ["name": "a", "kind": "thread"]
        expectMalformed("operations[1].kind", "expected one of 'sync', 'async', 'inline'") {
            () throws(WireError) in
            _ = try Ready([
                "operations": [["name": "b", "kind": "sync"], operation], "slots": 1,
                "resident_bytes": 0,
            ])
        }
        expectMalformed("operations[0]", "expected a map, found text") { () throws(WireError) in
            _ = try Ready(["operations": ["echo"], "slots": 1, "resident_bytes": 0])
        }
        expectMalformed("slots", "expected 1 to 4096") { () throws(WireError) in
            _ = try Ready(["operations": [], "slots": 0, "resident_bytes": 0])
        }
        let many = [Value](repeating: ["name": "a", "kind": "sync"], count: 1_025)
        expectMalformed("operations", "1025 elements, where at most 1024") { () throws(WireError) in
            _ = try Ready(["operations": .list(many), "slots": 1, "resident_bytes": 0])
        }
    }

    @Test func `a heartbeat that is none says where`() throws {
        var map = try #require(heartbeat.value.map)
        map["running"] = [[1, 2], [1]]
        expectMalformed("running[1]", "expected a call id and an age") { () throws(WireError) in
            _ = try Heartbeat(.map(map))
        }
        map["running"] = [[1, -2]]
        expectMalformed("running[0]", "expected 0 to") { () throws(WireError) in
            _ = try Heartbeat(.map(map))
        }
        map["running"] = .list([Value](repeating: [1, 2], count: 65))
        expectMalformed("running", "65 elements, where at most 64") { () throws(WireError) in
            _ = try Heartbeat(.map(map))
        }
        expectMalformed("", "expected a map, found a list") { () throws(WireError) in
            _ = try Heartbeat([])
        }
    }

    @Test func `a heartbeat names at most 64 calls`() throws {
        var long = heartbeat
        long.running = (0..<100).map {
            Heartbeat.Running(callID: $0, ageMilliseconds: Int(200 - $0))
        }
        #expect(try Heartbeat(long.value).running == Array(long.running.prefix(64)))
    }

    @Test func `hosts, faults and calls that are none say where`() {
        expectMalformed("codec", "expected 'json' or 'msgpack'") { () throws(WireError) in
            _ = try HostHello(["version": 1, "heartbeat_ms": 500, "codec": "arrow"])
        }
        expectMalformed("heartbeat_ms", "expected 1 to") { () throws(WireError) in
            _ = try HostHello(["version": 1, "heartbeat_ms": 0, "codec": "json"])
        }
        expectMalformed("code", "expected one of 'raised', 'unknown_operation'") {
            () throws(WireError) in
            _ = try Fault(["code": "odd"])
        }
        expectMalformed("details", "expected a map, found a list") { () throws(WireError) in
            _ = try Fault(["code": "raised", "details": []])
        }
        expectMalformed("", "expected [operation, arguments]") { () throws(WireError) in
            _ = try CallBody(["echo"])
        }
        expectMalformed("operation", "found an integer") { () throws(WireError) in
            _ = try CallBody([1, [:]])
        }
        expectMalformed("arguments", "expected a map, found null") { () throws(WireError) in
            _ = try CallBody(["echo", nil])
        }
        expectMalformed("options", "expected a map, found a list") { () throws(WireError) in
            _ = try CallBody(["echo", [:], []])
        }
    }

    @Test func `long texts for people are cut on both sides, at whole scalars`() throws {
        let long = Fault(
            code: .raised,
            type: String(repeating: "t", count: 300),
            message: "x" + String(repeating: "é", count: 4_000),
            traceback: String(repeating: "é", count: 10_000) + "x"
        )
        let raw: Value = [
            "code": "raised", "type": .string(long.type), "message": .string(long.message),
            "traceback": .string(long.traceback),
        ]
        for cut in [try Fault(long.value), try Fault(raw)] {
            #expect(cut.type.utf8.count == 256)
            #expect(cut.message == "x" + String(repeating: "é", count: 2_047))
            #expect(cut.traceback == String(repeating: "é", count: 8_191) + "x")
        }
    }

    @Test(arguments: [
        ("abc", 3, "abc", "abc"), ("abcd", 3, "abc", "bcd"), ("aé", 2, "a", "é"),
        ("éa", 2, "é", "a"), ("日本", 5, "日", "本"), ("日本", 2, "", ""), ("", 0, "", ""),
        ("👩‍👩", 8, "👩\u{200D}", "\u{200D}👩"),
    ])
    func `a text is cut at whole scalars`(
        _ text: String,
        _ limit: Int,
        _ start: String,
        _ end: String
    ) {
        #expect(Array(Prose.start.cut(text, to: limit).utf8) == Array(start.utf8))
        #expect(Array(Prose.end.cut(text, to: limit).utf8) == Array(end.utf8))
    }

    private func expectMalformed(
        _ path: String,
        _ reason: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ read: () throws(WireError) -> Void
    ) {
        do throws(WireError) {
            try read()
            Issue.record("no error", sourceLocation: sourceLocation)
        } catch {
            guard case .malformedBody(let found, let text) = error else {
                Issue.record("\(error)", sourceLocation: sourceLocation)
                return
            }
            #expect(found == path, sourceLocation: sourceLocation)
            #expect(text.contains(reason), "\(text)", sourceLocation: sourceLocation)
        }
    }
}
