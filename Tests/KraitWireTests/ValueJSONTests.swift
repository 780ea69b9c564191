import Testing

@testable import KraitWire

@Suite struct ValueJSONTests {
    private let value: Value = [
        "name": "general", "rows": [1, 2.5, nil], "none": [], "nothing": [:], "$bytes": .bytes([1]),
    ]

    @Test func `a value has a compact text`() throws {
        #expect(
            try value.json()
                == #"{"name":"general","rows":[1,2.5,null],"none":[],"nothing":{},"#
                + #""$bytes":{"$bytes":"AQ=="}}"#
        )
    }

    @Test func `a pretty text has a line for each element`() throws {
        #expect(
            try value.json(pretty: true) == """
                {
                  "name": "general",
                  "rows": [
                    1,
                    2.5,
                    null
                  ],
                  "none": [],
                  "nothing": {},
                  "$bytes": {"$bytes":"AQ=="}
                }
                """
        )
    }

    @Test(arguments: [false, true])
    func `every text reads back as its value`(_ pretty: Bool) throws {
        for seed in 0..<500 {
            var random = SeededGenerator(seed: UInt64(seed))
            let value = Value.list([random.value(), random.value()])
            let text = try value.json(pretty: pretty)
            try #require(isIdentical(try Value(json: text), value), "seed \(seed)")
            try #require(text.utf8.count <= JSONSize.bound(value, isPretty: pretty), "seed \(seed)")
        }
    }

    @Test func `white space may stand between all parts`() throws {
        let text = " \t\r\n{ \"a\" : [ 1 , 2 ] ,\n\"b\":{ } } \n"
        #expect(try Value(json: text) == ["a": [1, 2], "b": [:]])
    }

    @Test func `escapes of every form are read`() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00""#
        #expect(try Value(json: text).string == "\"\\/\u{8}\u{C}\n\r\tAé€😀")
    }

    @Test(arguments: [
        ("0.1", 0.1), ("1e3", 1_000), ("1E+3", 1_000), ("1.0", 1), ("-0.0", -0.0), ("1e-7", 1e-7),
        ("123456789012345678901234567890.0", 123_456_789_012_345_678_901_234_567_890.0),
        ("0.1e-400", 0), ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
        ("0.000000000000000000000000000001", 1e-30), ("9007199254740993.0", 9_007_199_254_740_992),
        ("1e0000000000000000000000000000000000000005", 100_000), ("1e22", 1e22), ("1e23", 1e23),
    ])
    func `a float is read to the nearest double`(_ text: String, _ number: Double) throws {
        let read = try Value(json: text)
        #expect(isIdentical(read, .double(number)))
    }

    @Test func `the error of a text names the place and what is wrong`() {
        let error = #expect(throws: ValueError.self) { try Value(json: #"{"a": [1, x]}"#) }
        #expect(error?.path == "a[1]")
        #expect(error?.description == "a[1]: expected a value at byte 10")
        let whole = #expect(throws: ValueError.self) { try Value(json: "") }
        #expect(whole?.description == "the body ends in the middle of a value")
    }

    @Test func `what JSON does not carry is an error`() {
        let late: Value = ["at": .timestamp(Timestamp(seconds: .max))]
        let error = #expect(throws: ValueError.self) { try late.json() }
        #expect(error?.description == "at: a point in time outside the years 1 to 9999")
        let long = Value.string(String(repeating: "x", count: Limits.bodyBytes))
        let length = #expect(throws: ValueError.self) { try long.json() }
        #expect(length?.description.contains("67108864") == true)
    }
}
