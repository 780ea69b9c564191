import KraitEvaluation
import KraitWire
import Testing

@Suite struct NamedMetricTests {
    struct Case: Sendable {
        var name: String
        var example: ValueMap
        var prediction: ValueMap
        var score: Double
        var fraction = 1.0
    }

    /// Scores of DSPy 3.4.1.
    @Test(arguments: [
        Case(
            name: "answer_exact_match",
            example: ["answer": ["Eiffel Tower", "Louvre"]],
            prediction: ["answer": "The Eiffel Tower"],
            score: 1
        ),
        Case(
            name: "answer_exact_match",
            example: ["answer": "in Paris"],
            prediction: ["answer": "Paris"],
            score: 1,
            fraction: 0.6
        ),
        Case(
            name: "answer_exact_match",
            example: ["answer": "in Paris"],
            prediction: ["answer": "Paris"],
            score: 0
        ),
        Case(
            name: "answer_passage_match",
            example: ["answer": "Eiffel Tower"],
            prediction: ["context": ["no", "The Eiffel Tower is in Paris."]],
            score: 1
        ),
        Case(
            name: "F1",
            example: ["answer": "Paris"],
            prediction: ["answer": "Eiffel Tower is in Paris"],
            score: 0.33333333333333337
        ),
        Case(
            name: "HotPotF1",
            example: ["answer": "yes"],
            prediction: ["answer": "yes it is"],
            score: 0
        ),
        Case(
            name: "precision_score",
            example: ["answer": "eiffel tower"],
            prediction: ["answer": "eiffel tower in paris"],
            score: 0.5
        ),
        Case(name: "EM", example: ["answer": "a"], prediction: ["answer": "b"], score: 0),
    ])
    func `a metric by its name scores as DSPy's`(given: Case) throws {
        let metric = try NamedMetric(given.name, fraction: given.fraction)
        let score = try metric.score(example: given.example, prediction: given.prediction)
        #expect(score == given.score)
        #expect(!metric.asksModel)
    }

    @Test func `the compared field can be another`() throws {
        let metric = try NamedMetric("EM", field: "label")
        #expect(try metric.score(example: ["label": "A"], prediction: ["label": "a"]) == 1)
    }

    @Test func `an unknown name is told the nearest one`() {
        let near = MetricError.unknownMetric("answer_exact", nearest: "answer_exact_match")
        #expect(throws: near) { try NamedMetric("answer_exact") }
        #expect(near.description.contains("did you mean `answer_exact_match`?"))
        let far = #expect(throws: MetricError.self) { try NamedMetric("xylophone") }
        #expect(far?.description.contains("there are EM, F1") == true)
    }

    @Test(arguments: ["SemanticF1", "CompleteAndGrounded"])
    func `a model's metric is asked for`(name: String) throws {
        let metric = try NamedMetric(name)
        #expect(metric.asksModel)
        let example: ValueMap = ["question": "q", "response": "r"]
        try metric.check(example: example)
        #expect(throws: MetricError.missingField("question", of: .example, nearest: nil)) {
            try metric.check(example: ["response": "r"])
        }
        #expect(throws: MetricError.asksModel(name)) {
            try metric.score(example: example, prediction: ["response": "r"])
        }
    }

    @Test func `what does not fit is told by its field and side`() throws {
        let metric = try NamedMetric("F1")
        #expect(throws: MetricError.missingField("answer", of: .example, nearest: "answr")) {
            try metric.check(example: ["answr": "x"])
        }
        #expect(throws: MetricError.missingField("answer", of: .prediction, nearest: nil)) {
            try metric.score(example: ["answer": "x"], prediction: ["text": "x"])
        }
        #expect(throws: MetricError.wrongType("answer", of: .prediction, expected: "text")) {
            try metric.score(example: ["answer": "x"], prediction: ["answer": 3])
        }
        #expect(throws: MetricError.noAnswers) {
            try metric.score(example: ["answer": []], prediction: ["answer": "x"])
        }
        let error = #expect(throws: MetricError.self) {
            try metric.score(example: ["answer": ["x", 3]], prediction: ["answer": "secret"])
        }
        #expect(error?.description.contains("text or a list of texts") == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test(arguments: [(0.5, 0.5), (true, 1), (["score": false], 0), (3, 3)] as [(Value, Double)])
    func `a score is found in what an operation gave`(value: Value, score: Double) throws {
        #expect(try NamedMetric.score(in: value, of: "own") == score)
    }

    @Test func `what is no score is told`() {
        #expect(throws: MetricError.notFinite("own")) {
            try NamedMetric.score(in: .double(.nan), of: "own")
        }
        for value in ["good", nil, ["points": 1], [1]] as [Value] {
            #expect(throws: MetricError.noScore("own")) {
                try NamedMetric.score(in: value, of: "own")
            }
        }
    }
}
