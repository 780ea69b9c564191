import KraitLM
import KraitSignatures
import KraitWire
import Testing

@testable import KraitModules

@Suite(.timeLimit(.minutes(1))) struct ReActTests {
    static func step(_ tool: String, _ arguments: String = "{}") -> String {
        """
        [[ ## next_thought ## ]]
        Hm.

        [[ ## next_tool_name ## ]]
        \(tool)

        [[ ## next_tool_args ## ]]
        \(arguments)

        [[ ## completed ## ]]
        """
    }

    static let end = "[[ ## reasoning ## ]]\nR.\n\n[[ ## answer ## ]]\nA."

    struct Broken: Error {}

    static let parameters: Value = [
        "type": "object", "required": ["query"],
        "properties": [
            "query": ["$ref": "#/$defs/Text"],
            "most": ["type": "integer"],
        ],
        "$defs": ["Text": ["type": "string"]],
    ]

    static func tool(_ name: String = "look_up") -> HostTool {
        HostTool(name: name, description: "Finds\nthings.", parameters: parameters) { arguments in
            if arguments["query"] == "broken" { throw Broken() }
            return .map(arguments)
        }
    }

    static func run(
        _ model: ScriptedModel,
        most: Int = 5,
        tools: [HostTool] = [tool()]
    ) async throws -> ProgramOutput {
        let program = try Program.react(
            Schema(parsing: "question -> answer"),
            tools: tools,
            most: most
        )
        return try await ProgramTests.run(program, model)
    }

    @Test func `the model reads of its tools what DSPy tells it`() async throws {
        let model = ScriptedModel(Self.step("finish"), Self.end)
        let output = try await Self.run(model)
        let system = try #require(model.asked.first?.messages.first?.text)
        let text =
            "(1) look_up, whose description is <desc>Finds  things.</desc>. It takes arguments "
            + "{'query': {'type': 'string'}, 'most': {'type': 'integer', 'default': None}}."
        #expect(system.contains(text))
        #expect(system.contains("(2) finish, whose description is <desc>Marks the task"))
        #expect(output.fields.keys == ["trajectory", "reasoning", "answer"])
        #expect(output["trajectory"]?["observation_0"] == "Completed.")
        #expect(model.asked.count == 2)
    }

    static let observed: [(String, Value)] = [
        (#"{"query": "x", "most": null}"#, ["query": "x"]),
        (#"{"query": "x", "other": 1}"#, ["query": "x", "other": 1]),
        (
            #"{"query": 3}"#,
            """
            Execution error in look_up: 
            ToolError: ValueError: Arg query is invalid: 3 is not of type 'string'
            """
        ),
        (
            #"{"query": "broken"}"#,
            "Execution error in look_up: \nToolError: Broken: Broken()"
        ),
    ]

    @Test(arguments: observed)
    func `what a tool gives or why it fails is what the model reads next`(
        arguments: String,
        observation: Value
    ) async throws {
        let model = ScriptedModel(
            Self.step("look_up", arguments),
            Self.step("finish"),
            Self.end
        )
        let output = try await Self.run(model)
        #expect(output["trajectory"]?["observation_0"] == observation)
        let asked = try #require(model.asked.dropFirst().first?.messages.last?.text)
        #expect(asked.contains("[[ ## observation_0 ## ]]"))
    }

    @Test func `an agent that never finishes is stopped and must answer`() async throws {
        let step = Self.step("look_up", #"{"query": "x"}"#)
        let model = ScriptedModel(step, step, step, Self.end)
        let output = try await Self.run(model, most: 3)
        #expect(output["answer"] == "A.")
        #expect(output["trajectory"]?.map?.count == 12)
    }

    @Test func `where not even one step fits, what there is must do`() async throws {
        let model = ScriptedModel([], failure: LMError(.contextWindowExceeded, "too long"))
        let error = await #expect(throws: CallError.self) { try await Self.run(model) }
        #expect(error?.fault?.details["code"] == "context_length")
        // The first step, and the end.
        #expect(model.asked.count == 2)
    }

    @Test(arguments: ["finish", "submit"])
    func `a tool with a name of DSPy's own is refused`(name: String) {
        #expect(throws: SchemaError.self) {
            try Program.react(Schema(parsing: "q -> a"), tools: [Self.tool(name)])
        }
    }

    @Test func `a signature with a field of the agent's own is refused`() {
        #expect(throws: SchemaError.self) {
            try Program.react(Schema(parsing: "q, trajectory -> a"), tools: [])
        }
    }

    @Test func `a tool whose argument refers to itself is refused`() {
        let parameters: Value = [
            "type": "object", "properties": ["a": ["$ref": "#/$defs/A"]],
            "$defs": ["A": ["items": ["$ref": "#/$defs/A"]]],
        ]
        let tool = HostTool(name: "t", description: "", parameters: parameters) { _ in .null }
        #expect(throws: SchemaError.self) {
            try Program.react(Schema(parsing: "q -> a"), tools: [tool])
        }
    }
}
