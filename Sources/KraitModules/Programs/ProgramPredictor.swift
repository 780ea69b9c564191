import KraitLM
import KraitPrompts
import KraitSignatures
import KraitWire

/// A predictor of a program: a signature, and what optimizers add to it.
public struct ProgramPredictor: Sendable {
    /// What it predicts.
    public var schema: Schema { didSet { bound = Self.bind(schema) } }
    /// Examples that go before the question.
    public var demos: [ValueMap] { didSet { pythonDemos = demos.map(PythonDict.init) } }
    /// Settings laid over the model's own, as of DSPy's `Predict(…, **config)`.
    public var config: ValueMap
    /// The model that was saved with it; nil for that of the run.
    public internal(set) var lm: SavedLM?
    /// What a saved state holds beside these: traces and training data.
    var others: ValueMap = ["traces": [], "train": []]

    private var bound: Result<BoundSignature, PredictFailure>
    private var pythonDemos: [PythonDict]

    init(_ schema: Schema, demos: [ValueMap] = [], config: ValueMap = [:]) {
        self.schema = schema
        self.demos = demos
        self.config = config
        bound = Self.bind(schema)
        pythonDemos = demos.map(PythonDict.init)
    }

    private static func bind(_ schema: Schema) -> Result<BoundSignature, PredictFailure> {
        Result { () throws(PredictFailure) in try BoundSignature(schema) }
    }

    /// What Refine says in the place of advice to a predictor that needs none.
    private static let noAdvice: Value = "N/A"
    private static let hint = Field(
        "hint_",
        description: "A hint to the module from an earlier run"
    )

    func run(
        _ inputs: ValueMap,
        in context: ProgramContext
    ) async throws(PredictFailure) -> ProgramOutput {
        let name = context.path.isEmpty ? "self" : context.path
        let bound = try bound.get()
        guard demos.count <= ModuleLimits.demos else {
            throw .refused("A predictor has at most \(ModuleLimits.demos) demos.")
        }
        var inputs = inputs
        var request = PredictRequest(
            schema: bound.schema,
            inputs: try bound.inputs(inputs),
            demos: pythonDemos,
            settings: try PredictSettings(.map(config)),
            deadline: context.deadline
        )
        if let advice = context.advice {
            let hint = advice[name] ?? Self.noAdvice
            inputs[Self.hint.name] = hint
            request.inputs[Self.hint.name] = PythonValue(hint)
            do {
                request.schema = try request.schema.appending(Self.hint, as: .input)
            } catch {
                throw PredictFailure(error)
            }
        }
        var model = lm?.model(structure: context.model.structure) ?? context.model
        if let rollout = context.rollout {
            model = model.with(temperature: 1)
            request.settings.rolloutID = request.settings.rolloutID ?? rollout
            request.settings.parameters.temperature = request.settings.parameters.temperature ?? 1
        }
        let (ledger, told) = (context.ledger, model.name)
        let predictor = Predictor(model: model) { ledger.add($0, of: told) }
        let outputs = try await predictor.predict(request)
        let output = ProgramOutput(
            fields: outputs.first ?? ValueMap(),
            completions: outputs.count > 1 ? outputs : []
        )
        context.trace?.add(
            ProgramTrace.Entry(predictor: name, inputs: inputs, outputs: output.fields)
        )
        return output
    }
}

extension ModuleModel {
    /// The same, set to another temperature.
    fileprivate func with(temperature: Double) -> ModuleModel {
        ModuleModel(model, named: name, temperature: temperature, structure: structure)
    }
}
