import Krait

struct Draft: Signature {
    static let instructions = "Sort a support message and draft a reply."
    struct Input: Codable, Sendable, Hashable { var message: String }
    struct Output: Codable, Sendable {
        var isUrgent: Bool
        var reply: String
    }
}

struct Shorten: Signature {
    static let instructions = "Say the same in fewer words."
    struct Input: Codable, Sendable { var reply: String }
    struct Output: Codable, Sendable { var reply: String }
}

/// A reply to one message: asked again where it is too long, kept for an hour.
let reply = Pipeline("reply") {
    Cache(limit: 10_000, for: .seconds(3_600)) {
        Validate(
            repairs: 2,
            [
                Rule("The reply has at most 400 characters.") { (draft: Draft.Output) in
                    draft.reply.count <= 400
                }
            ]
        ) {
            Retry(attempts: 3) { ChainOfThought(Draft.self, on: "general") }
        }
    }
    When(\Draft.Output.isUrgent) {
        Transform { (draft: Draft.Output) in "URGENT: \(draft.reply)" }
    } otherwise: {
        Transform { (draft: Draft.Output) in Shorten.Input(reply: draft.reply) }
        Timeout(.seconds(20)) {
            Race(Predict(Shorten.self, on: "large"), Predict(Shorten.self, on: "small"))
        }
        Transform { (short: Shorten.Output) in short.reply }
    }
}

/// Replies to many messages, eight at a time; what fails does not keep the others.
let inbox = Pipeline("inbox") {
    Map { (message: String) in Draft.Input(message: message) }
    ForEach(width: 8) { reply }.results
}

func answer(_ messages: [String], with krait: Orchestrator) async throws {
    try inbox.validate(through: krait)
    print(inbox.plan().text)
    let listener = RunListener(step: { event in
        if case .ended(let path, let time, let failure?) = event {
            print("\(path.joined(separator: "/")) failed with \(failure) after \(time)")
        }
    })
    let trace = Trace()
    let options = CallOptions(timeout: .seconds(300))
    let replies = try await krait.run(
        inbox,
        messages,
        options: options,
        trace: trace,
        listener: listener
    )
    for (message, reply) in zip(messages, replies) {
        switch reply {
        case .success(let text): print(message, "→", text)
        case .failure(let error): print(message, "→ no reply: \(error)")
        }
    }
}
