import Krait

struct Ticket: Codable, Sendable { var message: String }

struct Sort: Signature {
    static let instructions = "How soon must somebody look at the message?"
    enum Urgency: String, Codable, CaseIterable, Sendable { case low, high }
    struct Input: Codable, Sendable { var message: String }
    struct Output: Codable, Sendable { var urgency: Urgency }
}

struct Answer: Signature {
    static let instructions = "Answer the question from the handbook's passages alone."
    struct Input: Codable, Sendable { var question: String, passages: [String] }
    struct Output: Codable, Sendable { var answer: String }
}

struct Letter: Codable, Sendable { var urgency: Sort.Urgency, answer: String }

struct Found: Sendable { var message: String, passages: [Passage] }

let sort = Pipeline("sort") {
    Transform { (found: Found) in Sort.Input(message: found.message) }
    Predict(Sort.self)  // in this process
}

let answer = Pipeline("answer") {
    Transform { (found: Found) in
        Answer.Input(question: found.message, passages: found.passages.map(\.text))
    }
    Validate(
        repairs: 2,
        [
            Rule("The answer has at most 100 characters.") { (output: Answer.Output) in
                output.answer.count <= 100
            }
        ]
    ) {
        ChainOfThought(Answer.self, on: "general")  // on a pool of Python workers
    }
}

let support = Pipeline("support") {
    Transform { (ticket: Ticket) in ticket.message }
    Both(Pass<String>(), Search(TextIndex(handbook), top: 2))
    Transform { (found: (String, [Passage])) in Found(message: found.0, passages: found.1) }
    Both(sort, answer)
    Transform { (both: (Sort.Output, Answer.Output)) in
        Letter(urgency: both.0.urgency, answer: both.1.answer)
    }
    Template("{% if urgency == 'high' %}(urgent) {% endif %}{{ answer }}", of: Letter.self)
}

@main struct SupportDesk {
    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "optimize" {
            return try await optimizeSorting(into: arguments[2])
        }
        try await withModel { lm, adapter in
            let desk = Orchestrator(name: "support-desk") {
                NativeModules(lm)
                PythonPool("general", adapter: adapter, workers: 1, slots: 8)
                support
            }
            try await desk.run()
        }
    }
}
