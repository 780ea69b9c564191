import KraitPrompts
import KraitSignatures
import Testing

/// What `krait parity --generate` found about types in prompts; answers of DSPy 3.4.1.
@Suite struct GeneratedPromptFindingsTests {
    @Test func `a mapping of values that may be anything is open`() throws {
        let schema = try Schema(parsing: "a -> b: dict[str, Type[int]]")
        let text = try FieldTexts(types: []).placeholder(schema.outputs[0], isOutput: true)
        #expect(
            text == """
                {b}        # note: the value you produce must adhere to the JSON schema: \
                {"type": "object", "additionalProperties": true}
                """
        )
    }
}
