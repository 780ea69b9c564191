import KraitSignatures
import Testing

@Suite struct SchemaErrorTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var text: String
        var code: SchemaError.Code
        var exception: PythonException
        var column: Int
        var length: Int
        var testDescription: String { text }

        init(
            _ text: String,
            _ code: SchemaError.Code,
            _ exception: PythonException,
            _ column: Int,
            _ length: Int
        ) {
            (self.text, self.code, self.exception) = (text, code, exception)
            (self.column, self.length) = (column, length)
        }
    }

    @Test(arguments: [
        Refusal("a, b", .arrow, .valueError, 5, 0),
        Refusal("a -> b -> c", .arrow, .valueError, 8, 2),
        Refusal("a: Literal['->'] -> b", .arrow, .valueError, 18, 2),
        Refusal("a,, b -> c", .syntax, .syntaxError, 3, 1),
        Refusal("a b -> c", .syntax, .syntaxError, 3, 1),
        Refusal("class -> c", .syntax, .syntaxError, 1, 5),
        Refusal("a: list[ -> b", .syntax, .syntaxError, 10, 0),
        Refusal("a: list[] -> b", .syntax, .syntaxError, 9, 1),
        Refusal("a) -> b", .syntax, .syntaxError, 2, 1),
        Refusal("a] -> b", .syntax, .syntaxError, 2, 1),
        Refusal("a: int: str -> b", .syntax, .syntaxError, 7, 1),
        Refusal("a: -> b", .syntax, .syntaxError, 4, 0),
        Refusal("a: 'x -> b", .syntax, .syntaxError, 4, 3),
        Refusal("日本 emoji😀 -> b", .syntax, .syntaxError, 9, 1),
        Refusal("a: int = 5, b -> c", .syntax, .syntaxError, 13, 1),
        Refusal("a: 01 -> b", .syntax, .syntaxError, 4, 2),
        Refusal("a = [x for in y] -> b", .syntax, .syntaxError, 12, 2),
        Refusal("a: '\\x4' -> b", .syntax, .syntaxError, 5, 3),
        Refusal("a: strr -> b", .unknownType, .valueError, 4, 4),
        Refusal("a: list[Strng] -> b", .unknownType, .valueError, 9, 5),
        Refusal("a: typing.Foo -> b", .unknownType, .valueError, 4, 10),
        Refusal("a: [int] -> b", .unhandledExpression, .valueError, 4, 5),
        Refusal("a: Literal[-1] -> b", .unhandledExpression, .valueError, 12, 2),
        Refusal("a: 'str' -> b", .notAType, .valueError, 4, 5),
        Refusal("a: List -> b", .notAType, .valueError, 4, 4),
        Refusal("a: datetime -> b", .notAType, .valueError, 4, 8),
        Refusal("a: list[datetime] -> b", .unsupportedType, .pydanticSchemaGenerationError, 4, 14),
        Refusal("a: str.x -> b", .notAType, .valueError, 4, 5),
        Refusal("a: int[str] -> b", .typeArguments, .typeError, 4, 8),
        Refusal("a: dict[str] -> b", .typeArguments, .typeError, 4, 9),
        Refusal("a: List[int, str] -> b", .typeArguments, .typeError, 4, 14),
        Refusal("a: Optional[int, str] -> b", .typeArguments, .valueError, 4, 18),
        Refusal("a: Literal[()] -> b", .typeArguments, .assertionError, 4, 11),
        Refusal("a: bytearray -> b", .unsupportedType, .pydanticSchemaGenerationError, 4, 9),
        Refusal("a: Optional -> b", .unsupportedType, .pydanticSchemaGenerationError, 4, 8),
        Refusal("a, b -> c, b", .duplicateField, .valueError, 12, 1),
        Refusal("_a -> b", .reservedName, .pydanticUserError, 1, 2),
        Refusal("model_dump -> b", .reservedName, .valueError, 1, 10),
        Refusal("a -> instructions", .reservedName, .typeError, 6, 12),
    ])
    func `a refusal says where, why and as which exception`(_ refusal: Refusal) throws {
        let error = try #require(throws: SchemaError.self) { try Schema(parsing: refusal.text) }
        #expect(error.code == refusal.code)
        #expect(error.exception == refusal.exception)
        #expect(error.place?.column == refusal.column)
        #expect(error.place?.length == refusal.length)
        #expect(error.rule == nil)
        #expect(SchemaError.Code.all.contains(error.code))
    }

    @Test(arguments: [
        ("a: strr -> b", "str"), ("a: string -> b", "str"), ("a: Optoinal[int] -> b", "Optional"),
        ("a: Image -> b", "dspy.Image"), ("a: Persn -> b", "Person"), ("a: boolean -> b", "bool"),
    ])
    func `an unknown type names the nearest known one`(text: String, nearest: String) throws {
        let types = [TypeDeclaration.model("Person", [])]
        let error = try #require(throws: SchemaError.self) {
            try Schema(parsing: text, types: types)
        }
        #expect(error.remedy == "did you mean `\(nearest)`?")
    }

    @Test func `the rendering puts a caret under the place`() throws {
        let text = "question,\r\n\tcontext: list[strr] -> é\n"
        let error = try #require(throws: SchemaError.self) { try Schema(parsing: text) }
        #expect(error.place?.line == 2)
        #expect(error.place?.column == 16)
        #expect(error.place?.scalarOffset == 26)
        #expect(
            error.rendering == """
                \tcontext: list[strr] -> é
                \t              ^^^^
                line 2, column 16: unknown type `strr`; did you mean `str`?
                """
        )
    }

    @Test func `a long line is shown around the place only`() throws {
        let text = String(repeating: "a, ", count: 1_000) + "b: strr -> c"
        let error = try #require(throws: SchemaError.self) { try Schema(parsing: text) }
        let place = try #require(error.place)
        #expect(place.column == 3_004)
        #expect(place.excerpt.unicodeScalars.count == 200)
        #expect(error.rendering.contains("strr"))
    }

    @Test func `the first mistake in DSPy's order is the one reported`() throws {
        for (text, code) in [
            ("a: foo -> b b", SchemaError.Code.unknownType), ("a a -> b: foo", .syntax),
            ("a: 5 -> a", .duplicateField), ("a: 5 -> b: foo", .unknownType),
            ("_a: bytearray -> b", .reservedName), ("fields, a: bytearray -> b", .unsupportedType),
        ] {
            let error = try #require(throws: SchemaError.self) { try Schema(parsing: text) }
            #expect(error.code == code, "\(text)")
        }
    }
}
