import KraitSignatures
import KraitWire
import Testing

@Suite struct ValidationTests {
    enum Outcome: Equatable, Sendable {
        case fits
        case undecided
        case refused(String)
    }

    func outcome(of value: Value, as type: String) throws -> Outcome {
        let schema = try Schema(parsing: "x: \(type) -> y", types: Self.types)
        do {
            return try schema.validate(inputs: ["x": value]).isEmpty ? .fits : .undecided
        } catch {
            return .refused(error.path ?? "")
        }
    }

    static let types: [TypeDeclaration] = [
        .model(
            "Person",
            [
                .init("name", type: "str"), .init("age", type: "Optional[int]"),
                .init("friends", type: "list[Person]"),
            ]
        ),
        .enumeration("Color", [.init("red", value: "r"), .init("blue", value: "b")]),
        TypeDeclaration("Known", .known),
    ]

    @Test(
        arguments: [
            ("str", "text", .fits), ("str", 1, .refused("x")), ("str", .bytes([1]), .undecided),
            ("int", 1, .fits), ("int", "12", .fits), ("int", " 1_2", .undecided),
            ("int", true, .fits),
            ("int", 1.0, .fits), ("int", 1.5, .refused("x")), ("int", "many", .refused("x")),
            ("int", [1], .refused("x")), ("int", .unsigned(.max), .fits),
            ("float", 1, .fits), ("float", "1.5", .undecided), ("float", "nan", .undecided),
            ("float", "?", .refused("x")), ("float", nil, .refused("x")),
            ("bool", "yes", .fits), ("bool", "On", .fits), ("bool", 1, .fits),
            ("bool", 2, .refused("x")),
            ("bool", "perhaps", .refused("x")), ("bool", 0.0, .fits), ("bool", [:], .refused("x")),
            ("bytes", .bytes([1]), .fits), ("bytes", "text", .fits), ("bytes", 1, .refused("x")),
            ("complex", 1, .undecided), ("Any", ["a": [1]], .fits), ("None | int", nil, .fits),
            ("list[int]", [1, "2", 3.0], .fits), ("list[int]", [1, ["x"]], .refused("x[1]")),
            ("list[int]", "text", .refused("x")), ("list", [1, "a"], .fits),
            ("list", [:], .refused("x")),
            ("set[str]", ["a"], .fits), ("set[list[int]]", [[1]], .undecided),
            ("set", ["a"], .undecided),
            ("tuple[int, str]", [1, "a"], .fits), ("tuple[int, str]", [1], .refused("x")),
            ("tuple[int, ...]", [1, 2, "z"], .refused("x[2]")), ("tuple[()]", [], .fits),
            ("dict[str, int]", ["a": 1], .fits),
            ("dict[str, int]", ["secret": "z"], .refused("x[…]")),
            ("dict[int, int]", ["1": 1], .fits), ("dict[int, int]", ["secret": 1], .refused("x")),
            ("dict", ["a": nil], .fits), ("dict", [1], .refused("x")),
            ("Optional[int]", nil, .fits), ("int | list[int]", ["z"], .refused("x")),
            ("int | dspy.Image", "http://", .undecided), ("dspy.Image", "http://", .undecided),
            ("Literal['a', 'b']", "a", .fits), ("Literal['a', 'b']", "c", .refused("x")),
            ("Literal[1, 'a', None, True, b'z']", nil, .fits), ("Literal[1, 2]", "2", .undecided),
            ("Literal[1, True, b'z']", true, .fits), ("Literal[b'z']", .bytes([122]), .fits),
            ("uuid.UUID", "x", .undecided), ("Sequence[int]", [1], .undecided),
            ("Person", ["name": "A", "friends": []], .fits),
            (
                "Person", ["name": "A", "friends": [["name": 1, "friends": []]]],
                .refused("x.friends[0].name")
            ),
            ("Person", ["friends": []], .refused("x.name")), ("Person", "A", .refused("x")),
            ("Person", ["A"], .undecided), ("Color", "r", .fits), ("Color", "green", .refused("x")),
            ("Color", 1, .undecided), ("Known", 1, .undecided),
        ] as [(String, Value, Outcome)]
    )
    func `values are judged as far as that is certain`(
        type: String,
        value: Value,
        expected: Outcome
    )
        throws
    {
        #expect(try outcome(of: value, as: type) == expected)
    }

    @Test func `a field without a type takes anything`() throws {
        let schema = try Schema(parsing: "context -> answer")
        #expect(try schema.validate(inputs: ["context": ["a", 1]]).isEmpty)
    }

    @Test func `names that are missing or unknown are refused with the nearest`() throws {
        let schema = try Schema(parsing: "question, note: Optional[str] -> answer: int")
        try schema.validate(inputs: ["question": "?"])
        let missing = try #require(throws: SchemaError.self) { try schema.validate(inputs: [:]) }
        #expect(missing.code == .missingField)
        #expect(missing.path == "question")
        let unknown = try #require(throws: SchemaError.self) {
            try schema.validate(inputs: ["qestion": "?"])
        }
        #expect(unknown.code == .unknownField)
        #expect(unknown.remedy == "did you mean `question`?")
        let far = try #require(throws: SchemaError.self) {
            try schema.validate(inputs: ["question": "?", "temperature": 1])
        }
        #expect(far.remedy == "it has `question`, `note`")
    }

    @Test func `outputs are judged like inputs, beside those that are allowed`() throws {
        let schema = try Schema(parsing: "question -> answer: int")
        try schema.validate(outputs: ["answer": 1])
        let beside: ValueMap = ["reasoning": "because", "answer": 1]
        try schema.validate(outputs: beside, allowing: ["reasoning"])
        #expect(throws: SchemaError.self) { try schema.validate(outputs: beside) }
        #expect(throws: SchemaError.self) { try schema.validate(outputs: [:]) }
    }

    @Test func `errors never hold a value`() throws {
        let schema = try Schema(parsing: "a: list[dict[str, int]], b: Literal['x'] -> c")
        for inputs: ValueMap in [
            ["a": [["hunter": "hunter"]], "b": "x"], ["a": [], "b": "hunter"],
            ["a": "hunter", "b": "x"],
        ] {
            let error = try #require(throws: SchemaError.self) {
                try schema.validate(inputs: inputs)
            }
            #expect(!error.description.contains("hunter"))
            #expect(!"\(error)".contains("hunter"))
        }
    }

    @Test func `many fields stay linear`() throws {
        let names = (0..<10_000).map { "field\($0)" }
        let schema = try Schema(parsing: names.joined(separator: ": int, ") + ": int -> b")
        let values = ValueMap(names.map { ($0, Value.int(1)) } as [(String, Value)])
        try schema.validate(inputs: values)
    }
}
