/// DSPy's metrics, with DSPy's results to the last bit.
///
/// All compare texts after `normalize`. Each is linear in the texts' lengths but for a few dozen
/// words, where comparing each with each is faster. Where DSPy gives the integer 0 instead of a
/// float, the result is 0 here as well, and no other result is 0.
public enum Metrics {
    /// A text as the metrics compare it.
    ///
    /// Decomposed (Unicode's form D), in lower case, without ASCII punctuation and the words `a`,
    /// `an` and `the`, and with single blanks: `The,  Eiffel  Tower!` is `eiffel tower`. Characters
    /// that came after Unicode 14 are left as they are, as Python 3.11 leaves them.
    public static func normalize(_ text: String) -> String { NormalizedText(text).text }

    /// Whether the prediction is one of the answers; DSPy's `EM`.
    ///
    /// Throws where there are no answers.
    public static func exactMatch(
        _ prediction: String,
        against answers: [String]
    ) throws(MetricError) -> Bool {
        guard !answers.isEmpty else { throw .noAnswers }
        let prediction = NormalizedText(prediction)
        return answers.contains { NormalizedText($0) == prediction }
    }

    /// How well the prediction's words are those of the best answer, from 0 to 1; DSPy's `F1`.
    ///
    /// Throws where there are no answers.
    public static func f1(
        _ prediction: String,
        against answers: [String]
    ) throws(MetricError) -> Double {
        let prediction = Tokens(NormalizedText(prediction))
        return try best(of: answers) { f1(prediction, Tokens(NormalizedText($0))) }
    }

    /// `f1`, but 0 where either text is `yes`, `no` or `noanswer` and the other is not; DSPy's
    /// `HotPotF1`.
    ///
    /// Throws where there are no answers.
    public static func hotPotF1(
        _ prediction: String,
        against answers: [String]
    ) throws(MetricError) -> Double {
        let text = NormalizedText(prediction)
        let prediction = Tokens(text)
        return try best(of: answers) { answer in
            let answer = NormalizedText(answer)
            let isLabel = labels.contains(text.bytes) || labels.contains(answer.bytes)
            return isLabel && answer != text ? 0 : f1(prediction, Tokens(answer))
        }
    }

    /// The share of the prediction's words that the answer has, from 0 to 1; DSPy's
    /// `precision_score`.
    public static func precision(_ prediction: String, against answer: String) -> Double {
        let prediction = Tokens(NormalizedText(prediction))
        let same = prediction.overlap(with: Tokens(NormalizedText(answer)))
        return same == 0 ? 0 : Double(same) / Double(prediction.count)
    }

    /// Whether the prediction is an answer, or with a `fraction` below 1, whether its `f1` is at
    /// least that; DSPy's `answer_exact_match`.
    ///
    /// Throws where there are no answers.
    public static func answerExactMatch(
        _ prediction: String,
        against answers: [String],
        fraction: Double = 1
    ) throws(MetricError) -> Bool {
        if fraction >= 1 { return try exactMatch(prediction, against: answers) }
        return try f1(prediction, against: answers) >= fraction
    }

    /// Whether a passage has the words of an answer one after the other; DSPy's
    /// `answer_passage_match`.
    ///
    /// An answer of which nothing is left after `normalize` is in every passage. Linear in the
    /// length of the passages for each answer.
    public static func answerPassageMatch(_ passages: [String], against answers: [String]) -> Bool {
        let answers = answers.map { Tokens(passage: NormalizedText($0)) }
        return passages.contains { passage in
            let passage = Tokens(passage: NormalizedText(passage))
            return answers.contains { passage.contains($0) }
        }
    }

    private static let labels = ["yes", "no", "noanswer"].map { Array($0.utf8) }

    private static func f1(_ prediction: Tokens, _ answer: Tokens) -> Double {
        let same = prediction.overlap(with: answer)
        guard same > 0 else { return 0 }
        // In this order, so that each rounding is DSPy's.
        let precision = Double(same) / Double(prediction.count)
        let recall = Double(same) / Double(answer.count)
        return 2 * precision * recall / (precision + recall)
    }

    private static func best(
        of answers: [String],
        _ score: (String) -> Double
    ) throws(MetricError) -> Double {
        guard let first = answers.first else { throw .noAnswers }
        return answers.dropFirst().reduce(score(first)) { max($0, score($1)) }
    }
}
