import KraitLM
import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire

/// Answers `predict` or `chain_of_thought` in this process, as a worker's `dspy` adapter would.
package struct PredictBackend: Backend {
    private let model: ModuleModel
    private let signatures: SignatureCache<BoundSignature>

    /// - Parameter reasoning: whether it is a chain of thought.
    package init(_ model: ModuleModel, reasoning: Bool) {
        self.model = model
        signatures = SignatureCache { schema throws(PredictFailure) in
            try BoundSignature(schema, reasoning: reasoning)
        }
    }

    /// Makes the prediction; cancelling the task ends the request to the model.
    ///
    /// - Throws: `delegated` where only Python can answer.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        do throws(PredictFailure) {
            var request = try PredictRequest(try call.nativeArguments, signatures)
            request.deadline = call.options.timeout.map { .now + $0 }
            let ledger = ProgramLedger()
            let predictor = Predictor(model: model) { ledger.add($0, of: model.name) }
            let outputs = try await predictor.predict(request)
            var reply = outputs.first.reply(ledger.usage)
            if outputs.count > 1 { reply["completions"] = .list(outputs.map(Value.map)) }
            return Reply(.map(reply), from: .native)
        } catch {
            throw CallError(error, operation: call.operation)
        }
    }
}

/// Answers `react` in this process, as a worker's `dspy` adapter would.
package struct ReActBackend: Backend {
    private let model: ModuleModel
    private static let names = ["signature", "inputs", "max_iters"]

    package init(_ model: ModuleModel) { self.model = model }

    /// Lets the agent use the call's tools.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        do throws(PredictFailure) {
            let arguments = try call.nativeArguments
            for name in arguments.keys where !Self.names.contains(name) {
                throw .delegated(.argument)
            }
            guard let inputs = arguments["inputs"]?.map, let signature = arguments["signature"]
            else {
                throw .refused("The call has no `signature`, or no map `inputs`.")
            }
            let most = arguments["max_iters"] ?? 20
            guard let most = most.int, (1...ModuleLimits.iterations).contains(most) else {
                throw .refused("`max_iters` is an integer from 1 to \(ModuleLimits.iterations).")
            }
            let program: Program
            do {
                program = try Program.react(
                    try Schema(wireValue: signature),
                    tools: tools(of: call),
                    most: most
                )
            } catch {
                throw PredictFailure(error)
            }
            let ledger = ProgramLedger()
            let context = ProgramContext(
                model: model,
                deadline: call.options.timeout.map { .now + $0 },
                ledger: ledger
            )
            var fields = try await program.run(inputs, in: context).fields
            let trajectory = fields["trajectory"]
            fields["trajectory"] = nil
            var reply = Optional(fields).reply(ledger.usage)
            reply["trajectory"] = trajectory
            return Reply(.map(reply), from: .native)
        } catch {
            throw CallError(error, operation: call.operation)
        }
    }

    /// The call's tools; running one is told to its flow, and known to what it calls.
    private func tools(of call: Call) -> [HostTool] {
        guard let flow = call.flow else { return [] }
        let deadline = call.options.timeout.map { ContinuousClock.now + $0 }
        return flow.tools.map { tool in
            var told = tool
            let context = ToolContext(
                tool: tool.name,
                operation: call.operation,
                session: call.options.session ?? ToolContext.current?.session,
                deadline: deadline,
                pools: ToolContext.current?.pools ?? []
            )
            told.body = { arguments in
                flow.toolBegins()
                return try await ToolContext.$current.withValue(context) {
                    try await tool.body(arguments)
                }
            }
            return told
        }
    }
}

/// Answers an operation of its own name with a program.
package struct ProgramBackend: Backend {
    private let program: Program
    private let model: ModuleModel

    package init(_ program: Program, _ model: ModuleModel) {
        self.program = program
        self.model = model
    }

    /// Runs the program with the call's arguments as its inputs.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        let output: ProgramOutput
        do {
            output = try await program.run(
                call.arguments,
                with: model,
                timeout: call.options.timeout
            )
        } catch {
            var error = error
            error.operation = call.operation
            throw error
        }
        var reply = Optional(output.fields).reply(output.usage)
        if !output.completions.isEmpty {
            reply["completions"] = .list(output.completions.map(Value.map))
        }
        return Reply(.map(reply), from: .native)
    }
}

extension Call {
    /// The arguments, unless it brings settings of the model: those are laid over a pool's, which
    /// has them all.
    fileprivate var nativeArguments: ValueMap {
        get throws(PredictFailure) {
            guard options.lm == nil else { throw .delegated(.modelSetting) }
            return arguments
        }
    }
}

extension ValueMap? {
    /// A reply in the shape of a worker's.
    fileprivate func reply(_ usage: [String: LMUsage]) -> ValueMap {
        let models = usage.sorted { $0.key < $1.key }
        return [
            "outputs": .map(self ?? ValueMap()),
            "usage": .map(ValueMap(models.map { ($0.key, $0.value.wireValue) })),
        ]
    }
}

extension LMUsage {
    /// What is known of it, under OpenAI's names.
    fileprivate var wireValue: Value {
        var map = ValueMap()
        map["prompt_tokens"] = promptTokens.map { .int(Int64($0)) }
        map["completion_tokens"] = completionTokens.map { .int(Int64($0)) }
        map["total_tokens"] = totalTokens.map { .int(Int64($0)) }
        map["cached"] = cachedAnswers > 0 ? .int(Int64(cachedAnswers)) : nil
        return .map(map)
    }
}
