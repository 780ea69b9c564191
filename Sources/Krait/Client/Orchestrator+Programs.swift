import KraitPipelines
import KraitSignatures
import KraitWire

/// Programs of the user's own Python (`Adapter.dspy(programs:)`), typed by signatures.
extension Orchestrator {
    /// Calls a program by the name that its pool gives it.
    ///
    /// - Parameters:
    ///   - signature: what the program takes and gives; its `forward` has the inputs as parameters,
    ///     and returns a `dspy.Prediction` with the outputs, or more.
    ///   - pool: the pool to ask; nil leaves it to the router.
    /// - Throws: `invalid_input` where the inputs do not fit, `invalid_output` where the answer
    ///   does not, `faulted` with what the program raised, and whatever `call` throws.
    public func program<S: Signature>(
        _ name: String,
        _ signature: S.Type,
        _ input: S.Input,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> S.Output {
        let program = UserProgram(name, Prediction(name, signature, on: pool), schema: nil)
        return try program.output(of: try await call(program.call(for: input, self, options)))
    }

    /// Calls a program; the text form of its signature, such as `question -> answer, score: float`.
    public func program(
        _ name: String,
        _ signature: String,
        _ inputs: ValueMap,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> ValueMap {
        let program = UserProgram(name, signature, on: pool)
        return try program.output(of: try await call(program.call(for: inputs, self, options)))
    }

    /// Calls a program, and streams what its predictions write.
    ///
    /// - Parameter fields: the output fields to stream; nil those of text of its last prediction.
    public func streamProgram<S: Signature>(
        _ name: String,
        _ signature: S.Type,
        _ input: S.Input,
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<S.Output> {
        let program = UserProgram(name, Prediction(name, signature, on: pool), schema: nil)
        return stream(program, input, fields, options)
    }

    /// Calls a program, and streams; the text form of its signature.
    public func streamProgram(
        _ name: String,
        _ signature: String,
        _ inputs: ValueMap,
        fields: [String]? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<ValueMap> {
        stream(UserProgram(name, signature, on: pool), inputs, fields, options)
    }

    private func stream<Input: Sendable, Output: Sendable>(
        _ program: UserProgram<Input, Output>,
        _ input: Input,
        _ fields: [String]?,
        _ options: CallOptions
    ) -> PredictionStream<Output> {
        let stream = Result { () throws(CallError) in
            var call = try program.call(for: input, self, options)
            call.arguments["stream_fields"] = fields.map { .list($0.map(Value.string)) }
            return self.stream(call)
        }
        return PredictionStream(stream) { reply throws(CallError) in try program.output(of: reply) }
    }
}

/// A call of a program: as of a prediction, but what the signature says stays on this side.
private struct UserProgram<Input: Sendable, Output: Sendable>: Sendable {
    private let name: String
    private let prediction: Prediction<Input, Output>
    private let schema: Schema?

    init(_ name: String, _ prediction: Prediction<Input, Output>, schema: Schema?) {
        self.name = name
        self.prediction = prediction
        self.schema = schema
    }

    init(_ name: String, _ signature: String, on pool: String?)
    where Input == ValueMap, Output == ValueMap {
        let prediction = Prediction(name, text: signature, instructions: nil, on: pool)
        self.init(name, prediction, schema: try? Schema(parsing: signature))
    }

    func call(
        for input: Input,
        _ krait: Orchestrator,
        _ options: CallOptions
    ) throws(CallError) -> Call {
        var call = try prediction.call(for: input, in: RunContext(krait, options: options))
        call.operation = name
        call.arguments["signature"] = nil
        return call
    }

    /// Reads the outputs; the program may give more than its signature says.
    func output(of reply: Reply) throws(CallError) -> Output {
        if let schema, let outputs = reply.value["outputs"]?.map {
            let more = Set(outputs.keys).subtracting(schema.outputs.map(\.name))
            do throws(SchemaError) {
                try schema.validate(outputs: outputs, allowing: more)
            } catch {
                let message = "The outputs of \(name) do not fit its signature: \(error)."
                throw CallError(.invalidOutput, message, operation: name, delivery: .sent)
            }
        }
        return try prediction.output(of: reply)
    }
}
