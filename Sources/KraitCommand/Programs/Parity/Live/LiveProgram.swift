import Krait
import KraitSignatures

/// `krait parity --live` and `--generate`: the native side beside a worker that has DSPy.
enum LiveProgram {
    /// Questions of the user's own; shows both answers to each.
    static func file(
        _ path: String,
        _ request: ParityRequest,
        _ context: CommandContext
    ) async throws -> [ParityTally] {
        let file = CorpusFile(name: path, path: path)
        var questions: [PythonDict] = []
        for (number, line) in try file.lines().enumerated() {
            do {
                guard let row = try ParityRow(line: Array(line)) else {
                    throw ParityRow.malformed("a JSON object")
                }
                questions += try LiveQuestions.questions(row.entries)
            } catch {
                let reason =
                    if case ParityStop.differs(let difference) = error { difference.native } else {
                        "\(error)"
                    }
                throw CommandFailure(.failed, "\(path), line \(number + 1): needs \(reason)")
            }
        }
        let all = questions
        return try await running(request, context) { run in
            var tally = ParityTally(file: path, shown: 0)
            var next = 0
            try await run.ask(all.count) { count in
                defer { next += count }
                return Array(all[next..<next + count])
            } onAnswer: { answer, outcome in
                tally.add(outcome)
                if !request.json {
                    try context.output.write(text(answer, outcome, number: tally.count))
                }
            }
            return [tally]
        }
    }

    /// Random questions of every kind.
    static func generated(
        _ count: Int,
        seed: UInt64,
        _ request: ParityRequest,
        _ context: CommandContext
    ) async throws -> [ParityTally] {
        try await running(request, context) { run in
            var generator = QuestionGenerator(seed: seed)
            var tallies: [String: ParityTally] = [:]
            try await run.ask(count) { count in
                (0..<count).map { _ in generator.next() }
            } onAnswer: { answer, outcome in
                let name = QuestionGenerator.title(answer.question)
                tallies[name, default: ParityTally(file: name, shown: request.shown)].add(outcome)
            }
            return tallies.values.sorted { $0.file < $1.file }
        }
    }

    private static func running(
        _ request: ParityRequest,
        _ context: CommandContext,
        _ body: @escaping @Sendable (LiveRun) async throws -> [ParityTally]
    ) async throws -> [ParityTally] {
        let tallies = try await ReferenceWorkers.running(
            workers: request.workers,
            python: request.python
        ) { workers in
            try await body(LiveRun(workers: workers, width: request.workers, context: context))
        }
        for tally in tallies { try ParityProgram.write(tally, request, context) }
        return tallies
    }

    /// A question, what came of it, and the answer or both answers.
    private static func text(
        _ answer: ReferenceAnswer,
        _ outcome: ParityOutcome,
        number: Int
    ) -> String {
        switch outcome {
        case .failed(let difference):
            return ReadableDifference.text(difference, title: "question \(number) differs")
        case .delegated(let rule):
            return "  question \(number) delegated by \(rule) (\(rule.explanation)): "
                + "\(answer.questionText)\n" + python(answer)
        case .passed:
            return "  question \(number) the same: \(answer.questionText)\n" + python(answer)
        }
    }

    /// DSPy's answer, which is also Krait's where they are the same.
    private static func python(_ answer: ReferenceAnswer) -> String {
        guard case .success(let row) = answer.row else { return "" }
        var lines = ""
        for entry in row.entries.entries where answer.question[entry.key] == nil {
            let text = (try? JSONText.write(entry.value)) ?? entry.value.representation
            lines += "    \(entry.key.text): \(text)\n"
        }
        return lines
    }
}
