import KraitEvaluation
import KraitRouting
import KraitWire

/// How good a prediction is, for an optimizer: one of DSPy's metrics, Swift code, or an operation.
///
/// Swift code and operations are called back while the optimizer runs, as many at once as it has
/// rows under way. What they throw scores 0, and with `Optimization.maxErrors` of them the job
/// ends with an error that names the row.
public struct OptimizationMetric: Sendable {
    /// As workers read it.
    package let spec: Value
    let tools: [Tool]

    /// One of DSPy's metrics by its name: `NamedMetric.names`.
    ///
    /// - Parameters:
    ///   - field: which field is compared, of example and prediction.
    ///   - fraction: from which F1 on `answer_exact_match` holds.
    public static func named(
        _ name: String,
        field: String = "answer",
        fraction: Double = 1
    ) -> OptimizationMetric {
        OptimizationMetric(
            spec: [
                "metric": .string(name), "field": .string(field), "fraction": .double(fraction),
            ]
        )
    }

    /// An operation of this program: given `example` and `prediction`, it gives a number, true or
    /// false, or a map with such a `score` and, for optimizers that read it, a `feedback`.
    public static func operation(_ name: String) -> OptimizationMetric {
        OptimizationMetric(spec: [operationKey: .string(name)])
    }

    /// Swift code that scores a prediction for an example; 1 is right, 0 is wrong.
    ///
    /// - Parameter name: what the lineage calls it.
    public static func scoring(
        _ name: String,
        _ score:
            @escaping @Sendable (_ example: ValueMap, _ prediction: ValueMap) async throws
            -> Double
    ) -> OptimizationMetric {
        feedback(name) { example, prediction in
            MetricFeedback(try await score(example, prediction))
        }
    }

    /// Swift code that scores a prediction and says what could be better, for GEPA and SIMBA.
    public static func feedback(
        _ name: String,
        _ judge:
            @escaping @Sendable (_ example: ValueMap, _ prediction: ValueMap) async throws
            -> MetricFeedback
    ) -> OptimizationMetric {
        tool(name) { example, prediction in
            let judged = try await judge(example, prediction)
            var given: ValueMap = ["score": .double(judged.score)]
            given["feedback"] = judged.feedback.map(Value.string)
            return .map(given)
        }
    }

    /// Swift code that scores a signature's outputs for an example of a type of your own.
    public static func scoring<S: Signature, Example: Decodable & Sendable>(
        _ name: String,
        _ signature: S.Type,
        _ score: @escaping @Sendable (_ example: Example, _ output: S.Output) async throws -> Double
    ) -> OptimizationMetric {
        scoring(name) { example, prediction in
            try await score(
                try SignatureCoding.value(Example.self, of: example),
                try SignatureCoding.value(S.Output.self, of: prediction)
            )
        }
    }

    private init(spec: Value, tools: [Tool] = []) {
        self.spec = spec
        self.tools = tools
    }

    fileprivate static let operationKey = "operation"

    fileprivate static func tool(
        _ name: String,
        _ body: @escaping @Sendable (ValueMap, ValueMap) async throws -> Value
    ) -> OptimizationMetric {
        let tool = Tool(name, "Scores a prediction.", parameters: ["type": "object"]) { given in
            try await body(given["example"]?.map ?? [:], given["prediction"]?.map ?? [:])
        }
        return OptimizationMetric(spec: ["tool": .string(name)], tools: [tool])
    }
}

/// What a metric says of a prediction.
public struct MetricFeedback: Sendable, Equatable {
    /// 1 is right, 0 is wrong.
    public var score: Double
    /// What would have been better, for the optimizers that read it.
    public var feedback: String?

    /// A score, and what could be better.
    public init(_ score: Double, _ feedback: String? = nil) {
        self.score = score
        self.feedback = feedback
    }
}

extension Orchestrator {
    /// The call with an operation as its metric made one that offers it as a tool; others as they
    /// are.
    ///
    /// - Throws: what keeps the operation from being called.
    func scored(_ call: Call) throws(CallError) -> (call: Call, tools: [Tool]) {
        let key = OptimizationMetric.operationKey
        guard call.operation == Optimization.operation,
            let name = call.arguments["metric"]?[key]?.string
        else { return (call, []) }
        try check(name, options: CallOptions())
        let metric = OptimizationMetric.tool(name) { example, prediction in
            let given: ValueMap = ["example": .map(example), "prediction": .map(prediction)]
            return try await self.call(name, given).value
        }
        var call = call
        call.arguments["metric"] = metric.spec
        return (call, metric.tools)
    }
}
