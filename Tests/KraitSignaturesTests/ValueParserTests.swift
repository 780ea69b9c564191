import KraitSignatures
import KraitWire
import Testing

struct ValueParserTests {
    /// Types, texts, and what DSPy 3.4.1 makes of them: `repr` of the value, or the kinds of what
    /// pydantic finds wrong.
    static let cases: [(type: String, text: String, outcome: String)] = [
        ("int", " 1_000.00 ", "1000"),
        ("int", "007", "7"),
        ("int", "1.", "1"),
        ("int", "0x10", "16"),
        ("int", "99999999999999999999", "99999999999999999999"),
        ("int", "1e3", "1000"),
        ("int", "\"+5\"", "5"),
        ("int", "5\n  ", "5"),
        ("float", "5.", "5.0"),
        ("float", "\" 1_0e2 \"", "! float_parsing"),
        ("float", "nan", "nan"),
        ("float", "True", "1.0"),
        ("float", "\"-Infinity\"", "-inf"),
        ("bool", "yes", "True"),
        ("bool", "\"Off\"", "False"),
        ("bool", "2", "! bool_parsing"),
        ("bool", "1.0", "True"),
        ("bool", "\" true\"", "! bool_parsing"),
        ("bytes", "é", "b'\\xc3\\xa9'"),
        ("bytes", "b'\\xff'", "b'\\xff'"),
        ("str", "[1]", "'[1]'"),
        ("list[int]", "[1, '2', 3.0,]", "[1, 2, 3]"),
        ("list[int]", "1, 2", "[1, 2]"),
        ("list[int]", "{1, 2}", "[1, 2]"),
        ("list[int]", "[1, \"x\", null]", "! int_parsing int_type"),
        ("list[str]", "[a, b]", "['a', 'b']"),
        ("list", "x", "! list_type"),
        ("dict[str, int]", "{\"a\": \"1\", b: 2", "{'a': 1, 'b': 2}"),
        ("dict[int, str]", "{\"1\": \"a\", \"x\": \"b\"}", "! int_parsing"),
        ("dict[str, list[int]]", "{\"a.b\": [\"x\"], \"c\": 1}", "! int_parsing list_type"),
        ("tuple[int, str]", "[1, \"a\"]", "(1, 'a')"),
        ("tuple[int, str]", "[1]", "! missing"),
        ("tuple[int, str]", "[1, 2, 3]", "! too_long"),
        ("tuple[int, ...]", "(1, '2')", "(1, 2)"),
        ("set[int]", "[1, '1', 1]", "{1}"),
        ("set", "[[1]]", "! set_item_not_hashable"),
        ("frozenset[str]", "[\"a\", \"a\"]", "frozenset({'a'})"),
        ("Optional[int]", "null", "None"),
        ("Optional[int]", "None", "None"),
        ("Optional[int]", "x", "! int_parsing"),
        ("Optional[str]", "null", "'null'"),
        ("Union[int, str]", "1", "1"),
        ("Union[int, str]", "\"1\"", "'1'"),
        ("Union[int, str]", "1.5", "! int_from_float string_type"),
        ("Union[int, float]", "1.0", "1.0"),
        ("Union[bool, int]", "1", "1"),
        ("Union[float, bool]", "true", "True"),
        ("Union[list[int], list[str]]", "[\"1\"]", "['1']"),
        ("Union[int, Any]", "true", "True"),
        ("Union[dict[str, float], list[Any]]", "[1]", "[1]"),
        ("Literal['x', 'y']", "'x'", "'x'"),
        ("Literal['x', 'y']", "Literal[\"y\"]", "'y'"),
        ("Literal['x', 'y']", " x ", "'x'"),
        ("Literal['x', 'y']", "z", "! literal_error"),
        ("Literal[1, 2]", "2", "2"),
        ("Literal[1, 2]", "2.0", "2"),
        ("Literal[True, 'a']", "1", "True"),
        ("Any", "1,000", "(1, 0)"),
        ("Any", "'it' \"s\"", "'its'"),
        ("Any", "# no", "'# no'"),
        ("Any", "1 # yes", "1"),
        ("complex", "1+2j", "(1+2j)"),
        ("list[Optional[bool]]", "[\"t\", null, 0]", "[True, None, False]"),
    ]

