import KraitLM
import KraitWire

/// A model that was saved with a predictor.
public struct SavedLM: Sendable {
    /// Its settings, as DSPy's `dump_state` has them: without a key.
    public let state: ValueMap
    private let lm: LM

    /// What DSPy calls its own class of models.
    private static let className = "dspy.clients.lm.LM"
    /// Where requests go: a file may bring them only where it is trusted.
    private static let unsafe = ["api_base", "base_url", "model_list"]
    /// What has nothing to do with requests, or is a default here.
    private static let passedOver = [
        "_dspy_lm_class", "model", "cache", "num_retries", "finetuning_model", "launch_kwargs",
        "train_kwargs", "api_base", "base_url",
    ]

    init(
        _ given: ValueMap,
        _ path: String,
        _ isTrusted: Bool,
        _ onWarning: (String) -> Void
    ) throws(SavedProgramError) {
        var state = given
        let left = Self.unsafe.filter { given[$0] != nil }
        if !isTrusted, !left.isEmpty {
            for name in left { state[name] = nil }
            onWarning("The saved model's \(left.joined(separator: ", ")) is left out (\(path)).")
        }
        func refuse(_ reason: String, _ key: String) -> SavedProgramError {
            SavedProgramError(
                .model,
                reason,
                remedy: "save the program without its model, and give one to the run",
                path: "\(path).\(key)"
            )
        }
        if let name = state["_dspy_lm_class"]?.string, name != Self.className {
            throw refuse("only Python can make a model of the class \(name.prefix(80))", "model")
        }
        guard let model = state["model"]?.string else {
            throw .misplaced("\(path).model", "text", state["model"])
        }
        if let type = state["model_type"]?.string, type != "chat" {
            throw refuse("only chat models are asked from here", "model_type")
        }
        var parameters = LMParameters()
        for (name, value) in state.entries
        where value != .null && !Self.passedOver.contains(name) && name != "model_type" {
            do {
                let one = try PredictSettings([name: value])
                guard one.completions == 1, one.rolloutID == nil else {
                    throw PredictFailure.delegated(.modelSetting)
                }
                parameters = one.parameters.completed(by: parameters)
            } catch {
                throw refuse("a setting of the model that is not known here", name)
            }
        }
        lm = LM(
            model,
            apiBase: state["api_base"]?.string ?? state["base_url"]?.string,
            parameters: parameters,
            cache: state["cache"]?.bool ?? true,
            numRetries: state["num_retries"]?.int ?? 3
        )
        self.state = state
    }

    func model(structure: StructuredOutput?) -> ModuleModel {
        ModuleModel(lm, structure: structure)
    }
}
