import KraitEvaluation
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@Suite(.timeLimit(.minutes(1))) struct EvaluationTests {
    struct Question: Codable, Sendable {
        var question: String
        var answer: String
    }

    struct Answer: Codable, Sendable {
        var answer: String
    }

    struct Broken: Error, CustomStringConvertible {
        var description: String { "it broke" }
    }

    static let questions = (0..<7).map { Question(question: "q\($0)", answer: "a\($0)") }

    static func score(_ example: Question, _ answer: Answer) throws -> Double {
        try Metrics.f1(answer.answer, against: [example.answer])
    }

    @Test func `every example is predicted and scored, in order`() async throws {
        var seen: [EvaluationProgress] = []
        let report = try await Evaluation(Self.questions, concurrency: 3).run {
            seen.append($0)
        } predict: {
            Answer(answer: $0.question == "q3" ? "wrong" : $0.answer)
        } score: {
            try Self.score($0, $1)
        }
        #expect(report.rows.map(\.example.question) == Self.questions.map(\.question))
        #expect(report.rows.map(\.score) == [1, 1, 1, 0, 1, 1, 1])
        #expect(report.score == 85.71)
        #expect(seen.map(\.done) == Array(1...7))
        #expect(seen.last?.score == 85.71)
        #expect(seen.last?.failures == 0)
    }

    @Test func `no more run at once than may`() async throws {
        let running = Lock((now: 0, most: 0))
        _ = try await Evaluation(Array(0..<40), concurrency: 4).run { _ in
            running.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return 1
        } score: { _, _ in
            1
        }
        #expect(running.withLock { $0.most } <= 4)
        #expect(running.withLock { $0.most } >= 1)
    }

    @Test func `failures count as the failure score and are told`() async throws {
        let evaluation = Evaluation(Self.questions, maxErrors: 3, failureScore: 0.5)
        let report = try await evaluation.run { question -> Answer in
            if ["q1", "q5"].contains(question.question) { throw Broken() }
            return Answer(answer: question.answer)
        } score: {
            try Self.score($0, $1)
        }
        #expect(report.failures == 2)
        #expect(report.rows[1].failure == "it broke")
        #expect(report.rows[1].prediction == nil)
        #expect(report.score == 85.71)
        let value = try report.value
        #expect(value["failures"] == 2)
        #expect(value["results"]?.list?[1]["failure"] == "it broke")
        #expect(value["results"]?.list?[1]["prediction"] == .null)
        #expect(value["results"]?.list?[0]["prediction"] == ["answer": "a0"])
        #expect(try Value(json: report.json())["score"] == 85.71)
    }

    @Test func `one failure too many ends the run`() async throws {
        let error = await #expect(throws: EvaluationError.self) {
            try await Evaluation(Self.questions, concurrency: 1, maxErrors: 3).run {
                _ -> Answer in
                throw Broken()
            } score: {
                try Self.score($0, $1)
            }
        }
        #expect(error == .tooManyFailures(3, maximum: 3, last: "it broke"))
        #expect(error?.description.contains("it broke") == false)
    }

    @Test func `a failing score keeps the prediction`() async throws {
        let report = try await Evaluation([1]).run {
            $0
        } score: { _, _ in
            throw Broken()
        }
        #expect(report.rows.first?.prediction == 1)
        #expect(report.rows.first?.failure == "it broke")
    }

    @Test(arguments: [Double.nan, .infinity])
    func `a score that is no finite number is a failure`(score: Double) async throws {
        let report = try await Evaluation([1, 2], failureScore: 0.25).run {
            $0
        } score: { example, _ in
            example == 1 ? score : 1
        }
        #expect(report.rows[0].failure?.contains("no finite number") == true)
        #expect(report.score == 62.5)
    }

    @Test(arguments: [(false, false), (true, true)])
    func `a failure quotes what Python said only where that is wanted`(
        provides: Bool,
        quotes: Bool
    ) async throws {
        let fault = Fault(
            code: .raised,
            type: "builtins.ValueError",
            message: "secret words",
            traceback: "line 1"
        )
        let report = try await Evaluation([1], providesTraceback: provides).run { _ -> Int in
            throw CallError(.faulted, "the Python code raised", fault: fault)
        } score: { _, _ in
            1
        }
        let failure = try #require(report.rows[0].failure)
        #expect(failure.contains("the Python code raised"))
        #expect(failure.contains("secret words\nline 1") == quotes)
    }

    @Test func `two evaluations are compared row by row`() async throws {
        func report(_ good: Int) async throws -> EvaluationReport<Int, Int> {
            try await Evaluation(Array(0..<40)).run {
                $0
            } score: { number, _ in
                number < good ? 1 : 0
            }
        }
        let found = try await report(30).compared(with: report(10))
        #expect(found.before == 25 && found.after == 75)
        #expect(found.better == 20 && found.worse == 0 && found.same == 20)
        #expect(found.verdict == .better)
        let fewer = try await Evaluation([1]).run {
            $0
        } score: { _, _ in
            1
        }
        let base = try await report(1)
        #expect(throws: EvaluationError.differentExamples(40, 1)) {
            try fewer.compared(with: base)
        }
    }

    @Test func `a cancelled evaluation ends by the cancellation`() async throws {
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await Evaluation(Array(0..<1_000), concurrency: 2).run { number in
                        while !Task.isCancelled { await Task.yield() }
                        throw Broken()
                    } score: { (_: Int, _: Int) in
                        1
                    }
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test func `an evaluation of nothing is a report of nothing`() async throws {
        let report = try await Evaluation([Int]()).run {
            $0
        } score: { _, _ in
            1
        }
        #expect(report.rows.isEmpty)
        #expect(report.score == 0)
        #expect(try report.table() == "#  score\n")
    }

    @Test func `the table has the fields of both sides`() async throws {
        let questions = [
            Question(question: "What\nis it?", answer: "a stone"),
            Question(question: String(repeating: "long ", count: 20), answer: "x"),
        ]
        let report = try await Evaluation(questions).run { question -> Answer in
            if question.answer == "x" { throw Broken() }
            return Answer(answer: "stone")
        } score: {
            try Self.score($0, $1)
        }
        #expect(
            try report.table(width: 12) == """
                #  question      example_answer  pred_answer   score
                1  What is it?   a stone         stone             1
                2  long long l…  x                            failed

                """
        )
    }

    @Test(arguments: [(1, 3, 33.33), (1, 8, 12.5), (1, 16, 6.25), (1, 32, 3.12), (3, 32, 9.38)])
    func `the score is rounded as Python rounds`(good: Int, count: Int, score: Double) async throws
    {
        let report = try await Evaluation(Array(0..<count)).run {
            $0
        } score: { _, number in
            number < good ? 1 : 0
        }
        #expect(report.score == score)
    }
}
