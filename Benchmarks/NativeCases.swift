import KraitEvaluation
import KraitPrompts
import KraitSignatures
import KraitWire

/// One native function with its inputs, and the same for the worker.
struct NativeCase: Sendable {
    let name: String
    /// What the worker's side of the bench is given.
    let inputs: ValueMap
    /// Calls the function so often.
    let work: @Sendable (Int) throws -> Void
    /// What the function gives, as DSPy's would give it.
    let answer: @Sendable () throws -> PythonValue

    static let all: [NativeCase] =
        signatures + adapters(.chat, "chat") + adapters(.json, "json") + adapters(.xml, "xml")
        + [repair, template] + metrics

    private init<Result>(
        _ name: String,
        _ inputs: ValueMap,
        _ function: @escaping @Sendable () throws -> Result,
        answer: @escaping @Sendable (Result) -> PythonValue
    ) {
        self.name = name
        self.inputs = inputs
        work = { count in for _ in 0..<count { keep(try function()) } }
        self.answer = { answer(try function()) }
    }

    private static let signature =
        "question: str, context: list[str] -> reasoning: str, answer: str, confidence: float"

    private static let fields: ValueMap = [
        "question": "Which river flows through Paris, and where does it end?",
        "context": [
            "The Seine is a river in northern France, 777 kilometres long.",
            "It rises at Source-Seine and flows through Troyes, Paris and Rouen.",
            "It ends in the English Channel at Le Havre.",
        ],
    ]

    private static let answered: ValueMap = [
        "reasoning": "The second passage names the river, the third its mouth.",
        "answer": "The Seine; it ends in the English Channel at Le Havre.",
        "confidence": 0.95,
    ]

    private static var signatures: [NativeCase] {
        let inputs: ValueMap = ["signature": .string(signature)]
        return [
            NativeCase("signature.parse.cold", inputs) {
                try Schema(parsing: signature)
            } answer: {
                PythonValue($0.state)
            },
            NativeCase("signature.parse.cached", inputs) {
                try SchemaCache.shared.schema(parsing: signature)
            } answer: {
                PythonValue($0.state)
            },
        ]
    }

    private static let completions = [
        "chat": """
        [[ ## reasoning ## ]]
        The second passage names the river, the third its mouth.

        [[ ## answer ## ]]
        The Seine; it ends in the English Channel at Le Havre.

        [[ ## confidence ## ]]
        0.95

        [[ ## completed ## ]]
        """,
        "json": """
        {
          "reasoning": "The second passage names the river, the third its mouth.",
          "answer": "The Seine; it ends in the English Channel at Le Havre.",
          "confidence": 0.95
        }
        """,
        "xml": """
        <reasoning>
        The second passage names the river, the third its mouth.
        </reasoning>

        <answer>
        The Seine; it ends in the English Channel at Le Havre.
        </answer>

        <confidence>
        0.95
        </confidence>
        """,
    ]

    private static func adapters(_ adapter: PromptAdapter, _ name: String) -> [NativeCase] {
        let demo = ValueMap(
            fields.entries.map { ($0.key, $0.value) } + answered.entries.map { ($0.key, $0.value) }
        )
        let completion = completions[name] ?? ""
        return [
            NativeCase(
                "\(name).format",
                [
                    "signature": .string(signature), "inputs": .map(fields),
                    "demos": [.map(demo)],
                ]
            ) {
                let schema = try SchemaCache.shared.schema(parsing: signature)
                return try adapter.format(schema, demos: [demo], inputs: fields)
            } answer: {
                .list($0.map(\.value))
            },
            NativeCase(
                "\(name).parse",
                ["signature": .string(signature), "completion": .string(completion)]
            ) {
                let schema = try SchemaCache.shared.schema(parsing: signature)
                return try adapter.parse(schema, completion)
            } answer: {
                .dict($0)
            },
        ]
    }

    private static var repair: NativeCase {
        let text = """
            Here you are:
            ```json
            {'answer': 'The Seine', "confidence": 0.95, sources: ["a", "b",], "note": "it's long
            ```
            """
        return NativeCase("json.repair", ["text": .string(text)]) {
            try JSONRepair.loads(text)
        } answer: {
            $0
        }
    }

    private static var template: NativeCase {
        let text = """
            {% for passage in context %}
            [{{ loop.index }}] {{ passage | trim }}
            {%- endfor %}

            Question: {{ question }}
            {% if hints %}Hints: {{ hints | join(", ") | upper }}{% else %}No hints.{% endif %}
            """
        var values = fields
        values["hints"] = ["rivers", "northern France"]
        let given = values
        let compiled = Result { try TextTemplate(parsing: text) }
        return NativeCase("template.render", ["template": .string(text), "values": .map(given)]) {
            try compiled.get().render(given)
        } answer: {
            .string($0)
        }
    }

    private static var metrics: [NativeCase] {
        let prediction = "The Seine; it ends in the English Channel at Le Havre."
        let answers = ["The Seine", "the Seine, which ends at Le Havre"]
        let inputs: ValueMap = [
            "prediction": .string(prediction),
            "answers": .list(answers.map { .string($0) }),
        ]
        return [
            NativeCase("metric.em", inputs) {
                try Metrics.exactMatch(prediction, against: answers)
            } answer: {
                .bool($0)
            },
            NativeCase("metric.f1", inputs) {
                try Metrics.f1(prediction, against: answers)
            } answer: {
                .float($0)
            },
        ]
    }
}

/// Takes a result, so that making it is not left out.
@inline(never)
private func keep<Result>(_ result: Result) {}
