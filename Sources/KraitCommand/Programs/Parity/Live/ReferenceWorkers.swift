import Krait
import KraitSignatures
import KraitWire

/// A pool of workers that give DSPy's own answers.
struct ReferenceWorkers: Sendable {
    /// The adapter, as a pool is told.
    static let adapter = Adapter.custom("krait_worker.reference:Reference")
    static let pool = "reference"
    /// A batch's answers take a second or so; a worker that is started first, a little more.
    private static let timeout: Duration = .seconds(120)

    let krait: Orchestrator

    /// Starts the workers for as long as `body` runs.
    static func running<Result: Sendable>(
        workers: Int,
        python: String?,
        _ body: @escaping @Sendable (ReferenceWorkers) async throws -> Result
    ) async throws -> Result {
        let orchestrator = Orchestrator(name: "parity") {
            PythonPool(
                pool,
                adapter: adapter,
                workers: workers,
                slots: 1,
                python: python,
                timeout: timeout
            )
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            return try await body(ReferenceWorkers(krait: krait))
        }
    }

    /// The questions with DSPy's answers, in order.
    ///
    /// Throws `CallError` where the workers fail, and `CommandFailure` for a reply that is none.
    func answers(_ questions: [PythonDict]) async throws -> [ReferenceAnswer] {
        var texts: [Value] = []
        for question in questions { texts.append(.string(try JSONText.write(.dict(question)))) }
        let reply = try await krait.call("answers", ["rows": .list(texts)], on: .pool(Self.pool))
        guard let rows = reply.value.list, rows.count == questions.count else {
            throw CommandFailure(.failed, "the reference worker gave no list of answers")
        }
        return zip(questions, rows).map { ReferenceAnswer(question: $0, text: $1.string ?? "") }
    }
}

/// A question and DSPy's answer to it.
struct ReferenceAnswer: Sendable {
    let question: PythonDict
    /// The row, or why it cannot be compared.
    let row: Result<ParityRow, ParityStop>

    init(question: PythonDict, text: String) {
        self.question = question
        do throws(ValueFailure) {
            guard let row = try ParityRow(line: Array(text.utf8)) else {
                self.row = .failure(.differs(Self.unanswered("no JSON object")))
                return
            }
            guard let error = row.row("unanswered") else {
                self.row = .success(row)
                return
            }
            let message = "\(error.text("class") ?? "?"): \(error.text("message") ?? "")"
            self.row = .failure(.differs(Self.unanswered(message)))
        } catch {
            switch error {
            case .delegated(let rule): row = .failure(.delegated(rule))
            case .raised(let exception):
                row = .failure(.differs(Self.unanswered(exception.message)))
            }
        }
    }

    private static func unanswered(_ reason: String) -> ParityDifference {
        ParityDifference("worker", native: "an answer", python: "the reference failed: \(reason)")
    }

    /// The native answer beside DSPy's; a difference quotes the question whole, to be asked again.
    var outcome: ParityOutcome {
        let row: ParityRow
        switch self.row {
        case .success(let answered): row = answered
        case .failure(.delegated(let rule)): return .delegated(rule)
        case .failure(.differs(var difference)):
            difference.question = questionText
            return .failed(difference)
        }
        guard let kind = ParityKind(row) else {
            return .failed(ParityDifference("row", native: "a known kind", python: questionText))
        }
        guard case .failed(var difference) = kind.check(row) else { return kind.check(row) }
        difference.question = questionText
        return .failed(difference)
    }

    /// The question as a line of JSON.
    var questionText: String { (try? JSONText.write(.dict(question))) ?? "" }
}
