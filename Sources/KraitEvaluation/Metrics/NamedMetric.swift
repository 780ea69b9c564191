import KraitSignatures
import KraitWire

/// One of DSPy's metrics by DSPy's name, over examples and predictions that are maps of fields.
///
/// ```swift
/// let metric = try NamedMetric("answer_exact_match")
/// try metric.score(example: ["answer": "Paris"], prediction: ["answer": "paris."])  // 1
/// ```
public struct NamedMetric: Sendable, Equatable {
    /// DSPy's name of it.
    public var name: String { kind.rawValue }
    /// Which field is compared, of both sides; DSPy's is `answer`.
    public let field: String
    /// From which `F1` on `answer_exact_match` holds; DSPy's `frac`.
    public let fraction: Double
    private let kind: Kind

    private enum Kind: String, CaseIterable {
        case exactMatch = "EM"
        case f1 = "F1"
        case hotPotF1 = "HotPotF1"
        case precision = "precision_score"
        case answerExactMatch = "answer_exact_match"
        case answerPassageMatch = "answer_passage_match"
        case semanticF1 = "SemanticF1"
        case completeAndGrounded = "CompleteAndGrounded"
    }

    /// The names there are.
    public static let names = Kind.allCases.map(\.rawValue)

    /// The metric of that name; throws `MetricError.unknownMetric` with the nearest one there is.
    public init(
        _ name: String,
        field: String = "answer",
        fraction: Double = 1
    ) throws(MetricError) {
        guard let kind = Kind(rawValue: name) else {
            throw .unknownMetric(name, nearest: NearestName.find(name, among: Self.names))
        }
        self.kind = kind
        // DSPy's judges look at a `response` and nothing else.
        self.field = kind == .semanticF1 || kind == .completeAndGrounded ? "response" : field
        self.fraction = fraction
    }

    /// Whether a model judges: `Orchestrator.score` asks a pool then, and `score` throws.
    public var asksModel: Bool { kind == .semanticF1 || kind == .completeAndGrounded }

    /// Throws where the example lacks what the metric compares with: before anything is predicted.
    public func check(example: ValueMap) throws(MetricError) {
        if asksModel { _ = try Self.field("question", of: example, .example) }
        _ = try expected(in: example)
    }

    /// What the prediction scores, from 0 to 1.
    public func score(example: ValueMap, prediction: ValueMap) throws(MetricError) -> Double {
        let expected = try expected(in: example)
        if kind == .answerPassageMatch {
            let passages = try Self.texts("context", of: prediction, .prediction)
            return Metrics.answerPassageMatch(passages, against: expected) ? 1 : 0
        }
        guard let text = try Self.field(field, of: prediction, .prediction).string else {
            throw .wrongType(field, of: .prediction, expected: "text")
        }
        switch kind {
        case .exactMatch: return try Metrics.exactMatch(text, against: expected) ? 1 : 0
        case .f1: return try Metrics.f1(text, against: expected)
        case .hotPotF1: return try Metrics.hotPotF1(text, against: expected)
        case .precision:
            guard expected.count == 1 else {
                throw .wrongType(field, of: .example, expected: "one text")
            }
            return Metrics.precision(text, against: expected[0])
        case .answerExactMatch:
            let isMatch = try Metrics.answerExactMatch(text, against: expected, fraction: fraction)
            return isMatch ? 1 : 0
        case .answerPassageMatch, .semanticF1, .completeAndGrounded: throw .asksModel(name)
        }
    }

    /// The call that asks a pool for the score, where a model judges.
    package func call(example: ValueMap, prediction: ValueMap) -> Call {
        Call(
            Self.operation,
            [
                "name": .string(name), "example": .map(example), "prediction": .map(prediction),
            ]
        )
    }

    /// The operation of the `dspy` adapter that has DSPy's judges.
    package static let operation = "metric"

    /// The score in what an operation gave: a number, true or false, or a map with such a `score`.
    package static func score(
        in value: Value,
        of metric: String
    ) throws(MetricError) -> Double {
        let found = value["score"] ?? value
        guard let score = found.double ?? found.bool.map({ $0 ? 1 : 0 }) else {
            throw .noScore(metric)
        }
        guard score.isFinite else { throw .notFinite(metric) }
        return score
    }

    private func expected(in example: ValueMap) throws(MetricError) -> [String] {
        try Self.texts(field, of: example, .example)
    }

    private static func texts(
        _ name: String,
        of map: ValueMap,
        _ side: MetricError.Side
    ) throws(MetricError) -> [String] {
        let value = try field(name, of: map, side)
        if side == .example, let text = value.string { return [text] }
        let texts = value.list?.compactMap(\.string)
        guard let texts, texts.count == value.list?.count else {
            let expected = side == .example ? "text or a list of texts" : "a list of texts"
            throw .wrongType(name, of: side, expected: expected)
        }
        return texts
    }

    private static func field(
        _ name: String,
        of map: ValueMap,
        _ side: MetricError.Side
    ) throws(MetricError) -> Value {
        if let value = map[name] { return value }
        throw .missingField(name, of: side, nearest: NearestName.find(name, among: map.keys))
    }
}

/// Why a metric has no result.
public enum MetricError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Whose field it is.
    public enum Side: String, Sendable {
        /// What is known to be right.
        case example
        /// What was predicted.
        case prediction
    }

    /// The list of answers is empty; DSPy raises `ValueError`.
    case noAnswers
    /// There is no metric of that name.
    case unknownMetric(String, nearest: String?)
    /// A side has no such field.
    case missingField(String, of: Side, nearest: String?)
    /// A side's field is of another type than the metric compares.
    case wrongType(String, of: Side, expected: String)
    /// A model judges by this metric: `Orchestrator.score` asks one.
    case asksModel(String)
    /// The score is infinite or not a number.
    case notFinite(String)
    /// What the metric gave is no score.
    case noScore(String)

    /// What is wrong, and what to do; without values.
    public var description: String {
        switch self {
        case .noAnswers: "there is no answer to compare with; give at least one"
        case .unknownMetric(let name, let nearest):
            "there is no metric `\(name)`"
                + (nearest.map { "; did you mean `\($0)`?" }
                    ?? "; there are \(NamedMetric.names.joined(separator: ", "))")
        case .missingField(let name, let side, let nearest):
            "the \(side) has no field `\(name)`"
                + (nearest.map { "; did you mean `\($0)`?" } ?? "; the metric compares it")
        case .wrongType(let name, let side, let expected):
            "the field `\(name)` of the \(side) must be \(expected)"
        case .asksModel(let name): "\(name) asks a model: score with it through an orchestrator"
        case .notFinite(let name): "the metric \(name) gave no finite number"
        case .noScore(let name):
            "the metric \(name) gave neither a number nor a map with a number `score`"
        }
    }
}
