import Foundation
import Testing

@testable import KraitWire

private enum Urgency: String, Codable, CaseIterable { case low, high }
private enum Level: Int, Codable { case first = 1, second }

private struct Row: Codable, Equatable {
    var id: UInt64
    var score: Double
    var tags: [String]
    var note: String?
}

private struct Everything: Codable, Equatable {
    var zulu: Bool
    var urgency: Urgency
    var level: Level
    var rows: [Row]
    var byName: [String: Int8]
    var at: Date
    var data: Data
    var raw: [UInt8]
    var ratio: Float
    var nothing: Int?
    var some: Int??
    var nested: [[Int]]
    var choice: Choice
}

private enum Choice: Codable, Equatable {
    case text(String)
    case pair(left: Int, right: Int)
}

/// Uses what synthesised types do not: nested containers and a superclass.
private struct Manual: Codable, Equatable {
    var x = 1
    var y = ["a", "b"]

    enum CodingKeys: CodingKey { case outer, list, parent }
    enum InnerKeys: CodingKey { case x }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let inner = try container.nestedContainer(keyedBy: InnerKeys.self, forKey: .outer)
        x = try inner.decode(Int.self, forKey: .x)
        var list = try container.nestedUnkeyedContainer(forKey: .list)
        y = []
        while !list.isAtEnd {
            if try list.decodeNil() { continue }
            var element = try list.nestedUnkeyedContainer()
            y.append(try element.decode(String.self))
        }
        let parent = try container.superDecoder(forKey: .parent).singleValueContainer()
        #expect(try parent.decode(String.self) == "parent")
        #expect(parent.decodeNil() == false)
        #expect(try container.superDecoder().singleValueContainer().decode(Int.self) == 0)
        #expect(container.allKeys.count == 3)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        var inner = container.nestedContainer(keyedBy: InnerKeys.self, forKey: .outer)
        try inner.encode(x, forKey: .x)
        var list = container.nestedUnkeyedContainer(forKey: .list)
        for text in y {
            var element = list.nestedUnkeyedContainer()
            try element.encode(text)
            try list.encodeNil()
        }
        #expect(list.count == 4)
        var parent = container.superEncoder(forKey: .parent).singleValueContainer()
        try parent.encode("parent")
        try container.superEncoder().encode(single: 0)
    }
}

extension Encoder {
    fileprivate func encode(single value: Int) throws {
        var container = singleValueContainer()
        try container.encode(value)
    }
}

@Suite struct CodableTests {
    private let everything = Everything(
        zulu: true,
        urgency: .high,
        level: .second,
        rows: [Row(id: .max, score: 0.5, tags: ["a"], note: nil)],
        byName: ["b": 2, "a": -1, "c": 3],
        at: Date(timeIntervalSinceReferenceDate: 789_015_845.678),
        data: Data([1, 2]),
        raw: [3, 4],
        ratio: 1.5,
        nothing: nil,
        some: 5,
        nested: [[], [1]],
        choice: .pair(left: 1, right: 2)
    )

