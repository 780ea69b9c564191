import Krait
import KraitControl
import KraitEvaluation
import KraitWire

/// Predicts for a row, and scores what was predicted.
struct RowEvaluation: Sendable {
    /// Who says how good a prediction is.
    enum Judge: Sendable {
        case named(NamedMetric)
        /// An operation of the daemon, which is given `example` and `prediction`.
        case operation(String)

        var name: String {
            switch self {
            case .named(let metric): metric.name
            case .operation(let name): name
            }
        }
    }

    let judge: Judge
    /// The fields that the program is given; nil for all but those that are compared with.
    let inputs: [String]?
    /// What a row that failed counts as.
    let failureScore: Double
    let predict: @Sendable (ValueMap) async throws -> (value: Value, usage: CallUsage?)
    /// Makes the judge's call.
    let ask: @Sendable (Call) async throws -> Value

    /// The row's line: its example, prediction and score, or the error in the score's place.
    func answer(_ row: Value) async throws -> BatchAnswer {
        let example = try RowProgram.fields(of: row)
        let start = ContinuousClock.now
        var line: ValueMap = ["score": .double(failureScore), "example": .map(example)]
        var usage: CallUsage?
        do {
            if case .named(let metric) = judge { try metric.check(example: example) }
            let reply = try await predict(try given(of: example))
            usage = reply.usage
            let prediction = prediction(in: reply.value)
            line["prediction"] = .map(prediction)
            let score = try await score(example, prediction, &usage)
            line["score"] = .double(score)
            line["seconds"] = .double((start.duration(to: .now) / .seconds(1)).rounded(toPlaces: 6))
            if let usage {
                line["tokens"] = .int(Int64(usage.promptTokens + usage.completionTokens))
            }
            line["cost"] = usage?.cost.map(Value.double)
            return BatchAnswer(fields: line, score: score, usage: usage)
        } catch let error as MetricError {
            return failed(CallError(Self.code(of: error), "\(error)"), line, usage)
        } catch let error as CallError where !Self.endsBatch(error) {
            return failed(error, line, usage)
        }
    }

    /// What a row is that could not be read.
    func failed(_ error: CallError) -> BatchAnswer {
        failed(error, ["score": .double(failureScore)], nil)
    }

    private func failed(
        _ error: CallError,
        _ line: ValueMap,
        _ usage: CallUsage?
    ) -> BatchAnswer {
        var answer = BatchAnswer.failed(error)
        answer.fields = line
        answer.fields["error"] = ControlFailure(error).wire
        answer.score = failureScore
        answer.usage = usage
        return answer
    }

    /// Whether the example is to blame, or what was predicted for it.
    private static func code(of error: MetricError) -> CallError.Code {
        switch error {
        case .missingField(_, of: .prediction, nearest: _),
            .wrongType(_, of: .prediction, expected: _), .notFinite, .noScore:
            .invalidOutput
        default: .invalidInput
        }
    }

    private static func endsBatch(_ error: CallError) -> Bool {
        error.code == .cancelled || error.code == .shuttingDown
    }

    private func given(of example: ValueMap) throws(CallError) -> ValueMap {
        guard let inputs else {
            guard case .named(let metric) = judge else { return example }
            var rest = example
            rest[metric.field] = nil
            return rest
        }
        var found: ValueMap = [:]
        for name in inputs {
            guard let value = example[name] else {
                throw CallError(.invalidInput, "The row has no field `\(name)`.")
            }
            found[name] = value
        }
        return found
    }

    /// The fields of an answer: a prediction's outputs, a map itself, or the one compared field.
    private func prediction(in reply: Value) -> ValueMap {
        if let outputs = reply["outputs"]?.map { return outputs }
        if let map = reply.map { return map }
        if case .named(let metric) = judge { return [metric.field: reply] }
        return ["answer": reply]
    }

    private func score(
        _ example: ValueMap,
        _ prediction: ValueMap,
        _ usage: inout CallUsage?
    ) async throws -> Double {
        let call: Call
        switch judge {
        case .named(let metric) where !metric.asksModel:
            return try metric.score(example: example, prediction: prediction)
        case .named(let metric): call = metric.call(example: example, prediction: prediction)
        case .operation(let name):
            call = Call(name, ["example": .map(example), "prediction": .map(prediction)])
        }
        let judged = try await ask(call)
        if let more = judged["usage"].flatMap({ CallUsage($0) }) {
            usage = usage.map { $0 + more } ?? more
        }
        return try NamedMetric.score(in: judged, of: judge.name)
    }
}
