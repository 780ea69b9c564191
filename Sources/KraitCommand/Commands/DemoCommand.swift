/// What `krait demo` was asked for.
struct DemoRequest: Sendable, Equatable {
    /// The folder of text to answer from; nil for Debian's policy.
    var documents: String?
    /// The questions; none for the demo's own.
    var questions: [String]
    var workers: Int
    var json: Bool
}

/// `krait demo`: questions answered from real documents, with the way each step took.
enum DemoCommand {
    static let documents = Argument<String?>.option(
        "documents",
        "DIR",
        .text,
        "the folder of text to answer from, in place of Debian's policy"
    )
    static let question = Argument<[String]>.repeated(
        "question",
        "TEXT",
        .text,
        "a question, in place of the demo's own"
    )
    static let workers = Argument.option(
        "workers",
        "N",
        .workers,
        default: 2,
        "how many Python workers answer"
    )

    static func command(
        _ demo: @escaping @Sendable (DemoRequest, CommandContext) async throws -> ExitCode
    ) -> Command {
        Command(
            name: "demo",
            summary: "answer questions from real documents",
            discussion: """
                Searches the documents natively, answers with DSPy on pooled Python workers, and \
                renders each answer natively, with its passages, the route of each step and its \
                time. It starts its own pool and leaves nothing behind. Without a model it answers \
                by the offline LM, which has no model inside and says so; KRAIT_LM names a real \
                one, such as openai/gpt-4o-mini.
                """,
            parameters: [documents.parameter, question.parameter] + [
                workers.parameter, jsonFlag.parameter,
            ],
            examples: [
                .init(text: "krait demo", meaning: "its own questions, from Debian's policy"),
                .init(
                    text: "krait demo --documents notes --question \"What is left to do?\"",
                    meaning: "a question of yours, from a folder of yours"
                ),
            ],
            exitCodes: [.failed, .startFailed, .interrupted],
            interruption: .cancels,
            run: { arguments, context in
                let request = DemoRequest(
                    documents: arguments[documents],
                    questions: arguments[question],
                    workers: arguments[workers],
                    json: arguments[jsonFlag]
                )
                return try await demo(request, context)
            }
        )
    }
}
