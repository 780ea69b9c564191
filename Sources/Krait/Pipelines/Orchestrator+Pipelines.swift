import KraitPipelines
import KraitRouting
import KraitSignatures
import KraitWire

/// The pipelines among an orchestrator's parts, by their names.
extension Orchestrator {
    /// What each pipeline among the parts will do, in their order.
    public var pipelines: [PipelinePlan] { namedPipelines.map(\.plan) }

    /// Runs a pipeline among the parts, as `krait run NAME` does: its input and output are values.
    ///
    /// The run is one of those that `krait runs` shows.
    ///
    /// - Throws: `unknown_pipeline`, `invalid_input` where the input does not fit, and what the
    ///   pipeline fails with, with the path to the step.
    public func run(
        _ pipeline: String,
        _ input: Value,
        options: CallOptions = CallOptions(),
        listener: RunListener = RunListener()
    ) async throws(CallError) -> Value {
        let found = try namedPipeline(pipeline)
        return try await keptRun(of: found, input, options, listener).outcome.get()
    }

    var namedPipelines: [NamedPipeline] { parts.compactMap(\.pipeline) }

    func namedPipeline(_ name: String) throws(CallError) -> NamedPipeline {
        let all = namedPipelines
        if let found = all.first(where: { $0.name == name }) { return found }
        let names = all.map(\.name)
        let hint =
            NearestName.find(name, among: names).map { "did you mean `\($0)`?" }
            ?? (names.isEmpty ? "there is none" : "there are \(names.joined(separator: ", "))")
        throw CallError(.unknownPipeline, "There is no pipeline `\(name)`; \(hint)")
    }

    /// Throws the first mistake of a pipeline that can be found now.
    ///
    /// What a pool offers is known when one of its workers is ready; until then a step that leaves
    /// the place open may be right.
    func checkPipelines() throws(CallError) {
        for pipeline in namedPipelines { try pipeline.validate(through: self) }
    }

    /// Runs a pipeline with a trace, and keeps what there is to know of the run.
    func keptRun(
        of pipeline: NamedPipeline,
        _ input: Value,
        _ options: CallOptions,
        _ listener: RunListener
    ) async throws(CallError) -> (outcome: Result<Value, CallError>, run: PipelineRun) {
        let number = try runs.begin(pipeline.name)
        let trace = Trace(limit: Limits.keptSteps)
        let start = ContinuousClock.now
        let outcome: Result<Value, CallError>
        do throws(CallError) {
            outcome = .success(
                try await pipeline.run(
                    input,
                    through: self,
                    options: options,
                    trace: trace,
                    listener: listener
                )
            )
        } catch {
            outcome = .failure(error)
        }
        var failure: CallError?
        if case .failure(let error) = outcome { failure = error }
        let now = ContinuousClock.now
        let run = PipelineRun(
            number: number,
            pipeline: pipeline.name,
            ended: now,
            duration: start.duration(to: now),
            failure: failure,
            steps: await trace.steps,
            omitted: await trace.omittedCount
        )
        runs.end(run)
        return (outcome, run)
    }
}
