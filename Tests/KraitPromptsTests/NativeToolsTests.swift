import KraitPrompts
import KraitSignatures
import Testing

@Suite struct NativeToolsTests {
    private let adapter = PromptAdapter(.chat, usesNativeFunctionCalling: true)

    private func tool() -> PythonValue {
        let arguments = PythonDict([
            ("query", .dict(PythonDict([("type", .string("string"))]))),
            ("k", .dict(PythonDict([("type", .string("integer")), ("default", .int(3))]))),
        ])
        let fields = PythonDict([
            ("name", .string("search")), ("desc", .string("Search.")), ("args", .dict(arguments)),
        ])
        return .object(PythonInstance(className: "Tool", json: .none, fields: fields))
    }

    @Test func `tools and their calls leave the signature`() throws {
        let schema = try Schema(
            parsing: "q, tools: list[dspy.Tool] -> a, calls: dspy.ToolCalls",
            instructions: "Answer."
        )
        let inputs = PythonDict([("q", .string("x")), ("tools", .list([tool()]))])
        let native = try #require(try adapter.nativeTools(schema, inputs: inputs))
        #expect(native.schema.signature == "q -> a")
        #expect(native.schema.instructions == "Answer.")
        #expect(
            native.tools.map(\.representation) == [
                """
                {'type': 'function', 'function': {'name': 'search', 'description': 'Search.', \
                'parameters': {'type': 'object', 'properties': {'query': {'type': 'string'}, 'k': \
                {'type': 'integer', 'default': 3}}, 'required': ['query']}}}
                """
            ]
        )
    }

    @Test(arguments: ["q, tools: dspy.Tool -> a", "q -> calls: list[dspy.ToolCalls]"])
    func `without both nothing changes`(text: String) throws {
        #expect(try adapter.nativeTools(Schema(parsing: text), inputs: PythonDict())?.tools == nil)
    }

    @Test func `calls without tools are an error`() throws {
        let schema = try Schema(parsing: "q -> calls: dspy.ToolCalls")
        do {
            _ = try adapter.nativeTools(schema, inputs: PythonDict())
            Issue.record("no error")
        } catch PromptError.raised(let exception) {
            #expect(exception.className == "ValueError")
        }
        let textual = PromptAdapter(.chat)
        #expect(try textual.nativeTools(schema, inputs: PythonDict())?.tools == nil)
    }
}