    @Test func `a struct becomes a map in the order of its properties`() throws {
        let value = try ValueEncoder().encode(everything)
        let map = try #require(value.map)
        #expect(
            map.keys == [
                "zulu", "urgency", "level", "rows", "byName", "at", "data", "raw", "ratio",
                "nothing", "some", "nested", "choice",
            ]
        )
        #expect(value["urgency"] == "high")
        #expect(value["level"] == 2)
        #expect(
            value["rows"] == [
                ["id": .unsigned(.max), "score": 0.5, "tags": ["a"], "note": nil]
            ]
        )
        #expect(value["byName"]?.map?.keys == ["a", "b", "c"])
        #expect(value["at"]?.kindName == "a point in time")
        #expect(value["data"] == .bytes([1, 2]))
        #expect(value["raw"] == .bytes([3, 4]))
        #expect(value["ratio"] == 1.5)
        #expect(value["nothing"] == .null)
        #expect(value["choice"] == ["pair": ["left": 1, "right": 2]])
    }

    @Test(arguments: Codec.allCases)
    func `a struct comes back from the wire as it was`(_ codec: Codec) throws {
        let value = try ValueEncoder().encode(everything)
        let travelled = try codec.decode(try codec.encode(value))
        #expect(try ValueDecoder().decode(Everything.self, from: travelled) == everything)
    }

    @Test func `nested containers and superclasses work`() throws {
        let value = try ValueEncoder().encode(Manual())
        #expect(value["outer"] == ["x": 1])
        #expect(value["list"] == [["a"], nil, ["b"], nil])
        #expect(value["parent"] == "parent")
        #expect(value["super"] == 0)
        #expect(try ValueDecoder().decode(Manual.self, from: value) == Manual())
    }

    @Test func `integers of every width stay within their limits`() throws {
        func check<T: FixedWidthInteger & Codable>(_ type: T.Type) throws {
            for number in [T.min, T.max] {
                let value = try ValueEncoder().encode(["x": number])
                #expect(try ValueDecoder().decode([String: T].self, from: value) == ["x": number])
            }
        }
        try check(Int8.self)
        try check(Int16.self)
        try check(Int32.self)
        try check(Int64.self)
        try check(Int.self)
        try check(UInt8.self)
        try check(UInt16.self)
        try check(UInt32.self)
        try check(UInt64.self)
        try check(UInt.self)
        expect("x", "an integer that does not fit Int8", [String: Int8].self, ["x": 128])
        expect("x", "an integer that does not fit UInt", [String: UInt].self, ["x": -1])
        let large = #expect(throws: ValueError.self) {
            try ValueEncoder().encode(["x": Int128.max])
        }
        #expect(large?.description == "x: an integer of more than 64 bits")
    }

    @Test func `an integer is taken for a float, and nothing else for anything`() throws {
        #expect(try ValueDecoder().decode([Double].self, from: [1, 2.5]) == [1, 2.5])
        #expect(try ValueDecoder().decode([Float].self, from: [1, 2.5]) == [1, 2.5])
        expect("[0]", "expected an integer, found a boolean", [Int].self, [true])
        expect("[0]", "expected an integer, found a float", [Int].self, [1.0])
        expect("[0]", "expected a boolean, found an integer", [Bool].self, [1])
        expect("[0]", "expected text, found an integer", [String].self, [1])
        expect("[0]", "expected a number, found text", [Double].self, ["1"])
        expect("[0]", "expected a number, found a boolean", [Double].self, [true])
        expect("[0]", "expected a number, found null", [Float].self, [nil])
        expect("", "expected a list, found a map", [Int].self, [:])
        expect("", "expected a map, found text", Row.self, "row")
        expect("", "expected bytes, found text", Data.self, "AAAA")
        expect("", "expected bytes, found text", [UInt8].self, "AAAA")
        expect("", "expected a point in time, found text", Date.self, "2026-01-01")
    }

    @Test func `a list of numbers is taken for bytes`() throws {
        #expect(try ValueDecoder().decode([UInt8].self, from: [1, 255]) == [1, 255])
        expect("[1]", "an integer that does not fit UInt8", [UInt8].self, [1, 256])
    }

    @Test func `errors name the path and never the payload`() {
        let row: Value = ["id": 1, "score": 1.0, "tags": ["a", 5]]
        expect(
            "[1].tags[1]",
            "expected text, found an integer",
            [Row].self,
            [["id": 1, "score": 1, "tags": []], row]
        )
        expect("[0].score", "is missing", [Row].self, [["id": 1, "tags": []]])
        expect("u", "expected one of 'low', 'high'", [String: Urgency].self, ["u": "sk-secret"])
        expect("u", "a value that Level does not allow", [String: Level].self, ["u": 77])
        expect("[2]", "is missing: the list has 2 elements", Triple.self, [1, 2])
    }

    @Test func `what a type's own code throws keeps its place but not its text`() {
        expect("", "a value that Picky does not allow", Picky.self, ["mode": "sk-secret"])
        expect("mode", "expected Int", Picky.self, ["mode": "mismatch"])
        expect("mode", "a value that its type does not allow", Picky.self, ["mode": "deep"])
        expect("mode.key", "is missing", Picky.self, ["mode": "missing"])
    }

    @Test func `null and a missing key are nil`() throws {
        let decoder = ValueDecoder()
        let row: Value = ["id": 1, "score": 1.0, "tags": []]
        #expect(try decoder.decode(Row.self, from: row).note == nil)
        #expect(try decoder.decode([Int?].self, from: [1, nil]) == [1, nil])
        #expect(try decoder.decode(Int?.self, from: nil) == nil)
        #expect(try ValueEncoder().encode([1, nil] as [Int?]) == [1, nil])
        #expect(try ValueEncoder().encode(nil as Int?) == .null)
    }

    @Test func `simple types stand by themselves`() throws {
        #expect(try ValueEncoder().encode("text") == "text")
        #expect(try ValueEncoder().encode(5) == 5)
        #expect(try ValueEncoder().encode(Empty()) == [:])
        #expect(try ValueEncoder().encode([String: Int]()) == [:])
        #expect(try ValueEncoder().encode([Int]()) == [])
        #expect(try ValueDecoder().decode(Int.self, from: 5) == 5)
    }

    @Test(arguments: [0.0, -0.000_000_001, 789_015_845.678, -3e9, 1e-9, -63_114_076_800])
    func `a date comes back within its own exactness`(_ interval: Double) throws {
        let date = Date(timeIntervalSinceReferenceDate: interval)
        let value = try ValueEncoder().encode(date)
        let back = try ValueDecoder().decode(Date.self, from: value)
        #expect(abs(back.timeIntervalSinceReferenceDate - interval) <= 1e-9)
    }

    @Test func `a date just before a second is carried over`() throws {
        let date = Date(timeIntervalSinceReferenceDate: -1e-12)
        #expect(try ValueEncoder().encode(date) == .timestamp(Timestamp(seconds: 978_307_200)))
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan, 1e300])
    func `a date that is no point in time is an error`(_ interval: Double) {
        let date = Date(timeIntervalSinceReferenceDate: interval)
        let error = #expect(throws: ValueError.self) {
            try ValueEncoder().encode(["rows": [date]])
        }
        #expect(error?.description == "rows[0]: a date that is no point in time")
    }

    private func expect<T: Decodable>(
        _ path: String,
        _ reason: String,
        _ type: T.Type,
        _ value: Value,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: ValueError.self, sourceLocation: sourceLocation) {
            try ValueDecoder().decode(type, from: value)
        }
        #expect(error?.path == path, sourceLocation: sourceLocation)
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
    }
}

private struct Empty: Encodable {}

private struct Triple: Decodable {
    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        for _ in 0..<3 { _ = try container.decode(Int.self) }
    }
}

private struct Picky: Decodable {
    enum CodingKeys: CodingKey { case mode, key }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let mode = try container.decode(String.self, forKey: .mode)
        let place = DecodingError.Context(
            codingPath: [CodingKeys.mode],
            debugDescription: "quotes \(mode)"
        )
        switch mode {
        case "mismatch": throw DecodingError.typeMismatch(Int.self, place)
        case "missing": throw DecodingError.keyNotFound(CodingKeys.key, place)
        case "deep": throw DecodingError.dataCorrupted(place)
        default:
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "quotes \(mode)")
            )
        }
    }
}
