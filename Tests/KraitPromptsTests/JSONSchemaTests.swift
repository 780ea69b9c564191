import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

@Suite struct JSONSchemaTests {
    private func schema(_ type: String, types: [TypeDeclaration] = []) throws -> String {
        let field = try #require(try Schema(parsing: "q -> a: " + type, types: types).outputs.first)
        return try JSONText.write(JSONSchema.of(field.type, types: types))
    }

    @Test(arguments: [
        ("list[int]", #"{"items": {"type": "integer"}, "type": "array"}"#),
        ("None | int", #"{"anyOf": [{"type": "integer"}, {"type": "null"}]}"#),
        ("complex | str", #"{"type": "string"}"#),
        ("tuple[()]", #"{"maxItems": 0, "minItems": 0, "type": "array"}"#),
        (
            "dict[Literal['x'], Any]",
            #"{"additionalProperties": true, "propertyNames": {"const": "x"}, "type": "object"}"#
        ),
        ("Literal[1, 'a']", #"{"enum": [1, "a"]}"#),
        ("Counter[str]", #"{"additionalProperties": {"type": "integer"}, "type": "object"}"#),
    ])
    func `types have pydantic's schemas`(type: String, expected: String) throws {
        #expect(try schema(type) == expected)
    }

    @Test func `a model inside itself stays a reference`() throws {
        let node = TypeDeclaration.model("Node", [.init("kids", type: "list[Node]")])
        #expect(
            try schema("Node", types: [node]) == """
                {"$defs": {"Node": {"properties": {"kids": {"items": {"$ref": "#/$defs/Node"}, \
                "title": "Kids", "type": "array"}}, "required": ["kids"], "title": "Node", "type": \
                "object"}}, "$ref": "#/$defs/Node"}
                """
        )
    }

    @Test func `models and enumerations are definitions`() throws {
        let types: [TypeDeclaration] = [
            .enumeration("Kind", [.init("A", value: "a"), .init("B", value: "b")]),
            .model(
                "Thing",
                [
                    .init("kind_of_it", type: "Optional[Kind]"),
                    .init("x2y", type: "int", description: "how many"),
                ]
            ),
        ]
        #expect(
            try schema("list[Thing]", types: types) == """
                {"$defs": {"Kind": {"enum": ["a", "b"], "title": "Kind", "type": "string"}, \
                "Thing": {"properties": {"kind_of_it": {"anyOf": [{"$ref": "#/$defs/Kind"}, \
                {"type": "null"}], "default": null}, "x2y": {"description": "how many", "title": \
                "X2Y", "type": "integer"}}, "required": ["x2y"], "title": "Thing", \
                "type": "object"}}, "items": {"$ref": "#/$defs/Thing"}, "type": "array"}
                """
        )
    }

    @Test func `models nested without end are left to Python`() throws {
        let types = (0..<200).map { index in
            TypeDeclaration.model("M\(index)", [.init("m", type: "M\(min(index + 1, 199))")])
        }
        do {
            _ = try schema("M0", types: types)
            Issue.record("written")
        } catch PromptError.delegated(let rule) {
            #expect(rule == .depth)
        }
    }
}
