import KraitSignatures
import Testing

/// What `krait parity --generate` found that no recorded answer held; answers of DSPy 3.4.1.
@Suite struct GeneratedFindingsTests {
    @Test(arguments: [
        ("Union[bytes, Any]", "'x'", "'x'"), ("Union[Any, float]", "3", "3"),
        ("Union[float, Any]", "3", "3.0"), ("Union[tuple, Any]", "[1]", "[1]"),
        ("Union[str, frozenset[str], Any]", "['a']", "['a']"),
        ("list[Union[tuple, Any]]", "[[1]]", "[[1]]"),
        ("Union[dict[str, bytes], dict[str, Any]]", "{'k': 'x'}", "{'k': 'x'}"),
        ("Union[Set[int], dict[int, str], Dict[str, Any]]", "{'-7': {}}", "{'-7': {}}"),
    ])
    func `Any in a union fits as well as a lossless coercion`(
        type: String,
        text: String,
        expected: String
    ) throws {
        let schema = try Schema(parsing: "x -> y: \(type)")
        let type = try #require(schema.outputs.first).type
        let value = try ValueParser(types: []).parse(.string(text), as: type)
        #expect(value.representation == expected)
    }

    /// DSPy prints both as `tuple[]`, and pydantic takes one for any tuple, one for the empty one.
    @Test func `a bare Tuple inside a type is left to Python`() throws {
        #expect(try Schema(parsing: "a -> b: list[Tuple]").delegationRules == [.typingName])
        #expect(try Schema(parsing: "a -> b: list[Tuple[()]]").delegationRules == [])
        #expect(try Schema(parsing: "a -> b: list[tuple]").delegationRules == [])
    }
}
