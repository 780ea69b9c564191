import KraitEvaluation
import KraitWire

extension Orchestrator {
    /// What a prediction scores by a metric of DSPy's: here, or in a pool where a model judges.
    ///
    /// Throws `MetricError` where a side does not fit the metric, and whatever `call` throws.
    ///
    /// - Parameter pool: the pool whose model judges; nil leaves it to the router.
    public func score(
        _ metric: NamedMetric,
        example: ValueMap,
        prediction: ValueMap,
        on pool: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Double {
        try metric.check(example: example)
        guard metric.asksModel else {
            return try metric.score(example: example, prediction: prediction)
        }
        var call = metric.call(example: example, prediction: prediction)
        call.options = options
        if let pool { call.options.route = .pool(pool) }
        return try NamedMetric.score(in: try await self.call(call).value, of: metric.name)
    }
}
