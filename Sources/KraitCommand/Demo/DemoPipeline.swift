import Krait

/// What the demo asks DSPy for each question.
struct AnswerFromPassages: Signature {
    static let instructions =
        "Answer the question from the passages alone, in one or two sentences."

    struct Input: Codable, Sendable {
        var question: String
        var passages: [String]
    }

    struct Output: Codable, Sendable {
        var answer: String
    }

    static let notes: FieldNotes = [
        \Input.passages: "Parts of the documents, the best match first."
    ]
}

/// A question with its answer and where that came from.
struct DemoReport: Codable, Sendable {
    var question: String
    var answer: String
    var reasoning: String
    var sources: [Source]

    struct Source: Codable, Sendable {
        var number: Int
        var place: String
        var text: String
    }
}

/// The demo's pipeline: native search, chain of thought on pooled workers, native template.
struct DemoPipeline: Sendable {
    let pipeline: Pipeline<String, Rendered>

    /// What comes out: the report, and its text.
    typealias Rendered = (DemoReport, String)
    private typealias Found = (String, [Passage])

    /// - Parameter pool: the name of the pool that answers.
    init(index: TextIndex, pool: String) {
        pipeline = Pipeline("answer") {
            Both(Pass<String>(), Search(index, top: 3))
            Both(
                Pipeline<Found, Reasoned<AnswerFromPassages.Output>>("think") {
                    Transform { (found: Found) in
                        AnswerFromPassages.Input(
                            question: found.0,
                            passages: found.1.map(\.text)
                        )
                    }
                    ChainOfThought(AnswerFromPassages.self, on: pool).withReasoning
                },
                Pass<Found>()
            )
            Transform { (both: (Reasoned<AnswerFromPassages.Output>, Found)) in
                DemoReport(both.0, to: both.1.0, from: both.1.1)
            }
            Both(Pass<DemoReport>(), Template(Self.template, of: DemoReport.self))
        }
    }

    private static let template = """
        Q  {{ question }}
        A  {{ answer }}
        {% for source in sources %}   [{{ source.number }}] {{ source.place }}: {{ source.text }}
        {% endfor %}
        """
}

extension DemoReport {
    fileprivate init(
        _ reasoned: Reasoned<AnswerFromPassages.Output>,
        to question: String,
        from passages: [Passage]
    ) {
        self.init(
            question: question,
            answer: reasoned.output.answer,
            reasoning: reasoned.reasoning,
            sources: passages.enumerated().map { index, passage in
                Source(
                    number: index + 1,
                    place: "\(passage.document) · \(passage.section)",
                    text: passage.text.beginning(of: 72)
                )
            }
        )
    }
}

extension String {
    /// The first so many characters on one line, with an ellipsis where there is more.
    fileprivate func beginning(of length: Int) -> String {
        let line = split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count <= length ? line : line.prefix(length - 1) + "…"
    }
}
