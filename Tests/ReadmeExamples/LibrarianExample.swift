import Krait

struct Reservation: Codable, Sendable {
    var title: String
    var copies: Int?
}

struct NotOnTheShelf: Error {}

/// Asks an agent of DSPy's that works in a Python worker, with two tools that are Swift.
func askLibrarian(
    _ question: String,
    about books: [String: String],
    adapter: Adapter = .dspy(model: "openai/gpt-4o-mini"),
    write: @escaping @Sendable (String) -> Void
) async throws -> [AgentStep] {
    let search = Tool("search", "Finds books about a subject.", parameter: "subject") {
        (subject: String) async throws -> [String] in
        let words = Set(subject.lowercased().split { !$0.isLetter })
        return books.sorted { $0.key < $1.key }.map { "\($0.key) is about \($0.value)." }
            .filter { !words.isDisjoint(with: $0.lowercased().split { !$0.isLetter }) }
    }
    let reserve = Tool("reserve", "Reserves copies of a book by its title.") {
        (wish: Reservation) async throws -> String in
        guard books[wish.title] != nil else { throw NotOnTheShelf() }
        return "\(wish.copies ?? 1) of \(wish.title) are reserved."
    }
    let library = Orchestrator(name: "library") {
        PythonPool("agents", adapter: adapter, workers: 2, slots: 16)
    }
    return try await library.running { krait in
        let stream = krait.streamReact(
            "question -> answer",
            ["question": .string(question)],
            tools: [search, reserve]
        )
        for try await chunk in stream {
            switch chunk {
            case .text(let piece, field: "answer"): write(piece)
            case .text: break
            case .status(let status): write("(\(status)) ")
            }
        }
        return try stream.output.steps
    }
}
