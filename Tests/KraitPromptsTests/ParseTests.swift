import KraitPrompts
import KraitSignatures
import Testing

@Suite struct ParseTests {
    @Test(arguments: [
        ("[[ ## a ## ]]\nx\n\n[[ ## b ## ]]\ny\n[[ ## completed ## ]]", "x", "y"),
        ("noise\n[[ ## b ## ]] y \n[[ ## a ## ]]x", "x", "y"),
        ("[[ ## a ## ]]\nx\r\nz\u{2028}w\n[[ ## b ## ]]\ny", "x\nz\nw", "y"),
        ("[[ ## a ## ]]\nx\n[[ ## a ## ]]\nagain\n[[ ## b ## ]]\ny", "x", "y"),
        ("[[ ## a ## ]]\nx [[ ## b ## ]] z\n[[ ## b ## ]]\ny", "x [[ ## b ## ]] z", "y"),
        ("   [[ ## a ## ]] x\n[[ ## b ## ]]\ny", "]] x", "y"),
        ("[[ ## a ## ]]\n\u{A0}x\u{3000}\n[[ ## é ## ]]\nq\n[[ ## b ## ]]y\nz", "x", "y\nz"),
        ("[[ ## a ## ]]\n[[ ## b ## ]]", "", ""),
    ])
    func `sections are found as DSPy finds them`(completion: String, a: String, b: String) throws {
        let fields = try fields(.chat, "q -> a, b", completion)
        #expect(fields["a"]?.string?.unicodeScalars.elementsEqual(a.unicodeScalars) == true)
        #expect(fields["b"]?.string?.unicodeScalars.elementsEqual(b.unicodeScalars) == true)
    }

    @Test func `a missing field is an error that names what was found`() throws {
        let error = try #require(unparsable(.chat, "q -> a, b", "[[ ## b ## ]]\ny"))
        #expect(
            error.message == """
                Adapter ChatAdapter failed to parse the LM response.\(" ")

                LM Response: [[ ## b ## ]]
                y\(" ")

                Expected to find output fields in the LM response: [a, b]\(" ")

                Actual output fields parsed from the LM response: [b]\(" ")


                """
        )
    }

    @Test func `a missing field that may be None is None`() throws {
        let fields = try fields(.chat, "q -> a, b: Optional[int]", "[[ ## a ## ]]\nx")
        #expect(fields["b"]?.isIdentical(to: .none) == true)
    }

    @Test(arguments: [
        (#"{"a": "x", "n": 3}"#, "x"), (#"text {"n": 3, "a": "x"} more"#, "x"),
        (#"[{"a": "x", "n": 3}]"#, "x"), (#"{"a": null, "n": "3", "z": 1}"#, "None"),
        (#"{"a": [1, "b"], "n": 3}"#, "[1, 'b']"),
    ])
    func `an object is found in a completion`(completion: String, a: String) throws {
        let fields = try fields(.json, "q -> a, n: int", completion)
        #expect(fields["a"]?.string == a)
        #expect(fields["n"]?.isIdentical(to: .int(3)) == true)
    }

    @Test func `what is no object is an error`() throws {
        let error = try #require(unparsable(.json, "q -> a", "no object"))
        #expect(error.reason == "LM response cannot be serialized to a JSON object.")
        #expect(error.parsed == nil)
    }

    @Test(arguments: [
        ("<a>x</a>", "x"), ("pre <a> x &lt; &#65;<!-- c -->y </a> post", "x < Ay"),
        ("<a><![CDATA[<b>]]></a>", "<b>"), ("<a>1</a><a>2</a>", "['1', '2']"),
        ("<a>x <b k='1'>y</b> z</a>", "x <b k=\"1\">y</b> z"), ("<été>1</été><a/>", ""),
    ])
    func `elements are found in a completion`(completion: String, a: String) throws {
        #expect(try fields(.xml, "q -> a", completion)["a"]?.string == a)
    }

    @Test(arguments: [
        ("dspy.Code", "```swift\n let x = 1 \n```", "Code(code='let x = 1')"),
        ("dspy.Code", "see ```a``` there", "Code(code='a')"),
        ("dspy.Code", "{\"code\": \"b\"}", "Code(code='b')"),
        ("dspy.Reasoning", "[1]", "Reasoning(content='[1]')"),
        ("dspy.Reasoning", "'quoted'", "Reasoning(content='quoted')"),
        (
            "dspy.ToolCalls",
            #"[{"function": {"name": "f", "arguments": "{\"x\": 1}"}, "id": "i"}]"#,
            "ToolCalls(tool_calls=[ToolCall(id='i', name='f', args={'x': 1})], "
                + "tool_call_results=None)"
        ),
    ])
    func `DSPy's own types read text in their ways`(type: String, text: String, expected: String)
        throws
    {
        let fields = try fields(.chat, "q -> a: " + type, "[[ ## a ## ]]\n" + text)
        #expect(fields["a"]?.representation == expected)
    }

    @Test(arguments: ["{\"tool_calls\": 1}", "[{\"name\": \"f\"}]", "nothing", "[1]"])
    func `what is no call is an error about its field`(text: String) throws {
        let completion = "[[ ## a ## ]]\n" + text
        #expect(unparsable(.chat, "q -> a: dspy.ToolCalls", completion)?.field == "a")
    }

    @Test(arguments: [
        ("<a>x & y</a>", "not well-formed (invalid token): line 1, column 17"),
        ("<a>x", "mismatched tag: line 1, column 17"),
        ("\n<a>&nbsp;</a>", "undefined entity: line 2, column 3"),
        ("</dspy_root><a/>", "junk after document element: line 1, column 23"),
        ("<a>]]></a>", "not well-formed (invalid token): line 1, column 16"),
        ("<a b='1' b='2'/>", "duplicate attribute: line 1, column 20"),
        ("<a>\u{1}</a>", "not well-formed (invalid token): line 1, column 14"),
        ("<a>&#0;</a>", "reference to invalid character number: line 1, column 14"),
        ("a < b", "not well-formed (invalid token): line 1, column 14"),
    ])
    func `what expat refuses is refused at its place`(completion: String, reason: String) throws {
        let error = try #require(unparsable(.xml, "q -> a", completion))
        #expect(error.reason == "Failed to parse XML: " + reason)
    }

    @Test func `a megabyte is read in a moment`() throws {
        let long = String(repeating: "line [[ ## x ## \n[[ ## {<a", count: 40_000)
        let chat = try fields(.chat, "q -> a", "[[ ## a ## ]]\n" + long)
        #expect(chat["a"]?.string?.utf8.count == long.utf8.count)
        #expect(unparsable(.xml, "q -> a", long) != nil)
    }

    @Test func `elements nested without end are left to Python`() throws {
        let deep = String(repeating: "<a>", count: 100_000)
        do {
            _ = try fields(.xml, "q -> a", deep)
            Issue.record("read")
        } catch PromptError.delegated(let rule) {
            #expect(rule == .depth)
        }
    }
}
