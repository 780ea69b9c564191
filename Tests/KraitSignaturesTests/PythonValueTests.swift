import KraitSignatures
import KraitWire
import Testing

struct PythonValueTests {
    @Test(arguments: [
        (PythonValue.float(1e16), "1e+16"), (.float(1e-5), "1e-05"), (.float(-0.0), "-0.0"),
        (.float(.nan), "nan"), (.complex(real: 0, imaginary: -2), "-2j"),
        (.complex(real: 1, imaginary: 2.5), "(1+2.5j)"),
        (.complex(real: -0.0, imaginary: 1), "(-0+1j)"),
        (.string("it's"), "\"it's\""), (.string("a\n\u{7F}\u{AD}"), #"'a\n\x7f\xad'"#),
        (.bytes([0x61, 0xFF]), #"b'a\xff'"#), (.tuple([.int(1)]), "(1,)"), (.tuple([]), "()"),
        (.set([]), "set()"), (.set([.int(1), .none]), "{1, None}"),
        (.frozenset([.int(1)]), "frozenset({1})"), (.ellipsis, "Ellipsis"),
        (.dict(PythonDict([("a", .list([.bool(true)]))])), "{'a': [True]}"),
        (.largeInteger("-100000000000000000000"), "-100000000000000000000"),
        (
            .object(.enumMember(of: "Color", name: "RED", value: .string("red"))),
            "<Color.RED: 'red'>"
        ),
    ])
    func `a value prints as Python's repr`(value: PythonValue, text: String) {
        #expect(value.representation == text)
    }

    @Test func `a dict keeps one entry for equal numbers, in the first one's place`() {
        var dict = PythonDict()
        dict[.int(1)] = .string("a")
        dict[.string("x")] = .string("b")
        dict[.float(1)] = .string("c")
        dict[.bool(true)] = .string("d")
        #expect(PythonValue.dict(dict).representation == "{1: 'd', 'x': 'b'}")
        dict[.string("x")] = nil
        #expect(dict.count == 1)
    }

    @Test func `a large dict finds its keys by hash, in any spelling of a number`() {
        var dict = PythonDict()
        for number in 0..<1_000 { dict[.int(Int64(number))] = .int(Int64(number)) }
        dict["é"] = PythonValue.none
        #expect(dict.count == 1_001)
        #expect(dict[.float(999)]?.isIdentical(to: .int(999)) ?? false)
        #expect(dict["e\u{301}"] == nil)
        dict[.int(500)] = nil
        #expect(dict[.int(500)] == nil)
        #expect(dict[.int(501)]?.isIdentical(to: .int(501)) ?? false)
    }

    @Test(arguments: [
        (
            #"{"a": [1, 2.0, null], "b": {}}"#, 2,
            "{\n  \"a\": [\n    1,\n    2.0,\n    null\n  ],\n  \"b\": {}\n}"
        ),
        (#"["\u00e9\u0001\ud83d\ude00/", 1e400]"#, nil, "[\"é\\u0001😀/\", Infinity]"),
    ])
    func `JSON is read and written as Python's json does`(
        text: String,
        indent: Int?,
        written: String
    ) throws {
        let value = try #require(try JSONText.read(text))
        #expect(try JSONText.write(value, indent: indent) == written)
    }

    @Test(arguments: [
        "", "[1,]", "{\"a\": 1,}", "01", "1.", ".5", "+1", "'a'", "[1] 2", "\"\t\"", "\u{FEFF}1",
        "nul",
        "{1: 2}", "[", "\"\\x41\"", "-", "{\"a\" 1}",
    ])
    func `what is no JSON is not read`(text: String) throws {
        #expect(try JSONText.read(text) == nil)
    }

    @Test func `deep JSON and half characters are left to Python`() {
        let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
        for text in [deep, #""\ud800""#] {
            #expect(throws: ValueFailure.self) { try JSONText.read(text) }
        }
    }

    @Test func `what JSON has no form for is Python's TypeError`() {
        var dict = PythonDict()
        dict[.tuple([])] = .int(1)
        for value in [PythonValue.bytes([]), .dict(dict), .set([])] {
            #expect(throws: ValueFailure.self) { try JSONText.write(value) }
        }
    }

    @Test(arguments: [
        (Value.list([.int(1), .unsigned(.max), .double(0.5)]), "[1, 18446744073709551615, 0.5]"),
        (.map(["a": .null, "b": .bytes([1])]), #"{'a': None, 'b': b'\x01'}"#),
        (
            .timestamp(Timestamp(seconds: 951_782_400, nanoseconds: 5_000)),
            "datetime.datetime(2000, 2, 29, 0, 0, 0, 5, tzinfo=datetime.timezone.utc)"
        ),
        (
            .timestamp(Timestamp(seconds: -1)),
            "datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)"
        ),
    ])
    func `a wire's value prints as the worker's`(value: Value, text: String) {
        #expect(PythonValue(value).representation == text)
    }

    @Test func `what the wire can hold comes back`() {
        let value = Value.map(["a": .list([.int(-1), .unsigned(.max), .bool(true)]), "b": .null])
        #expect(PythonValue(value).wireValue == value)
        #expect(PythonValue.tuple([.set([.int(1)])]).wireValue == [[1]])
        #expect(PythonValue.largeInteger("-99999999999999999999").wireValue == nil)
        #expect(PythonValue.list([.ellipsis]).wireValue == nil)
        var dict = PythonDict()
        dict[.int(1)] = .int(1)
        #expect(PythonValue.dict(dict).wireValue == nil)
    }

    @Test(arguments: [
        ("1_000", "1000"), ("0x1F", "31"), ("-1", "-1"), ("- 1", "-1"), ("1 - 2j", "(1-2j)"),
        ("(1)", "1"), ("(1,)", "(1,)"), ("1,", "(1,)"), ("'a' 'b'", "'ab'"), ("b'a' b'b'", "b'ab'"),
        ("{1: 'a', 1.0: 'b'}", "{1: 'b'}"), ("{1, 1, 2}", "{1, 2}"), ("set()", "set()"),
        ("{}", "{}"),
        ("...", "Ellipsis"), (" \t1 # one", "1"), ("[1,\n 2]", "[1, 2]"), ("\n1\n\n", "1"),
    ])
    func `a Python constant is read`(text: String, printed: String) throws {
        #expect(try PythonLiteral.read(text)?.representation == printed)
    }

    @Test(arguments: [
        "", "x", "--1", "1\n2", "\n 1", "1\n ", "01", "1 + 2", "not 1", "'a", "f'a'", "'a' b'b'",
        "[1", "1)",
        "set(1)", "{1: 2, 3}", "+True", "\u{0}", "1 if x else 2", "1_", "1__0",
    ])
    func `what is no Python constant is not read`(text: String) throws {
        #expect(try PythonLiteral.read(text) == nil)
    }

    @Test func `an unhashable member is Python's TypeError`() {
        for text in ["{[1]: 2}", "{[1]}", "{{}}"] {
            let error = #expect(throws: ValueFailure.self) { try PythonLiteral.read(text) }
            guard case .raised(let raised)? = error else {
                Issue.record("\(text): \(String(describing: error))")
                continue
            }
            #expect(raised.className == "TypeError")
        }
    }
}
