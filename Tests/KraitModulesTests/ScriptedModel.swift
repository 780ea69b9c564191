import KraitLM
import KraitObservability

/// A scripted language model: gives these texts in turn, and keeps what it was asked.
final class ScriptedModel: LanguageModel {
    private let script: Lock<(texts: [[String?]], asked: [LMRequest])>
    private let failure: LMError?
    private let isCached: Bool

    /// Each element answers one request, with a completion for each text.
    init(_ texts: [[String?]], failure: LMError? = nil, isCached: Bool = false) {
        script = Lock((texts, []))
        self.failure = failure
        self.isCached = isCached
    }

    convenience init(_ texts: String...) { self.init(texts.map { [$0] }) }

    var asked: [LMRequest] { script.withLock { $0.asked } }

    func complete(_ request: LMRequest) async throws(LMError) -> LMResponse {
        let texts = script.withLock { script in
            script.asked.append(request)
            return script.texts.isEmpty ? [] : script.texts.removeFirst()
        }
        if let failure { throw failure }
        return LMResponse(
            model: "scripted",
            completions: texts.map { LMCompletion(text: $0) },
            usage: isCached
                ? LMUsage() : LMUsage(promptTokens: 5, completionTokens: 2, totalTokens: 7),
            isCached: isCached
        )
    }
}
