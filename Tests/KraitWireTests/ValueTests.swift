import Testing

@testable import KraitWire

@Suite struct ValueTests {
    private let composed = "\u{E9}"
    private let decomposed = "e\u{301}"

    @Test func `texts are equal where their UTF-8 is`() {
        #expect(composed == decomposed)  // Swift's own idea, which must not be ours.
        #expect(Value.string(composed) != .string(decomposed))
        #expect(Value.string(composed) == .string("\u{E9}"))
        #expect(Set([Value.string(composed), .string(decomposed)]).count == 2)
        // Of one length, and canonically equivalent.
        #expect(Value.string("a\u{323}\u{307}") != .string("a\u{307}\u{323}"))
    }

    @Test func `keys are the same where their UTF-8 is`() {
        var map: ValueMap = [:]
        map[composed] = 1
        map[decomposed] = 2
        #expect(map.count == 2)
        #expect(map[composed] == 1)
        #expect(map[decomposed] == 2)
        #expect(map != [composed: 1, "e": 2])
        map[composed] = nil
        #expect(map.keys.map { Array($0.utf8) } == [Array(decomposed.utf8)])
    }

    @Test(arguments: [1, 5, 16, 17, 500])
    func `a map keeps its order, and of a double key the first place and last value`(_ count: Int) {
        var entries = (0..<count).map { ("key \($0)", Value.int(Int64($0))) }
        entries.append(("key 0", .null))
        let map = ValueMap(entries)
        #expect(map.keys == (0..<count).map { "key \($0)" })
        #expect(map["key 0"] == .null)
        #expect(map.entries.last?.value == (count == 1 ? .null : .int(Int64(count - 1))))
    }

    @Test(arguments: [3, 500])
    func `maps are equal in whatever order`(_ count: Int) {
        let entries = (0..<count).map { ("key \($0)", Value.int(Int64($0))) }
        let map = ValueMap(entries)
        let reversed = ValueMap(entries.reversed())
        #expect(map == reversed)
        #expect(map.hashValue == reversed.hashValue)
        var other = reversed
        other["key 1"] = .null
        #expect(map != other)
        other["key 1"] = nil
        #expect(map != other)
        other["another"] = 1
        #expect(map != other)
    }

    @Test func `kinds stay apart`() {
        let values: [Value] = [nil, false, 0, 0.0, "", .bytes([]), [], [:], "0", "null"]
        for (index, left) in values.enumerated() {
            for right in values[(index + 1)...] { #expect(left != right) }
        }
        #expect(Value(UInt64.max) != .int(-1))
        #expect(Value(UInt64(5)) == 5)
        #expect(Value.double(.nan) != .double(.nan))
        #expect(Value.double(0.0) == .double(-0.0))
    }

    @Test func `equal values have equal hashes`() throws {
        for seed in 0..<300 {
            var random = SeededGenerator(seed: UInt64(seed))
            let value = random.value()
            let copy = try Codec.messagePack.decode(try Codec.messagePack.encode(value))
            if value == copy { #expect(value.hashValue == copy.hashValue, "seed \(seed)") }
        }
    }

    @Test func `what a value is can be asked`() {
        let value: Value = [
            "text": "a", "whole": 3, "huge": .unsigned(.max), "part": 1.5, "flag": true,
            "list": [1, 2], "none": nil,
        ]
        #expect(value["text"]?.string == "a")
        #expect(value["whole"]?.int == 3)
        #expect(value["whole"]?.double == 3.0)
        #expect(value["huge"]?.int == nil)
        #expect(value["huge"]?.double == 18_446_744_073_709_551_615.0)
        #expect(value["part"]?.double == 1.5)
        #expect(value["part"]?.int == nil)
        #expect(value["flag"]?.bool == true)
        #expect(value["flag"]?.int == nil)
        #expect(value["list"]?.list?.count == 2)
        #expect(value["none"] == .null)
        #expect(value["missing"] == nil)
        #expect(value["text"]?["x"] == nil)
        #expect(value.map?.count == 7)
        #expect(value.map?.isEmpty == false)
    }

    @Test func `each kind has a name for people`() {
        let kinds: [(Value, String)] = [
            (nil, "null"), (true, "a boolean"), (1, "an integer"), (.unsigned(.max), "an integer"),
            (1.5, "a float"), ("a", "text"), (.bytes([1]), "bytes"),
            (.timestamp(Timestamp(seconds: 0)), "a point in time"), ([], "a list"), ([:], "a map"),
        ]
        for (value, name) in kinds { #expect(value.kindName == name) }
    }
}
