import KraitLM
import KraitWire

/// What a call's `config` lays over the model's own settings.
struct PredictSettings: Equatable, Sendable {
    var parameters = LMParameters()
    var completions = 1
    var rolloutID: Int?
    var cache: Bool?

    /// - Throws: `.delegated` for a setting that native code does not know, or a value that does
    ///   not fit it: DSPy says what is wrong then.
    init(_ config: Value? = nil) throws(PredictFailure) {
        guard let config, config != .null else { return }
        guard let map = config.map else {
            throw .refused("`config` is \(config.kindName), and no map.")
        }
        for (name, value) in map.entries where value != .null {
            guard set(name, value) else { throw .delegated(.modelSetting) }
        }
    }

    private mutating func set(_ name: String, _ value: Value) -> Bool {
        func take<T>(_ place: WritableKeyPath<PredictSettings, T?>, _ found: T?) -> Bool {
            self[keyPath: place] = found
            return found != nil
        }
        switch name {
        case "temperature": return take(\.parameters.temperature, value.double)
        case "max_tokens": return take(\.parameters.maxTokens, value.int)
        case "top_p": return take(\.parameters.topP, value.double)
        case "seed": return take(\.parameters.seed, value.int)
        case "frequency_penalty": return take(\.parameters.frequencyPenalty, value.double)
        case "presence_penalty": return take(\.parameters.presencePenalty, value.double)
        case "reasoning_effort": return take(\.parameters.reasoningEffort, value.string)
        case "rollout_id": return take(\.rolloutID, value.int)
        case "cache": return take(\.cache, value.bool)
        case "n":
            guard let count = value.int, count > 0 else { return false }
            completions = count
            return true
        default: return false
        }
    }

    /// The settings as DSPy's `Predict` sends them: several completions of a model that is set to
    /// vary little are asked for at 0.7 (dspy/predict/predict.py of 3.4.1).
    func varied(default temperature: Double?) -> PredictSettings {
        // As Python's `or` has it, a temperature of 0 is none.
        let own = parameters.temperature.flatMap { $0 == 0 ? nil : $0 }
        guard completions > 1, (own ?? temperature ?? 0) <= 0.15 else { return self }
        var varied = self
        varied.parameters.temperature = 0.7
        return varied
    }
}
