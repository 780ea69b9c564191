import KraitPipelines
import KraitSignatures
import KraitWire

/// What an agent found, and how.
public struct Acted<Output: Sendable>: Sendable {
    /// The signature's outputs.
    public var output: Output
    /// What the model wrote before them.
    public var reasoning: String
    /// The steps that led there, in order.
    public var steps: [AgentStep]

    init(_ output: Output, _ reply: Reply) {
        self.output = output
        reasoning = reply.value["outputs"]?["reasoning"]?.string ?? ""
        steps = AgentStep.steps(of: reply.value["trajectory"]?.map ?? [:])
    }
}

/// One step of `dspy.ReAct`: a thought, the tool it led to, and what that said.
public struct AgentStep: Sendable, Equatable {
    /// What the model thought.
    public var thought: String
    /// The tool it chose; `finish` ends the steps.
    public var tool: String
    /// The tool's arguments.
    public var arguments: ValueMap
    /// What the tool gave, or the text of its error.
    public var observation: Value

    /// The steps of DSPy's flat map; where it has dropped the oldest, for want of room, the others.
    static func steps(of trajectory: ValueMap) -> [AgentStep] {
        let numbers = trajectory.keys.compactMap { key in
            key.hasPrefix("tool_name_") ? Int(key.dropFirst("tool_name_".count)) : nil
        }
        return numbers.sorted().map { number in
            AgentStep(
                thought: trajectory["thought_\(number)"]?.string ?? "",
                tool: trajectory["tool_name_\(number)"]?.string ?? "",
                arguments: trajectory["tool_args_\(number)"]?.map ?? [:],
                observation: trajectory["observation_\(number)"] ?? .null
            )
        }
    }
}

/// Programs that use tools, and programs that stream.
extension Orchestrator {
    /// Lets an agent use the tools until it has the outputs: `dspy.ReAct`.
    ///
    /// The tools run in this task's children, several at once where the agent asks for several.
    public func react<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        tools: [Tool],
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> Acted<S.Output> {
        let agent = Prediction<S.Input, S.Output>("react", signature, on: pool)
        let reply = try await call(
            try agent.call(for: input, in: RunContext(self, options: options)),
            tools: tools
        )
        return Acted(try agent.output(of: reply), reply)
    }

    /// Lets an agent use the tools; the text form of a signature.
    public func react(
        _ signature: String,
        _ inputs: ValueMap,
        tools: [Tool],
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> Acted<ValueMap> {
        let agent = Prediction("react", text: signature, instructions: nil, on: pool)
        let reply = try await call(
            try agent.call(for: inputs, in: RunContext(self, options: options)),
            tools: tools
        )
        return Acted(try agent.output(of: reply), reply)
    }

    /// Lets an agent use the tools, and streams what it writes and does.
    ///
    /// - Parameter fields: the output fields to stream; nil those of text. `next_thought` streams
    ///   what the agent thinks at each step.
    public func streamReact<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        tools: [Tool],
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<Acted<S.Output>> {
        let agent = Prediction<S.Input, S.Output>("react", signature, on: pool)
        return stream(agent, input, fields, options, tools) { Acted($0, $1) }
    }

    /// Lets an agent use the tools, and streams; the text form of a signature.
    public func streamReact(
        _ signature: String,
        _ inputs: ValueMap,
        tools: [Tool],
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<Acted<ValueMap>> {
        let agent = Prediction("react", text: signature, instructions: nil, on: pool)
        return stream(agent, inputs, fields, options, tools) { Acted($0, $1) }
    }

    /// Predicts, and streams the outputs while the model writes them.
    ///
    /// - Parameter fields: the output fields to stream; nil those of text.
    public func streamPrediction<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<S.Output> {
        let prediction = Prediction<S.Input, S.Output>("predict", signature, on: pool)
        return stream(prediction, input, fields, options, []) { output, _ in output }
    }

    /// Predicts, and streams; the text form of a signature.
    public func streamPrediction(
        _ signature: String,
        _ inputs: ValueMap,
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<ValueMap> {
        let prediction = Prediction("predict", text: signature, instructions: nil, on: pool)
        return stream(prediction, inputs, fields, options, []) { output, _ in output }
    }

    /// Predicts after reasoning, and streams both.
    public func streamChainOfThought<S: Signature>(
        _ signature: S.Type,
        _ input: S.Input,
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<Reasoned<S.Output>> {
        let prediction = Prediction<S.Input, S.Output>("chain_of_thought", signature, on: pool)
        return stream(prediction, input, fields, options, []) { output, reply in
            let reasoning = reply.value["outputs"]?["reasoning"]?.string
            return Reasoned(reasoning: reasoning ?? "", output: output)
        }
    }

    private func stream<Input: Sendable, Output: Sendable, Result: Sendable>(
        _ prediction: Prediction<Input, Output>,
        _ input: Input,
        _ fields: [String]?,
        _ options: CallOptions,
        _ tools: [Tool],
        _ make: @escaping @Sendable (Output, Reply) -> Result
    ) -> PredictionStream<Result> {
        let stream = Swift.Result { () throws(CallError) in
            var call = try prediction.call(for: input, in: RunContext(self, options: options))
            call.arguments["stream_fields"] = fields.map { .list($0.map(Value.string)) }
            return self.stream(call, tools: tools)
        }
        return PredictionStream(stream) { reply throws(CallError) in
            make(try prediction.output(of: reply), reply)
        }
    }
}
