import KraitLM
import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire

/// Why native code made no prediction.
enum PredictFailure: Error, Sendable {
    /// Only Python can make it, by this rule.
    case delegated(DelegationRule)
    /// What the call gives does not fit; nothing was asked.
    case refused(String)
    /// The language model did not answer.
    case unanswered(LMError)
    /// No adapter could read what it answered.
    case unparsable(UnparsableAnswer)
    /// Code of the program's own, or a part of it, failed.
    case raised(CallError)

    /// Why there are no messages, or no fields.
    init(_ error: PromptError) {
        switch error {
        case .delegated(let rule): self = .delegated(rule)
        case .unparsable(let completion):
            self = .unparsable(
                UnparsableAnswer(adapter: completion.adapter.rawValue, message: completion.message)
            )
        case .uncarried(let field):
            let message = "The output `\(field)` holds what cannot be carried."
            self = .raised(CallError(.invalidOutput, message, delivery: .sent))
        // What DSPy raises is said best by DSPy.
        case .raised, .ambiguous: self = .delegated(.coercion)
        }
    }

    /// Why there is no such signature.
    init(_ error: SchemaError) {
        self =
            error.rule.map(PredictFailure.delegated)
            ?? .refused("The signature does not hold: \(error).")
    }

    /// Whether the conversation was longer than the model takes.
    var isTooLong: Bool {
        guard case .unanswered(let error) = self else { return false }
        return error.kind == .contextWindowExceeded
    }
}

/// What DSPy raises an `AdapterParseError` about.
struct UnparsableAnswer: Sendable {
    /// The adapter that gave up.
    var adapter: String
    /// DSPy's text, which quotes the completion.
    var message: String
}

extension DelegationRule {
    /// An argument that only DSPy's own `predict` has, such as `stream_fields`.
    static let argument = DelegationRule(rawValue: "argument")
    /// An input that is left out: DSPy knows its default.
    static let missingInput = DelegationRule(rawValue: "missing_input")
    /// A signature without outputs, of which DSPy makes an error at the end.
    static let noOutputs = DelegationRule(rawValue: "no_outputs")
    /// A setting of the model that native code does not know.
    static let modelSetting = DelegationRule(rawValue: "model_setting")
    /// An output format that depends on what DSPy's catalogue says of the model.
    static let modelCatalogue = DelegationRule(rawValue: "model_catalogue")
}

extension CallError {
    /// The error of a call that failed in native code as it would have failed in a worker.
    init(_ failure: PredictFailure, operation: String) {
        switch failure {
        case .delegated(let rule):
            self = .raised(by: Delegation(rule.rawValue), in: operation)
        case .refused(let message):
            self.init(.invalidInput, message, operation: operation)
        case .unanswered(let error):
            self.init(error, operation: operation)
        case .raised(let error):
            self = error
            self.operation = error.operation ?? operation
        case .unparsable(let answer):
            let type = "dspy.utils.exceptions.AdapterParseError"
            self.init(
                .faulted,
                "The model's answer does not hold the signature's outputs (\(answer.adapter)); "
                    + "what it said is in the fault.",
                operation: operation,
                fault: Fault(code: .raised, type: type, message: answer.message),
                delivery: .sent
            )
        }
    }

    private init(_ error: LMError, operation: String) {
        if error.kind == .cancelled {
            self.init(.cancelled, "The call was cancelled.", operation: operation, delivery: .sent)
            return
        }
        var details: ValueMap = ["code": .string(error.kind.rawValue)]
        details["model"] = error.model.map(Value.string)
        details["status"] = error.status.map { .int(Int64($0)) }
        details["retry_after"] = error.retryAfter.map { .double($0 / .seconds(1)) }
        let fault = Fault(
            code: .raised,
            type: "krait.LMError",
            message: error.detail ?? error.message,
            details: details
        )
        let isDeadline = error.kind == .timeout
        self.init(
            isDeadline ? .deadlineExceeded : .faulted,
            "The language model did not answer: \(error.description)",
            operation: operation,
            fault: isDeadline ? nil : fault,
            delivery: .sent,
            retryAfter: error.retryAfter
        )
    }
}
