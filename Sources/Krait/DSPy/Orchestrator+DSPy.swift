import KraitWire

/// What one of DSPy's objects gave.
public struct DSPyAnswer: Sendable {
    /// The fields of a prediction; empty where it gave something else.
    public let outputs: ValueMap
    /// What it gave: the prediction's fields, or a value of another kind.
    public let value: Value
    /// The steps of an agent.
    public let trajectory: Value?
    /// What was used of each model.
    public let usage: Value

    /// What an operation gave that calls DSPy's objects, such as a session's program.
    public init(_ reply: Value) {
        outputs = reply["outputs"]?.map ?? [:]
        value = reply["outputs"] ?? reply["value"] ?? .null
        trajectory = reply["trajectory"]
        usage = reply["usage"] ?? [:]
    }
}

/// DSPy's objects, made and called by a worker in one round trip.
extension Orchestrator {
    /// Makes an object and calls it with inputs.
    ///
    /// Its functions of this program run as child tasks of this task, several at once.
    ///
    /// - Parameters:
    ///   - adapter: how the model is asked, such as `DSPyObject("JSONAdapter")`; nil takes the
    ///     pool's.
    ///   - pool: the pool to ask; nil leaves it to the router.
    /// - Throws: `invalid_input` where the catalogue or Python refuses a name or an argument, or
    ///   where the pool's Python lacks what the object needs; and whatever `call` throws.
    public func use(
        _ object: DSPyObject,
        _ inputs: ValueMap = [:],
        adapter: DSPyObject? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> DSPyAnswer {
        try object.check(inputs: inputs)
        let call = try call(object, .map(object.plain(inputs)), adapter, pool, options)
        return DSPyAnswer(try await self.call(call, tools: object.tools).value)
    }

    /// Makes an object and calls it with arguments that are objects themselves, such as the program
    /// that `Evaluate` scores.
    public func use(
        _ object: DSPyObject,
        arguments: [String: DSPyArgument],
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> DSPyAnswer {
        for case (let name, .object(let one)) in arguments { try one.check(at: "inputs.\(name)") }
        try object.check(inputs: ValueMap(arguments.map { ($0.key, $0.value.plain) }))
        let inputs = try DSPyArgument.wire(arguments)
        let call = try call(object, .map(inputs), nil, pool, options)
        let tools = object.tools + arguments.sorted { $0.key < $1.key }.flatMap(\.value.tools)
        return DSPyAnswer(try await self.call(call, tools: tools).value)
    }

    /// Makes an object once and calls it with each of many inputs, many at once.
    ///
    /// - Returns: in their order what each gave, or why it gave nothing.
    public func use(
        _ object: DSPyObject,
        batch: [ValueMap],
        adapter: DSPyObject? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> [Result<DSPyAnswer, CallError>] {
        for inputs in batch { try object.check(inputs: inputs) }
        let rows = Value.list(batch.map { .map(object.plain($0)) })
        let call = try call(object, rows, adapter, pool, options)
        let reply = try await self.call(call, tools: object.tools)
        guard let results = reply.value["results"]?.list, results.count == batch.count else {
            throw CallError(.invalidOutput, "the worker gave no results of its batch")
        }
        return results.map { row in
            guard let error = row["error"] else { return .success(DSPyAnswer(row)) }
            let fault = Fault(
                code: .raised,
                type: error["type"]?.string ?? "",
                message: error["message"]?.string ?? ""
            )
            let message = "this row of the batch raised \(fault.type)"
            return .failure(
                CallError(.faulted, message, operation: call.operation, fault: fault)
            )
        }
    }

    /// Makes an object and calls it, and streams the text of its outputs.
    ///
    /// - Parameter fields: the output fields to stream; nil those of text.
    public func stream(
        _ object: DSPyObject,
        _ inputs: ValueMap,
        fields: [String]? = nil,
        adapter: DSPyObject? = nil,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<DSPyAnswer> {
        let stream = Result { () throws(CallError) in
            try object.check(inputs: inputs)
            var call = try call(object, .map(object.plain(inputs)), adapter, pool, options)
            call.arguments["stream_fields"] = fields.map { .list($0.map(Value.string)) }
            return self.stream(call, tools: object.tools)
        }
        return PredictionStream(stream) { reply throws(CallError) in DSPyAnswer(reply.value) }
    }

    private func call(
        _ object: DSPyObject,
        _ inputs: Value,
        _ adapter: DSPyObject?,
        _ pool: String?,
        _ options: CallOptions
    ) throws(CallError) -> Call {
        var arguments: ValueMap = ["spec": try object.spec(), "inputs": inputs]
        arguments["adapter"] = try adapter?.spec()
        var options = options
        if let pool { options.route = .pool(pool) }
        return Call(DSPyObject.operation, arguments, options: options)
    }
}