    static func parse(
        _ value: PythonValue,
        as type: String,
        types: [TypeDeclaration] = []
    ) throws -> String {
        let schema = try Schema(parsing: "x -> y: \(type)", types: types)
        do throws(ValueFailure) {
            let parser = ValueParser(types: types)
            return try parser.parse(value, as: schema.outputs[0].type).representation
        } catch {
            switch error {
            case .delegated(let rule): return "delegated \(rule)"
            case .raised(let raised) where raised.issues.isEmpty:
                return "\(raised.className): \(raised.message)"
            case .raised(let raised): return "! " + raised.issues.map(\.kind).joined(separator: " ")
            }
        }
    }

    @Test(arguments: cases)
    func `text becomes the value that DSPy makes of it`(
        _ row: (type: String, text: String, outcome: String)
    ) throws {
        let outcome = try Self.parse(.string(row.text), as: row.type)
        #expect(outcome.utf8.elementsEqual(row.outcome.utf8), "\(row.type): \(outcome)")
    }

    static let color = TypeDeclaration.enumeration(
        "Color",
        [.init("RED", value: "red"), .init("TWO", value: 2), .init("ZWEI", value: 2)]
    )

    @Test(arguments: [
        ("Color", "red", "<Color.RED: 'red'>"),
        ("Color", "RED", "<Color.RED: 'red'>"),
        ("Color", "ZWEI", "<Color.TWO: 2>"),
        ("Color", "2", "ValueError: 2 is not a valid name or value for the enum Color"),
        (
            "list[Color]", #"["red", 2, 2.0]"#,
            "[<Color.RED: 'red'>, <Color.TWO: 2>, <Color.TWO: 2>]"
        ),
        ("list[Color]", #"["RED"]"#, "! enum"),
        ("Union[Color, str]", "x", "'x'"),
    ])
    func `a declared enumeration is read by value, and by name where it stands alone`(
        type: String,
        text: String,
        outcome: String
    ) throws {
        #expect(try Self.parse(.string(text), as: type, types: [Self.color]) == outcome)
    }

    @Test func `an enumeration refuses what cannot be a key`() throws {
        let outcome = try Self.parse(.list([]), as: "Color", types: [Self.color])
        #expect(outcome == "TypeError: unhashable type: 'list'")
    }

    static let city = TypeDeclaration.model(
        "City",
        [.init("name", type: "str"), .init("people", type: "int | None")]
    )

    @Test(arguments: [
        ("City", #"{"name": "Bonn", "people": "3", "x": 1}"#, "City(name='Bonn', people=3)"),
        ("City", #"{"name": "Bonn"}"#, "City(name='Bonn', people=None)"),
        ("City", #"{"people": "many"}"#, "! missing int_parsing"),
        ("City", "Bonn", "! model_type"),
        ("list[City]", #"[{"name": "Bonn"}]"#, "[City(name='Bonn', people=None)]"),
        ("Union[int, City]", #"{"name": "Bonn"}"#, "City(name='Bonn', people=None)"),
        ("City | int", "1", "1"),
    ])
    func `a declared model is made of a dict`(
        type: String,
        text: String,
        outcome: String
    ) throws {
        #expect(try Self.parse(.string(text), as: type, types: [Self.city]) == outcome)
    }

    @Test(arguments: [
        ("str", PythonValue.none, "'None'"), ("str", .list([.float(1)]), "'[1.0]'"),
        ("int", .string("1"), "1"), ("int", .bool(true), "1"),
        ("list[int]", .tuple([.int(1)]), "[1]"),
        ("Literal[1, 'a']", .float(1), "1.0"), ("float", .int(2), "2.0"),
        ("tuple", .set([.int(1), .int(2)]), "delegated set_order"),
        ("dspy.Image", .string("x"), "delegated custom_type"),
    ])
    func `a value that is no text is validated as it is`(
        type: String,
        value: PythonValue,
        outcome: String
    ) throws {
        #expect(try Self.parse(value, as: type) == outcome)
    }

    @Test func `a validation error reads as pydantic's, long input cut in the middle`() throws {
        let text = "[\"" + String(repeating: "é", count: 40) + "\", 2.5]"
        let type = try Schema(parsing: "x -> y: list[int]").outputs[0].type
        let error = #expect(throws: ValueFailure.self) {
            try ValueParser().parse(.string(text), as: type)
        }
        guard case .raised(let raised)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let lines = raised.message.split(separator: "\n")
        #expect(lines.first == "2 validation errors for list[int]")
        #expect(lines[1] == "0")
        #expect(lines[2].hasSuffix("input_value='éééééééééééé...ééééééééééé', input_type=str]"))
        #expect(raised.issues.map(\.path) == [["0"], ["1"]])
    }
}
