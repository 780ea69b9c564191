import KraitPrompts
import KraitSignatures
import KraitWire

extension Program {
    /// DSPy's `ReAct`: a model that thinks, uses tools, and gives the outputs at the end.
    ///
    /// What it did is in the output's `trajectory`, before the fields. Where the model says that
    /// the conversation is too long, the oldest step is left out, at most three times.
    ///
    /// - Parameter most: how many steps it takes at most.
    package static func react(
        _ schema: Schema,
        tools: [HostTool],
        most: Int = 20
    ) throws(SchemaError) -> Program {
        let agent = try Agent(schema, tools, most: most)
        let parts: [Part] = [
            ("react", predict(agent.step)), ("extract", try chainOfThought(agent.extract)),
        ]
        return Program(parts) { parts, inputs throws(PredictFailure) in
            try await agent.run(parts, inputs)
        }
    }
}

/// A ReAct agent: its two signatures, and its tools.
private struct Agent: Sendable {
    let step: Schema
    let extract: Schema
    private let tools: [AgentTool]
    private let most: Int

    init(_ schema: Schema, _ tools: [HostTool], most: Int) throws(SchemaError) {
        guard schema.field(Trajectory.name) == nil else {
            throw SchemaError(
                .reservedName,
                "DSPy's agents have a field `\(Trajectory.name)` of their own",
                remedy: "give yours another name",
                path: Trajectory.name
            )
        }
        var own: [AgentTool] = []
        for tool in tools { own.append(try AgentTool(tool)) }
        let outputs = schema.outputs.map { "`\($0.name)`" }.joined(separator: ", ")
        own.append(.finish(outputs))
        self.tools = own
        self.most = min(max(most, 1), ModuleLimits.iterations)
        let trajectory = Field(Trajectory.name)
        let names = own.map { LiteralValue.string($0.name) }
        step = try Schema(
            inputs: schema.inputs + [trajectory],
            outputs: [
                Field("next_thought"), Field("next_tool_name", type: .literal(names)),
                Field("next_tool_args", type: .dict(of: .any)),
            ],
            instructions: Self.instructions(schema, outputs, own),
            types: schema.types
        )
        extract = try Schema(
            inputs: schema.inputs,
            outputs: schema.outputs,
            instructions: schema.instructions,
            types: schema.types
        ).appending(trajectory, as: .input)
    }

    /// What DSPy tells the model (dspy/predict/react.py of 3.4.1), to the letter.
    private static func instructions(
        _ schema: Schema,
        _ outputs: String,
        _ tools: [AgentTool]
    ) -> String {
        let inputs = schema.inputs.map { "`\($0.name)`" }.joined(separator: ", ")
        var lines = schema.instructions.isEmpty ? [] : [schema.instructions + "\n"]
        lines += [
            "You are an Agent. In each episode, you will be given the fields \(inputs) as input. "
                + "And you can see your past trajectory so far.",
            "Your goal is to use one or more of the supplied tools to collect any necessary "
                + "information for producing \(outputs).\n",
            "To do this, you will interleave next_thought, next_tool_name, and next_tool_args in "
                + "each turn, and also when finishing the task.",
            "After each tool call, you receive a resulting observation, which gets appended to "
                + "your trajectory.\n",
            "When writing next_thought, you may reason about the current situation and plan for "
                + "future steps.",
            "When selecting the next_tool_name and its next_tool_args, the tool must be one of:\n",
        ]
        for (index, tool) in tools.enumerated() { lines.append("(\(index + 1)) \(tool.text)") }
        lines.append(
            "When providing `next_tool_args`, the value inside the field must be in JSON format"
        )
        return lines.joined(separator: "\n")
    }

    func run(
        _ parts: ProgramParts,
        _ inputs: ValueMap
    ) async throws(PredictFailure) -> ProgramOutput {
        var trajectory = Trajectory()
        for number in 0..<most {
            let step: ProgramOutput
            do {
                step = try await ask("react", parts, inputs, &trajectory)
            } catch {
                // What has been found so far must do.
                guard error.isTooLong else { throw error }
                break
            }
            let name = step["next_tool_name"]?.string ?? ""
            let arguments = step["next_tool_args"]?.map ?? ValueMap()
            let observation = try await observe(name, arguments)
            trajectory.append(
                number,
                [
                    "thought": step["next_thought"] ?? .null, "tool_name": .string(name),
                    "tool_args": .map(arguments), "observation": observation,
                ]
            )
            if name == AgentTool.finishName { break }
        }
        let found = try await ask("extract", parts, inputs, &trajectory)
        var fields: ValueMap = [Trajectory.name: .map(trajectory.values)]
        for (name, value) in found.fields.entries { fields[name] = value }
        return ProgramOutput(fields: fields)
    }

    /// Asks a part; where the conversation is too long, once more without its oldest step.
    private func ask(
        _ part: String,
        _ parts: ProgramParts,
        _ inputs: ValueMap,
        _ trajectory: inout Trajectory
    ) async throws(PredictFailure) -> ProgramOutput {
        var failure: PredictFailure?
        for _ in 0..<Trajectory.tries {
            var given = inputs
            given[Trajectory.name] = .string(try trajectory.text)
            do {
                return try await parts.run(part, given)
            } catch {
                guard error.isTooLong else { throw error }
                failure = error
                guard trajectory.dropFirst() else { throw error }
            }
        }
        throw failure ?? .refused("The agent was asked nothing.")
    }

    private func observe(
        _ name: String,
        _ arguments: ValueMap
    ) async throws(PredictFailure) -> Value {
        guard let tool = tools.first(where: { $0.name == name }) else {
            throw .refused("The model chose a tool that there is not.")
        }
        do {
            return try await tool.run(arguments)
        } catch {
            if error.type == ToolError.cancelled, Task.isCancelled {
                throw .raised(CallError(.cancelled, "The call was cancelled.", delivery: .sent))
            }
            // As the worker words it: an LM reads no traceback of a tool that runs elsewhere.
            return .string("Execution error in \(name): \n\(error.text)")
        }
    }
}

/// What an agent did so far, in DSPy's flat form.
private struct Trajectory {
    static let name = "trajectory"
    /// How often a part is asked, with a shorter trajectory each time.
    static let tries = 3
    /// Each step has a thought, a tool, its arguments and an observation.
    private static let keysOfStep = 4

    private(set) var values = ValueMap()

    mutating func append(_ number: Int, _ step: ValueMap) {
        for (name, value) in step.entries { values["\(name)_\(number)"] = value }
    }

    /// Drops the oldest step; false where it is the only one.
    mutating func dropFirst() -> Bool {
        guard values.count > Self.keysOfStep else { return false }
        values = ValueMap(values.entries.dropFirst(Self.keysOfStep).map { ($0.key, $0.value) })
        return true
    }

    /// As ChatAdapter writes fields without a type.
    var text: String {
        get throws(PredictFailure) {
            var parts: [String] = []
            for (name, value) in values.entries {
                do {
                    let written = try PromptValue.format(PythonValue(value), isTextField: true)
                    parts.append("[[ ## \(name) ## ]]\n\(written)")
                } catch {
                    throw .delegated(.coercion)
                }
            }
            return parts.joined(separator: "\n\n").stripped
        }
    }
}
