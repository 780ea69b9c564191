import KraitLM
import KraitPrompts
import KraitSignatures
import KraitWire

/// DSPy's `Predict` in this process: the adapter's messages, one question to the model, and the
/// adapter's reading of the answer.
///
/// As in DSPy 3.4.1 (dspy/predict/predict.py, dspy/adapters/base.py and chat_adapter.py), what
/// ChatAdapter cannot read is asked for once more by JSONAdapter.
struct Predictor: Sendable {
    let model: ModuleModel
    /// Told what each question took, and that it was answered from the cache.
    let onUsage: @Sendable (LMUsage) -> Void

    /// The outputs, one map for each completion; the first is the prediction's own.
    func predict(_ request: PredictRequest) async throws(PredictFailure) -> [ValueMap] {
        do {
            return try await attempt(request, PromptAdapter(.chat))
        } catch .unparsable {
            guard let structure = model.structure else { throw .delegated(.modelCatalogue) }
            let format = try structure.format(of: request.schema)
            // The fall-back calls functions as natively as the adapter it stands in for: not.
            let json = PromptAdapter(.json, usesNativeFunctionCalling: false)
            return try await attempt(request, json, format)
        }
    }

    private func attempt(
        _ request: PredictRequest,
        _ adapter: PromptAdapter,
        _ format: LMResponseFormat? = nil
    ) async throws(PredictFailure) -> [ValueMap] {
        let messages: [LMMessage]
        do {
            messages = try adapter.format(
                request.schema,
                demos: request.demos,
                inputs: request.inputs
            ).map(LMMessage.init)
        } catch {
            throw PredictFailure(error)
        }
        let settings = request.settings.varied(default: model.temperature)
        let rest = request.deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
        let response: LMResponse
        do {
            response = try await model.model.complete(
                LMRequest(
                    messages: messages,
                    parameters: settings.parameters,
                    responseFormat: format,
                    n: settings.completions,
                    rolloutID: settings.rolloutID,
                    cache: settings.cache,
                    timeout: rest
                )
            )
        } catch {
            throw .unanswered(error)
        }
        onUsage(response.isCached ? .cachedAnswer : response.usage)
        var outputs: [ValueMap] = []
        for completion in response.completions {
            outputs.append(try Self.fields(of: request.schema, in: completion, adapter))
        }
        return outputs
    }

    private static func fields(
        of schema: Schema,
        in completion: LMCompletion,
        _ adapter: PromptAdapter
    ) throws(PredictFailure) -> ValueMap {
        guard let text = completion.text, !text.isEmpty else {
            let message = "The LM returned an empty or null response."
            throw .unparsable(UnparsableAnswer(adapter: adapter.kind.rawValue, message: message))
        }
        do {
            return try adapter.fields(of: schema, in: text)
        } catch {
            throw PredictFailure(error)
        }
    }
}

extension LMMessage {
    /// A message of an adapter's.
    fileprivate init(_ message: Message) {
        let role = Role(rawValue: message.role.rawValue) ?? .user
        switch message.content {
        case .text(let text): self.init(role, text)
        case .parts(let parts):
            self.init(role, parts: parts.compactMap { $0.wireValue?.map.map(LMPart.init) })
        case .none: self.init(role, parts: [])
        }
    }
}

extension LMPart {
    fileprivate init(_ part: ValueMap) {
        if part["type"] == "text", let text = part["text"]?.string, part.count == 2 {
            self = .text(text)
        } else {
            self = .other(part)
        }
    }
}
