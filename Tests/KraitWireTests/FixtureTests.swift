import Testing

@testable import KraitWire

@Suite struct FixtureTests {
    @Test(arguments: try Fixtures.values())
    func `each value is written as the fixture has it`(_ fixture: ValueFixture) throws {
        #expect(try Codec.messagePack.encode(fixture.value) == fixture.messagePack)
        let json = String(decoding: try Codec.json.encode(fixture.value), as: UTF8.self)
        #expect(Array(json.utf8) == Array(fixture.json.utf8))
    }

    @Test(arguments: try Fixtures.values())
    func `each value is read as the fixture has it`(_ fixture: ValueFixture) throws {
        #expect(isIdentical(try Codec.messagePack.decode(fixture.messagePack), fixture.value))
        #expect(isIdentical(try Codec.json.decode(Array(fixture.json.utf8)), fixture.value))
    }

    @Test(arguments: try Fixtures.refused())
    func `what a fixture refuses is refused`(_ fixture: RefusedFixture) throws {
        let error = #expect(throws: WireError.self) { try fixture.codec.decode(fixture.bytes) }
        guard case .malformedBody(let path, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(Self.word(for: fixture.reason)), "\(path): \(reason)")
    }

    /// What the error's text has for a fixture's reason.
    private static func word(for reason: String) -> String {
        switch reason {
        case "truncated": "ends in the middle"
        case "trailing bytes": "follow the value"
        case "control character": "control character"
        case "syntax": " at byte "
        case "integer of more than 64 bits": "64 bits"
        case "beyond a float": "beyond what a float"
        case "lone surrogate": "lone surrogate"
        case "invalid UTF-8": "not valid UTF-8"
        case "duplicate key": "twice"
        case "nested too deep": "nested deeper"
        case "unknown tag": "no meaning"
        case "bad tag": "not what its tag says"
        case "no such value": "begins no value"
        case "key is not text": "key that is not text"
        case "ext type": "ext type"
        case "bad time": "a point in time"
        default: "(no text for \(reason))"
        }
    }

    @Test(arguments: try Fixtures.envelopes())
    func `each frame reads as the fixture has it`(_ fixture: EnvelopeFixture) throws {
        var headers: [EnvelopeHeader] = []
        var bodies: [[UInt8]] = []
        var error: WireError?
        fixture.bytes.withUnsafeBytes { frame in
            var reader = EnvelopeReader(frame)
            do throws(WireError) {
                while let next = try reader.next() {
                    headers.append(next.header)
                    bodies.append(Array(frame[next.body]))
                }
            } catch let thrown {
                error = thrown
            }
        }
        #expect(error?.name == fixture.error)
        guard fixture.error == nil else { return }
        #expect(headers == fixture.headers)
        #expect(bodies == fixture.bodies)
    }

    @Test(arguments: try Fixtures.envelopes().filter { $0.error == nil })
    func `each header writes the fixture's bytes`(_ fixture: EnvelopeFixture) throws {
        var bytes: [UInt8] = []
        for (header, body) in zip(fixture.headers ?? [], fixture.bodies ?? []) {
            var head = [UInt8](repeating: 0xAA, count: EnvelopeHeader.size)
            head.withUnsafeMutableBytes { header.write(to: $0) }
            bytes += head + body
        }
        #expect(bytes == fixture.bytes)
    }
}
