import KraitWire
import Testing

/// The vectors of JSONTestSuite; the fixtures' README says what a row is.
@Suite struct VectorTests {
    /// JSON leaves open what duplicate keys mean; Krait refuses them.
    private static let ownRules: Set<String> = [
        "y_object_duplicated_key", "y_object_duplicated_key_and_value",
    ]

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
}
