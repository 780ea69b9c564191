import KraitEvaluation
import Testing

/// Answers of DSPy 3.4.1.
@Suite struct MetricsTests {
    @Test(arguments: [
        ("The Eiffel Tower", ["Eiffel Tower", "Louvre"], true),
        ("paris", ["Paris"], true), ("paris", ["Paris, France"], false),
        ("", ["the"], true), ("e\u{301}", ["é"], true), ("²", ["2"], false),
    ])
    func `a match is exact after normalization`(
        prediction: String,
        answers: [String],
        expected: Bool
    ) throws {
        #expect(try Metrics.exactMatch(prediction, against: answers) == expected)
    }

    @Test(arguments: [
        ("Eiffel Tower is in Paris", ["Paris"], 0.33333333333333337),
        ("the Eiffel Tower", ["Eiffel Tower"], 1.0), ("x", ["y"], 0), ("", [""], 0),
        ("a a b b", ["b", "b b b"], 0.8), ("x x y", ["x z", "y y x x x"], 0.7499999999999999),
        ("blue blue", ["blue", "blue"], 0.6666666666666666),
    ])
    func `f1 counts common words`(prediction: String, answers: [String], expected: Double) throws {
        #expect(try Metrics.f1(prediction, against: answers) == expected)
    }

    @Test func `f1 of long texts counts as for short ones`() throws {
        let words = (0..<500).map { "w\($0 % 170)" }.joined(separator: " ")
        let others = (0..<300).map { "w\($0 % 200)" }.joined(separator: " ")
        #expect(try Metrics.f1(words, against: [others]) == 0.675)
        #expect(Metrics.precision(words, against: others) == 0.54)
    }

    @Test(arguments: [
        ("yes", "no", 0.0), ("yes", "yes", 1), ("yes it is", "yes", 0),
        ("no answer", "noanswer", 0),
        ("The No.", "no", 1), ("in paris", "paris", 0.6666666666666666),
    ])
    func `labels of HotPotQA match whole or not at all`(
        prediction: String,
        answer: String,
        expected: Double
    ) throws {
        #expect(try Metrics.hotPotF1(prediction, against: [answer]) == expected)
    }

    @Test(arguments: [
        ("eiffel tower in paris", "eiffel tower", 0.5), ("", "x", 0), ("a b c", "c c", 0.5),
    ])
    func `precision is of the prediction's words`(
        prediction: String,
        answer: String,
        expected: Double
    ) {
        #expect(Metrics.precision(prediction, against: answer) == expected)
    }

    @Test(arguments: [
        (1.0, false), (0.8, true), (0.81, false), (0, true), (.nan, false), (2, false), (-1, true),
    ])
    func `a fraction below one asks for an f1`(fraction: Double, expected: Bool) throws {
        let answers = ["found cats"]
        let matches = try Metrics.answerExactMatch(
            "green found cats",
            against: answers,
            fraction: fraction
        )
        #expect(matches == expected)
    }

    @Test(arguments: [
        (["The Eiffel Tower is in Paris.", "x"], ["Eiffel Tower"], true),
        (["eiffeltower"], ["Eiffel Tower"], false), ([], ["x"], false), (["x"], [], false),
        (["x"], ["the"], true), ([""], [""], true), (["a\u{0}b c"], ["b c"], true),
        (["b\u{0}c"], ["b c"], true), (["é è"], ["e\u{300}"], true), (["x «y»"], ["« y"], true),
        (["ababab abab ababac ab"], ["ababac"], true), (["x x x y"], ["x x y"], true),
        (["a\u{301}-\u{327}z"], ["a\u{327}\u{301}z"], true), (["😀😀"], ["😀"], true),
        (["x\u{AD}y"], ["x y"], true), (["१२ क्षि"], ["क्षि"], true),
    ])
    func `a passage has an answer's words one after the other`(
        passages: [String],
        answers: [String],
        expected: Bool
    ) {
        #expect(Metrics.answerPassageMatch(passages, against: answers) == expected)
    }

    @Test func `no answers are an error that says so`() {
        #expect(throws: MetricError.noAnswers) { try Metrics.f1("x", against: []) }
        #expect(throws: MetricError.noAnswers) { try Metrics.hotPotF1("x", against: []) }
        #expect(throws: MetricError.noAnswers) { try Metrics.exactMatch("x", against: []) }
        #expect(throws: MetricError.noAnswers) { try Metrics.answerExactMatch("x", against: []) }
        #expect("\(MetricError.noAnswers)".contains("at least one"))
    }

    /// Words that almost match everywhere: comparing place by place would take minutes.
    @Test(.timeLimit(.minutes(1)))
    func `long passages and answers take linear time`() {
        let passage = String(repeating: "x ", count: 200_000)
        let answer = String(repeating: "x ", count: 100_000) + "y"
        #expect(!Metrics.answerPassageMatch([passage], against: [answer]))
        let sigmas = String(repeating: "Σ\u{301}", count: 200_000)
        #expect(Metrics.normalize(sigmas).unicodeScalars.count == 400_000)
    }
}
