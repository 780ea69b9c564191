import KraitSignatures
import KraitWire

/// DSPy's `Predict` and `ChainOfThought` as programs.
extension Program {
    /// DSPy's `Predict`.
    ///
    /// - Parameter config: settings laid over the model's own, such as `temperature`.
    public static func predict(_ schema: Schema, config: ValueMap = [:]) -> Program {
        Program(.predictor(ProgramPredictor(schema, config: config)))
    }

    /// DSPy's `Predict` of a signature in text.
    public static func predict(
        _ signature: String,
        config: ValueMap = [:]
    ) throws(SchemaError) -> Program {
        predict(try SchemaCache.shared.schema(parsing: signature), config: config)
    }

    /// DSPy's `ChainOfThought`: `reasoning` goes before the outputs.
    public static func chainOfThought(
        _ schema: Schema,
        config: ValueMap = [:]
    ) throws(SchemaError) -> Program {
        let reasoned = try schema.reasoned()
        return Program([("predict", predict(reasoned, config: config))]) {
            parts,
            inputs throws(PredictFailure) in
            try await parts.run("predict", inputs)
        }
    }

    /// DSPy's `ChainOfThought` of a signature in text.
    public static func chainOfThought(
        _ signature: String,
        config: ValueMap = [:]
    ) throws(SchemaError) -> Program {
        try chainOfThought(try SchemaCache.shared.schema(parsing: signature), config: config)
    }
}

extension Schema {
    /// The same with DSPy's `reasoning` before the outputs.
    func reasoned() throws(SchemaError) -> Schema {
        try prepending(Field("reasoning", description: "${reasoning}"), as: .output)
    }
}
