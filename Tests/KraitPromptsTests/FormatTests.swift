import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

@Suite struct FormatTests {
    @Test func `ChatAdapter lays out sections`() throws {
        let messages = try messages(.chat, "q, n: int -> a, ok: bool", ["q": "why?", "n": 3])
        #expect(messages.map(\.role) == [.system, .user])
        #expect(
            messages[0].text == """
                Your input fields are:
                1. `q` (str):\(" ")
                2. `n` (int):
                Your output fields are:
                1. `a` (str):\(" ")
                2. `ok` (bool):
                All interactions will be structured in the following way, with the appropriate \
                values filled in.

                [[ ## q ## ]]
                {q}

                [[ ## n ## ]]
                {n}

                [[ ## a ## ]]
                {a}

                [[ ## ok ## ]]
                {ok}        # note: the value you produce must be True or False

                [[ ## completed ## ]]
                In adhering to this structure, your objective is:\(" ")
                        Given the fields `q`, `n`, produce the fields `a`, `ok`.
                """
        )
        #expect(
            messages[1].text == """
                [[ ## q ## ]]
                why?

                [[ ## n ## ]]
                3

                Respond with the corresponding output fields, starting with the field \
                `[[ ## a ## ]]`, then `[[ ## ok ## ]]` (must be formatted as a valid Python bool), \
                and then ending with the marker for `[[ ## completed ## ]]`.
                """
        )
    }

    @Test func `JSONAdapter shows and asks for one object`() throws {
        let messages = try messages(
            .json,
            "q -> a, n: Optional[int]",
            demos: [["q": "1", "a": "é", "n": nil], ["q": "2", "a": "x", "n": 4]],
            ["q": "3"]
        )
        #expect(messages.map(\.role) == [.system, .user, .assistant, .user, .assistant, .user])
        #expect(messages[2].text == "{\n  \"a\": \"é\",\n  \"n\": null\n}")
        #expect(messages[4].text == "{\n  \"a\": \"x\",\n  \"n\": 4\n}")
        #expect(messages[0].text?.contains("Outputs will be a JSON object") == true)
        #expect(
            messages[5].text == """
                [[ ## q ## ]]
                3

                Respond with a JSON object in the following order of fields: `a`, then `n` (must \
                be formatted as a valid Python Union[int, NoneType]).
                """
        )
    }

    @Test func `XMLAdapter nests lists and mappings and escapes text`() throws {
        let messages = try messages(
            .xml,
            "q -> a, m: dict[str, list[int]]",
            demos: [["q": "<&>", "a": "<&>", "m": ["k": [1, 2], "2 x": [], "z": nil]]],
            ["q": "x"]
        )
        #expect(messages[1].text == "<q>\n<&>\n</q>")
        #expect(
            messages[2].text == """
                <a>
                &lt;&amp;>
                </a>

                <m><k><item>1</item><item>2</item></k><entry key="2 x" /><z /></m>
                """
        )
        #expect(messages[3].text?.hasSuffix("structure: <m>...</m>") == true)
    }

    @Test func `incomplete demos come first and say so`() throws {
        let messages = try messages(
            .chat,
            "q, c -> a, b",
            demos: [
                ["q": "1", "c": "2", "a": "3", "b": "4"], ["q": "5", "a": "6"], ["q": "7"],
            ],
            ["q": "8"]
        )
        #expect(messages.count == 6)
        #expect(
            messages[1].text == """
                This is an example of the task, though some input or output fields are not supplied.

                [[ ## q ## ]]
                5
                """
        )
        #expect(
            messages[2].text == """
                [[ ## a ## ]]
                6

                [[ ## b ## ]]
                Not supplied for this particular example.

                [[ ## completed ## ]]

                """
        )
        #expect(messages[3].text?.hasPrefix("[[ ## q ## ]]\n1") == true)
    }

    @Test func `a history is told in turns and is no field of the request`() throws {
        let turn: Value = ["q": "one", "a": "two"]
        let messages = try messages(
            .chat,
            "q, past: dspy.History -> a",
            ["q": "three", "past": ["messages": [turn]]]
        )
        #expect(messages.map(\.role) == [.system, .user, .assistant, .user])
        #expect(messages[1].text?.hasPrefix("[[ ## q ## ]]\none\n\nRespond with") == true)
        #expect(messages[2].text == "[[ ## a ## ]]\ntwo\n\n[[ ## completed ## ]]\n")
        #expect(messages[3].text?.hasPrefix("[[ ## q ## ]]\nthree\n\nRespond with") == true)
    }

    @Test func `a call of a tool becomes the API's own where its results are known`() throws {
        let call: Value = ["id": "c1", "name": "find", "args": ["x": 1]]
        let result: Value = ["call_id": "c1", "name": "find", "value": ["y": nil]]
        let turn: Value = [
            "q": "one", "calls": ["tool_calls": [call], "tool_call_results": [result]],
        ]
        let inputs: ValueMap = ["q": "two", "past": ["messages": [turn]]]
        let text = "q, past: dspy.History -> calls: dspy.ToolCalls"
        let native = PromptAdapter(.chat, usesNativeFunctionCalling: true)
        let calling = try messages(native, text, inputs)
        #expect(calling.map(\.role) == [.system, .user, .assistant, .tool, .user])
        #expect(
            calling[2].value.representation == """
                {'role': 'assistant', 'content': None, 'tool_calls': [{'id': 'c1', 'type': \
                'function', 'function': {'name': 'find', 'arguments': '{"x": 1}'}}]}
                """
        )
        #expect(calling[3].text == #"{"y": null}"#)
        let telling = try messages(.chat, text, inputs)
        #expect(telling.map(\.role) == [.system, .user, .assistant, .user, .user])
        #expect(
            telling[3].text == """
                [[ ## tool_call_results ## ]]
                {"tool_call_results": [{"call_id": "c1", "name": "find", "value": {"y": null}, \
                "is_error": false}]}
                """
        )
    }

    @Test func `marks split a user's text into parts`() throws {
        func mark(_ side: String) -> String { "<<CUSTOM-TYPE-\(side)-IDENTIFIER>>" }
        let image = mark("START") + #"[{"type": "image_url", "x": 1}]"# + mark("END")
        let messages = try messages(.chat, "q, c: list[str] -> a", ["q": .string(image), "c": []])
        let parts = try #require(messages[1].parts)
        #expect(parts.count == 3)
        #expect(parts[0].representation == #"{'type': 'text', 'text': '[[ ## q ## ]]\n'}"#)
        #expect(parts[1].representation == "{'type': 'image_url', 'x': 1}")
    }

    @Test func `margins of instructions go and their empty lines are indented`() throws {
        let messages = try messages(
            .chat,
            "q -> a",
            ["q": "x"],
            instructions: "First.\n\n    Second.\n      Third."
        )
        let text = try #require(messages[0].text)
        #expect(
            text.hasSuffix(
                "is: \n        First.\n        \n        Second.\n          Third."
            )
        )
    }

    @Test(arguments: ["a: datetime.date -> b", "a -> b: dspy.History", "a -> b: Type[Any]"])
    func `what only Python can say is delegated`(text: String) throws {
        do {
            _ = try messages(.chat, text, [:])
            Issue.record("not delegated")
        } catch PromptError.delegated {}
    }

    @Test func `signatures that Swift holds equal are told apart by their bytes`() throws {
        for text in ["\u{E9}", "e\u{301}"] {
            let schema = try Schema(parsing: "q -> a", instructions: text)
            let system = try PromptAdapter.chat.format(schema, inputs: ValueMap())[0].text
            #expect(system?.utf8.suffix(text.utf8.count).elementsEqual(text.utf8) == true)
        }
    }

    @Test func `ten thousand fields are one message`() throws {
        let names = (0..<5_000).map { "f\($0)" }
        let text =
            names.joined(separator: ", ") + " -> " + names.map { $0 + "x" }.joined(separator: ", ")
        let messages = try messages(.chat, text, ["f4999": "last"])
        #expect(messages.last?.text?.hasPrefix("[[ ## f4999 ## ]]\nlast") == true)
    }
}

@Suite struct StrictTests {
    @Test(arguments: [
        (AdapterKind.chat, "a\n[[ ## answer ## ]]\nb", true),
        (.json, "[[ ## x ## ]]", true),
        (.chat, "[[ ## x\n ## ]]", false),
        (.chat, "[[1]]", false),
        (.xml, "</q>", true),
        (.xml, "<b", true),
        (.xml, "1 < 2 <3", false),
    ])
    func `values that look like structure are refused on request`(
        kind: AdapterKind,
        value: String,
        isRefused: Bool
    ) throws {
        let strict = PromptAdapter(kind, isStrict: true)
        do {
            _ = try messages(strict, "q -> answer", ["q": .string(value)])
            #expect(!isRefused)
        } catch PromptError.ambiguous(let field) {
            #expect(isRefused && field == "q")
        }
        _ = try messages(PromptAdapter(kind), "q -> answer", ["q": .string(value)])
    }
}
