import KraitSignatures

/// A prediction whose tools the API calls, not the prompt.
package struct NativeTools: Sendable {
    /// The signature without the tools and without their calls.
    package var schema: Schema
    /// The tools as OpenAI's API takes them.
    package var tools: [PythonValue]
}

extension PromptAdapter {
    /// What becomes of a prediction whose signature has tools among its inputs and calls among its
    /// outputs, for a model that calls functions; nil where nothing changes.
    ///
    /// Calls without tools are DSPy's `ValueError`; what is no `dspy.Tool` is left to Python.
    package func nativeTools(_ schema: Schema, inputs: PythonDict) throws(PromptError)
        -> NativeTools?
    {
        guard usesNativeFunctionCalling,
            let output = schema.outputs.first(where: { $0.type == .dspy(.toolCalls) })
        else { return nil }
        let input = schema.inputs.first {
            $0.type == .dspy(.tool) || $0.type == .list(of: .dspy(.tool))
        }
        guard let input else {
            throw .raise(
                "ValueError",
                "You provided an output field \(output.name) to receive the tool calls "
                    + "information, but did not provide any tools as the input. Please provide a "
                    + "list of tools as the input by adding an input field with type "
                    + "`list[dspy.Tool]`."
            )
        }
        guard let given = inputs[input.name] else { throw .raise("KeyError", "'\(input.name)'") }
        var tools: [PythonValue] = []
        for tool in given.list ?? [given] { tools.append(try Self.function(tool)) }
        do {
            return NativeTools(
                schema: try schema.deleting(output.name).deleting(input.name),
                tools: tools
            )
        } catch {
            throw .delegated(error.rule ?? .declaredType)
        }
    }

    /// A tool's name, description and parameters; those without a default are required.
    private static func function(_ tool: PythonValue) throws(PromptError) -> PythonValue {
        guard case .object(let instance) = tool, instance.className == "Tool",
            let fields = instance.fields, let arguments = fields["args"]?.dict
        else { throw .delegated(.customType) }
        let required = arguments.entries.filter { $0.value.dict?["default"] == nil }.map(\.key)
        let parameters = PythonDict([
            ("type", .string("object")), ("properties", .dict(arguments)),
            ("required", .list(required)),
        ])
        let function = PythonDict([
            ("name", fields["name"] ?? .none), ("description", fields["desc"] ?? .none),
            ("parameters", .dict(parameters)),
        ])
        return .dict(PythonDict([("type", .string("function")), ("function", .dict(function))]))
    }
}
