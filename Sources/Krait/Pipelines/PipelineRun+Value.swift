import KraitPipelines
import KraitRouting
import KraitWire

extension PipelineRun {
    /// The run as the control socket tells it.
    ///
    /// - Parameter isWhole: with each step.
    func value(isWhole: Bool) -> Value {
        var map: ValueMap = [
            "number": .int(Int64(number)),
            "pipeline": .string(pipeline),
            "seconds": .double(duration / .seconds(1)),
            "steps_ended": .int(Int64(steps.count + omitted)),
            "usage": usage?.value ?? .null,
            "failure": failure.map { error in
                [
                    "code": .string(error.code.rawValue),
                    "path": .list(error.path.map(Value.string)),
                    "message": .string(error.message),
                ]
            } ?? .null,
        ]
        guard isWhole else { return .map(map) }
        map["steps"] = .list(steps.map(\.value))
        map["omitted"] = .int(Int64(omitted))
        return .map(map)
    }
}

extension CallUsage {
    /// As runs and batches tell it.
    package var value: Value {
        [
            "prompt_tokens": .int(Int64(promptTokens)),
            "completion_tokens": .int(Int64(completionTokens)),
            "cost_usd": cost.map(Value.double) ?? .null,
        ]
    }

    /// The usage that a run tells; nil where it tells none.
    package init?(ofRun value: Value) {
        guard let asked = value["prompt_tokens"]?.int,
            let answered = value["completion_tokens"]?.int
        else { return nil }
        self.init(
            promptTokens: asked,
            completionTokens: answered,
            cost: value["cost_usd"]?.double
        )
    }
}

extension StepRecord {
    fileprivate var value: Value {
        [
            "path": .list(path.map(Value.string)),
            "began_ms": began.milliseconds,
            "duration_ms": duration.milliseconds,
            "failure": failure.map { .string($0.rawValue) } ?? .null,
            "calls": .list(calls.map(\.value)),
        ]
    }
}

extension CallRecord {
    fileprivate var value: Value {
        var worker: String?
        if case .pool(_, let name, _) = source { worker = name }
        return [
            "operation": .string(operation),
            "route": route.map { .string($0.description) } ?? .null,
            "worker": worker.map(Value.string) ?? .null,
            "reason": decision.map { .string($0.reason.rawValue) } ?? .null,
            "because": decision.map { .string($0.sentence) } ?? .null,
            "duration_ms": duration.milliseconds,
            "usage": usage?.value ?? .null,
            "failure": failure.map { .string($0.rawValue) } ?? .null,
        ]
    }
}

extension Duration {
    /// To the microsecond.
    fileprivate var milliseconds: Value {
        .double((self / .microseconds(1)).rounded() / 1_000)
    }
}
