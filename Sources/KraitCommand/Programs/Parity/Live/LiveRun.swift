import KraitSignatures

/// Asks many questions of the native side and of real DSPy, a batch at a time.
struct LiveRun: Sendable {
    /// Questions a call carries: enough that the call costs nothing beside the answers.
    static let batch = 100
    /// How often a long run says how far it is.
    private static let interval: Duration = .seconds(5)

    let workers: ReferenceWorkers
    /// How many batches are under way at once.
    let width: Int
    let context: CommandContext

    /// Asks `count` questions, made as they are needed, and tells each answer in their order.
    func ask(
        _ count: Int,
        questions: (Int) -> [PythonDict],
        onAnswer: (ReferenceAnswer, ParityOutcome) throws -> Void
    ) async throws {
        var asked = 0
        var (batch, told) = (0, 0)
        var waiting: [Int: [ReferenceAnswer]] = [:]
        var progress = Progress(count: count)
        try await withThrowingTaskGroup(of: (Int, [ReferenceAnswer]).self) { group in
            func askNext() {
                guard asked < count else { return }
                let rows = questions(min(Self.batch, count - asked))
                asked += rows.count
                let number = batch
                batch += 1
                group.addTask { (number, try await workers.answers(rows)) }
            }
            for _ in 0..<width { askNext() }
            while let (number, answers) = try await group.next() {
                askNext()
                waiting[number] = answers
                while let next = waiting.removeValue(forKey: told) {
                    told += 1
                    for answer in next {
                        try Task.checkCancellation()
                        let outcome = answer.outcome
                        progress.add(outcome)
                        try onAnswer(answer, outcome)
                    }
                    if let line = progress.line(every: Self.interval) {
                        try context.errors.write(line)
                    }
                }
            }
        }
    }

    /// How far a run is, told now and then.
    private struct Progress {
        let count: Int
        private var done = 0
        private var failed = 0
        private var last = ContinuousClock.now

        init(count: Int) { self.count = count }

        mutating func add(_ outcome: ParityOutcome) {
            done += 1
            if case .failed = outcome { failed += 1 }
        }

        mutating func line(every interval: Duration) -> String? {
            guard last.duration(to: .now) >= interval, done < count else { return nil }
            last = .now
            return "krait parity: \(done) of \(count) compared, \(failed) differ\n"
        }
    }
}

/// The questions of a user's file.
enum LiveQuestions {
    /// What a line asks: its signature, and with `inputs` and `completion` an adapter's messages
    /// and fields; a line that is already a question of a known kind asks that.
    static func questions(_ row: PythonDict) throws(ParityStop) -> [PythonDict] {
        guard let kind = ParityKind(ParityRow(row)) else {
            throw ParityRow.malformed("a signature, or a question of a known kind")
        }
        guard kind == .signatures, let signature = row["signature"] else { return [row] }
        var questions = [PythonDict([("signature", signature)])]
        let name = row["adapter"]?.string ?? "ChatAdapter"
        guard let adapter = adapters[name] ?? (adapters.values.contains(name) ? name : nil) else {
            throw ParityRow.malformed("an adapter: chat, json or xml")
        }
        var base = PythonDict([("signature", signature), ("adapter", .string(adapter))])
        if let inputs = row["inputs"] {
            base["op"] = .string("format")
            var question = base
            question["inputs"] = inputs
            question["demos"] = row["demos"] ?? .list([])
            questions.append(question)
        }
        if let completion = row["completion"] {
            base["op"] = .string("parse")
            var question = base
            question["completion"] = completion
            questions.append(question)
        }
        return questions
    }

    private static let adapters = [
        "chat": "ChatAdapter", "json": "JSONAdapter", "xml": "XMLAdapter",
    ]
}
