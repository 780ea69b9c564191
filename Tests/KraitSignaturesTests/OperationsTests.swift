import KraitSignatures
import KraitWire
import Testing

@Suite struct OperationsTests {
    let schema: Schema

    init() throws { schema = try Schema(parsing: "a, b -> c, d") }

    @Test(arguments: [
        (0, "x, a, b -> c, d"), (2, "a, b, x -> c, d"), (-1, "a, b, x -> c, d"),
        (-2, "a, x, b -> c, d"), (-3, "x, a, b -> c, d"),
    ])
    func `a field goes to its place among its side`(index: Int, expected: String) throws {
        #expect(try schema.inserting(Field("x"), as: .input, at: index).signature == expected)
    }

    @Test(arguments: [3, -4, .max, .min + 4])
    func `an index outside is refused`(index: Int) throws {
        let error = try #require(throws: SchemaError.self) {
            try schema.inserting(Field("x"), as: .input, at: index)
        }
        #expect(error.code == .invalidIndex)
        #expect(error.exception == .valueError)
    }

    @Test func `a name that is there already follows DSPy`() throws {
        let new = { Field($0, description: "new") }
        let moved = try schema.appending(new("a"), as: .output)
        #expect(moved.signature == "b -> a, c, d")
        #expect(moved.field("a")?.description == "new")
        let kept = try schema.appending(new("c"), as: .input)
        #expect(kept.signature == "a, b -> c, d")
        #expect(kept.field("c")?.isDescribed == false)
        let changed = try schema.appending(new("a"), as: .input)
        #expect(changed.signature == "a, b -> c, d")
        #expect(changed.field("a")?.description == "new")
        let old = try schema.prepending(new("b"), as: .input)
        #expect(old.signature == "b, a -> c, d")
        #expect(old.field("b")?.isDescribed == false)
    }

    @Test func `a chain of thought is a reasoning before the outputs`() throws {
        let thought = try schema.prepending(Field("reasoning"), as: .output)
        #expect(thought.signature == "a, b -> reasoning, c, d")
        #expect(thought.instructions == "Given the fields `a`, `b`, produce the fields `c`, `d`.")
    }

    @Test func `fields are deleted and updated by name`() throws {
        #expect(try schema.deleting("a").signature == "b -> c, d")
        #expect(try schema.deleting("zz") == schema.deleting("yy"))
        let updated = try schema.updating("d") {
            $0.type = .list(of: .int)
            $0.description = "numbers"
        }
        #expect(updated.text == "a, b -> c, d: list[int]")
        #expect(updated.field("d")?.description == "numbers")
        let error = try #require(throws: SchemaError.self) { try schema.updating("cc") { _ in } }
        #expect(error.exception == .keyError)
        #expect(error.remedy == "did you mean `c`?")
    }

    @Test func `instructions are replaced and appended`() {
        #expect(schema.with(instructions: "  Do it.").instructions == "Do it.")
        #expect(schema.with(instructions: "") == schema)
        let both = schema.with(instructions: "One.").appending(instructions: "Two.")
        #expect(both.instructions == "One.\n\nTwo.")
    }

    @Test func `each operation cleans the instructions again, as DSPy does`() throws {
        let once = schema.with(instructions: "\n\n  first\n    second\n")
        #expect(once.instructions == "first\n  second")
        #expect(try once.updating("a") { $0.description = "x" }.instructions == "first\nsecond")
    }

    @Test func `equality of DSPy's looks at neither types nor order`() throws {
        #expect(schema.equalsInDSPy(try Schema(parsing: "a, b -> c: int, d")))
        #expect(!schema.equalsInDSPy(try Schema(parsing: "a: str, b -> c, d")))
        let other = try Schema(parsing: "b, a -> c, d", instructions: schema.instructions)
        #expect(schema.equalsInDSPy(other))
        #expect(schema != other)
        let rebuilt = try schema.deleting("a").appending(Field("a"), as: .input)
        #expect(!schema.equalsInDSPy(rebuilt))
    }

    @Test func `a state is saved and laid over another signature by position`() throws {
        let described = try schema.updating("a") { $0.description = "the first" }
        let state = described.state
        #expect(state["fields"]?.list?.first == ["prefix": "A:", "description": "the first"])
        let other = try Schema(parsing: "p, q, r -> s").loading(state: state)
        #expect(other.fields.map(\.description) == ["the first", "${b}", "${c}", "${d}"])
        #expect(other.fields.map(\.prefix) == ["A:", "B:", "C:", "D:"])
        #expect(other.instructions == described.instructions)
        #expect(try Schema(parsing: "p -> s").loading(state: state).fields[1].prefix == "B:")
        #expect(other.signature == "p, q, r -> s")
    }

    @Test(
        arguments: [
            ([:], "instructions"), (["instructions": "x"], "fields"),
            (["instructions": "x", "fields": [["prefix": "A:"]]], "fields[0].description"),
            (["instructions": "x", "fields": [1]], "fields[0].prefix"),
        ] as [(Value, String)]
    )
    func `what is no state is refused with its place`(state: Value, path: String) throws {
        let error = try #require(throws: SchemaError.self) { try schema.loading(state: state) }
        #expect(error.path == path)
    }

    @Test func `a schema of fields is checked like a text`() throws {
        let built = try Schema(
            inputs: [Field("q", description: "asked"), Field("n", type: .optional(.int))],
            outputs: [Field("r", type: .literal([.string("it's ->"), .string("é")]))]
        )
        #expect(built.signature == "q, n -> r")
        #expect(built.outputs[0].type.name == "Literal[\"it's ->\", 'é']")
        #expect(try Schema(parsing: built.text).outputs[0].type == built.outputs[0].type)
        for name in ["class", "a b", "_x", "fields", ""] {
            #expect(throws: SchemaError.self) { try Schema(inputs: [Field(name)], outputs: []) }
        }
        let negative = Field("x", type: .literal([.int(-1)]))
        let error = try #require(throws: SchemaError.self) {
            try Schema(inputs: [negative], outputs: [])
        }
        #expect(error.path == "x")
    }

    @Test func `the wire has the text alone where it says everything`() throws {
        #expect(schema.wireValue == "a, b -> c, d")
        let full = try Schema(
            parsing: "a: Person -> b: Color",
            instructions: "\n  Do it.",
            types: [
                .model(
                    "Person",
                    [.init("name", type: "str"), .init("age", type: "int", description: "years")]
                ),
                .enumeration("Color", [.init("red", value: "r"), .init("cold", value: -1)]),
                TypeDeclaration("Known", .known),
            ]
        ).updating("b") { $0.description = "the shade" }
        #expect(
            full.wireValue == [
                "text": "a: Person -> b: Color", "instructions": "Do it.",
                "fields": ["b": ["desc": "the shade"]],
                "types": [
                    "Person": [
                        "kind": "model",
                        "fields": [["name", "str", nil], ["age", "int", "years"]],
                    ],
                    "Color": ["kind": "enum", "cases": [["red", "r"], ["cold", -1]]],
                ],
            ]
        )
    }

    @Test func `instructions travel as they were given`() throws {
        let given = try Schema(parsing: "a -> b", instructions: "\n\n  first\n    second\n")
        #expect(given.wireValue["instructions"] == "\n\n  first\n    second\n")
    }
}
