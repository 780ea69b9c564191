import KraitWire
import Testing

/// The vectors of JSONTestSuite and msgpack-test-suite; the fixtures' README says what a row is.
@Suite struct VectorTests {
    /// JSON leaves open what duplicate keys mean; Krait refuses them.
    private static let ownRules: Set<String> = [
        "y_object_duplicated_key", "y_object_duplicated_key_and_value",
    ]

    /// Krait's points in time are those that Python can hold.
    private static let beforeYearOne = "timestamp-18"

    @Test func `each text of JSONTestSuite is read or refused as it is to be`() throws {
        let rows = try Fixtures.jsonTestSuite()
        #expect(rows.count == 318)
        for (name, body, isRead) in rows {
            let wanted = name.hasPrefix("i") ? isRead : name.hasPrefix("y")
            #expect((isRead == wanted) == !Self.ownRules.contains(name), "\(name)")
            let value = try? Codec.json.decode(body)
            #expect((value != nil) == isRead, "\(name)")
            guard let value else { continue }
            for codec in Codec.allCases {
                #expect(try codec.decode(try codec.encode(value)) == value, "\(name)")
            }
        }
    }

    @Test func `each form of msgpack-test-suite is read, and the shortest is written`() throws {
        let rows = try Fixtures.messagePackTestSuite()
        #expect(rows.count == 78)
        for (name, value, bodies) in rows {
            if name == Self.beforeYearOne {
                #expect(throws: WireError.self) { try Codec.messagePack.encode(value) }
                #expect(throws: WireError.self) { try Codec.messagePack.decode(bodies[0]) }
                continue
            }
            // Floats are always written in full.
            let isDouble = if case .double = value { true } else { false }
            let shortest = bodies[isDouble ? 1 : 0].count
            let written = try Codec.messagePack.encode(value)
            #expect(bodies.contains(written) && written.count == shortest, "\(name)")
            for body in bodies {
                let read = try Codec.messagePack.decode(body)
                // An integer that is written as a float is a float: Krait tells them apart.
                let isFloat = [0xCA, 0xCB].contains(body[0])
                #expect(isFloat ? read == value.double.map(Value.double) : read == value, "\(name)")
            }
        }
    }
}
