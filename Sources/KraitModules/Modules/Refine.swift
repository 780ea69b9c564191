import KraitPrompts
import KraitSignatures
import KraitWire

/// What DSPy's `Refine` shows the model of the code that it is to advise.
///
/// DSPy reads it from Python's source files; a program in Swift says it.
public struct RefinedCode: Sendable, Hashable {
    /// The program's, such as the source of a class.
    public var program: String
    /// The reward's.
    public var reward: String

    /// The code of a program and of its reward.
    public init(program: String, reward: String) {
        self.program = program
        self.reward = reward
    }
}

extension Program {
    /// DSPy's `Refine`: as `bestOf`, and between the attempts the model advises each predictor what
    /// to do better, which the next attempt is told as a hint.
    ///
    /// - Parameter code: what the model is shown of the program and the reward.
    public func refined(
        _ count: Int,
        threshold: Double?,
        failures: Int? = nil,
        code: RefinedCode,
        reward: @escaping Reward
    ) -> Program {
        let attempts = Attempts(count, threshold: threshold, failures: failures, reward: reward)
        return Program([("module", self)]) { parts, inputs throws(PredictFailure) in
            guard let module = parts.parts.first?.program else { throw .delegated(.argument) }
            let adviser = Adviser(program: module, code: code, threshold: threshold)
            var advice: [String: Value] = [:]
            var trace = ProgramTrace()
            return try await attempts.run { number throws(PredictFailure) in
                trace = ProgramTrace()
                var context = parts.context
                context.rollout = number
                context.trace = trace
                context.advice = advice.isEmpty ? nil : advice
                // The model is told of the predictors by their names in the refined program.
                context.path = ""
                let output = try await module.run(inputs, in: context)
                return (output, try await attempts.value(of: output, for: inputs))
            } afterwards: { output, value throws(PredictFailure) in
                advice = try await adviser.advise(
                    AdvisedRun(inputs: inputs, trace: trace.entries, output: output, reward: value),
                    in: parts.context
                )
            }
        }
    }
}

/// A run that was not good enough.
struct AdvisedRun {
    var inputs: ValueMap
    var trace: [ProgramTrace.Entry]
    var output: ProgramOutput
    var reward: Double
}

/// Asks a model what a program's predictors should do better.
struct Adviser: Sendable {
    let program: Program
    let code: RefinedCode
    let threshold: Double?

    /// The advice, by predictor.
    func advise(
        _ run: AdvisedRun,
        in context: ProgramContext
    ) async throws(PredictFailure) -> [String: Value] {
        let schema: Schema
        do {
            schema = try Self.signature()
        } catch {
            throw PredictFailure(error)
        }
        let request = PredictRequest(
            schema: schema,
            inputs: try inputs(run),
            demos: [],
            settings: try PredictSettings(),
            deadline: context.deadline
        )
        let model = context.model
        let predictor = Predictor(model: model) { context.ledger.add($0, of: model.name) }
        let advice = try await predictor.predict(request).first?["advice"]?.map?.entries ?? []
        return Dictionary(advice.map { ($0.key, $0.value) }) { $1 }
    }

    /// All are texts, whatever the signature says: JSON of what is none.
    private func inputs(_ run: AdvisedRun) throws(PredictFailure) -> PythonDict {
        let trajectory = run.trace.map { entry in
            Value.map([
                "module_name": .string(entry.predictor), "inputs": .map(entry.inputs),
                "outputs": .map(entry.outputs),
            ])
        }
        let names = program.predictors.map { Value.string($0.name) }
        let values: ValueMap = [
            "program_inputs": .map(run.inputs), "program_trajectory": .list(trajectory),
            "program_outputs": .map(run.output.fields),
            "target_threshold": threshold.map(Value.double) ?? .null,
            "reward_value": .double(run.reward), "module_names": .list(names),
        ]
        var inputs = PythonDict([
            ("program_code", .string(code.program)),
            ("modules_defn", .string(try Self.definitions(of: program))),
            ("reward_code", .string(code.reward)),
        ])
        for (name, value) in values.entries {
            inputs[name] = .string(try IndentedJSON.text(value))
        }
        return inputs
    }
}
