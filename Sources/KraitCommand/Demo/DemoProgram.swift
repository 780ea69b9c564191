import Krait

/// `krait demo`: answers questions from a folder of real documents, and shows the way of each.
enum DemoProgram {
    /// The pages of Debian's policy, which its package installs.
    static let documents = "/usr/share/doc/debian-policy/policy.html"

    static let questions = [
        "How should log files be named?",
        "Where must configuration files reside?",
        "How should manual pages be compressed?",
        "What are essential packages?",
        "May a package's maintainer scripts prompt the user?",
    ]

    @Sendable static func run(
        _ request: DemoRequest,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let index = try load(request.documents ?? documents)
        let model = DemoModel(environment: context.environment)
        let questions = request.questions.isEmpty ? questions : request.questions
        if !request.json {
            try context.output.write(
                "\(index.documentCount) documents, \(index.passageCount) passages; "
                    + "answers by \(model.title)\n\n"
            )
        }
        return try await model.withAdapter { adapter in
            let orchestrator = Orchestrator(name: "demo") {
                PythonPool("demo", adapter: adapter, workers: request.workers)
            }
            return try await orchestrator.running { krait in
                try await krait.ready()
                let demo = DemoPipeline(index: index, pool: "demo")
                // All at once: both workers answer, and the answers are shown in order.
                let run = Pipeline<[String], [Answer]>("demo") {
                    ForEach(width: questions.count) {
                        Transform { (question: String) in
                            let trace = Trace()
                            let (report, text) = try await krait.run(
                                demo.pipeline,
                                question,
                                trace: trace
                            )
                            let steps = await trace.steps.filter(\.isShown)
                            return Answer(report: report, text: text, steps: steps)
                        }
                    }
                }
                for answer in try await krait.run(run, questions) {
                    try context.output.write(
                        request.json
                            ? json(answer.report, answer.steps, model)
                            : answer.text + lines(answer.steps) + "\n"
                    )
                }
                return .ok
            }
        }
    }

    /// A question's answer, and the steps it took.
    private struct Answer: Sendable {
        var report: DemoReport
        var text: String
        var steps: [StepRecord]
    }

    private static func load(_ folder: String) throws -> TextIndex {
        do {
            return try TextIndex.load(folder: folder)
        } catch {
            throw CommandFailure(
                .failed,
                "\(error) Install Debian's package debian-policy, or name a folder of text with "
                    + "--documents."
            )
        }
    }

    /// The steps that did something, with the route each took and its time.
    private static func lines(_ steps: [StepRecord]) -> String {
        steps.map { step in
            let source = step.calls.last?.source
            let route = source.map(describe) ?? "native"
            let time = (step.duration / .milliseconds(1) * 100).rounded() / 100
            let name = step.label.split(separator: " ").last ?? ""
            return "   · \(name): \(route), \(time) ms\n"
        }.joined()
    }

    private static func describe(_ source: Reply.Source) -> String {
        switch source {
        case .native: "native"
        case .pool(let pool, let worker, _): "Python, pool \(pool), worker \(worker)"
        }
    }

    private static func json(
        _ report: DemoReport,
        _ steps: [StepRecord],
        _ model: DemoModel
    ) throws -> String {
        var line = try ValueEncoder().encode(report).map ?? [:]
        line["lm"] = .string(model.title)
        line["steps"] = .list(
            steps.map { step in
                [
                    "step": .string(step.label),
                    "route": .string(step.route.description),
                    "duration_ms": .double(step.duration / .milliseconds(1)),
                ]
            }
        )
        return try Value.map(line).json() + "\n"
    }
}

extension StepRecord {
    /// Whether the step is one of the work's, and not of the plumbing between them.
    fileprivate var isShown: Bool {
        ["Search", "ChainOfThought", "Template"].contains { label.contains($0) }
            && !label.contains("Both")
    }
}
