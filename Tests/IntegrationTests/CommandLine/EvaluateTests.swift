import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// `krait evaluate` beside `dspy.Evaluate`: the same rows, the same program, the same offline LM.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EvaluateTests {
    /// Prints DSPy's score and that of each row.
    private static let program = """
        import json, sys
        import dspy
        from dspy.evaluate import Evaluate, SemanticF1, answer_exact_match
        from dspy.evaluate.metrics import F1
        path, url, name, output = sys.argv[1:]
        def f1(example, prediction, trace=None):
            return F1(prediction.answer, [example.answer])
        metric = {"F1": f1, "answer_exact_match": answer_exact_match}.get(name) or SemanticF1()
        lm = dspy.LM("openai/offline", api_base=url, api_key="none", cache=False, num_retries=0)
        dspy.configure(lm=lm)
        rows = [json.loads(line) for line in open(path)]
        devset = [dspy.Example(**row).with_inputs("question", "context") for row in rows]
        program = dspy.Predict(f"question, context: list[str] -> {output}")
        evaluate = Evaluate(devset=devset, metric=metric, num_threads=4, failure_score=0.25)
        found = evaluate(program)
        scores = [float(score) for _, _, score in found.results]
        print(json.dumps({"score": found.score, "scores": scores}))
        """

    private static let passages = [
        "A conffile is a configuration file that dpkg manages.",
        "The Essential field is set for packages that must always be installed.",
        "A share of 0.75 of the files is compressed.",
    ]

    /// Of every five rows two are answered exactly, two in part, and one has nothing to compare
    /// with.
    private static func rows(output: String) -> [String] {
        (0..<25).map { number in
            let passage = passages[number % 3]
            var row: ValueMap = [
                "question": .string("What about \(passage.split(separator: " ")[1])? \(number)"),
                "context": .list(passages.map(Value.string)),
            ]
            switch number % 5 {
            case 0, 1: row[output] = .string(passage)
            case 2, 3: row[output] = .string("\(passage.prefix(20)) with 0.\(number % 9 + 1)")
            default: break
            }
            return (try? Value.map(row).json()) ?? ""
        }
    }

    @Test(arguments: ["answer_exact_match", "F1", "SemanticF1"])
    func `the score is the one dspy.Evaluate gives`(metric: String) async throws {
        let output = metric == "SemanticF1" ? "response" : "answer"
        try await OfflineLM.running { lm in
            try await CommandLab.open { lab in
                let input = "\(lab.folder)/dev.jsonl"
                try (Self.rows(output: output).joined(separator: "\n") + "\n")
                    .write(toFile: input, atomically: true, encoding: .utf8)
                let configuration = try lab.configuration(
                    """
                    pools:
                      general:
                        adapter: dspy
                        workers: 1
                        slots: 8
                        lm: {model: openai/offline, api_base: "\(lm.url)", num_retries: 0}

                    """
                )
                _ = try await lab.detach("--config", configuration)
                let out = "\(lab.folder)/out.jsonl"
                let ours = try await lab.krait(
                    "evaluate",
                    "predict",
                    "--signature",
                    "question, context: list[str] -> \(output)",
                    "--input",
                    input,
                    "--output",
                    out,
                    "--metric",
                    metric,
                    "--failure-score",
                    "0.25",
                    "--json"
                )
                #expect(ours.code == 0, "\(ours.errors)")
                #expect(try await lab.krait("stop").code == 0)
                let theirs = try await Self.dspy(lab, [input, lm.url, metric, output])
                #expect(ours.json?["score"] == theirs["score"])
                #expect(ours.json?["failures"] == 5)
                #expect(try Self.scores(out) == theirs["scores"]?.list?.compactMap(\.double))
            }
        }
    }

    @Test func `an interrupted evaluation keeps its rows and goes on`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x8")
            let input = "\(lab.folder)/dev.jsonl"
            let rows = (0..<200).map { "{\"seconds\": 0.0\($0 % 5), \"answer\": \"x\"}\n" }
            try rows.joined().write(toFile: input, atomically: true, encoding: .utf8)
            let out = "\(lab.folder)/out.jsonl"
            let command = [
                "evaluate", "asleep", "--input", input, "--output", out, "--metric", "echo",
                "--concurrency", "4", "--max-errors", "1000", "--inputs", "seconds", "--json",
            ]
            let run = try lab.start(command)
            // `echo` gives both sides back, and that is no score: each row fails, and is kept.
            let hasRows = await eventually(within: .seconds(60)) {
                (wholeFile(out + ".failed") ?? "").count { $0 == "\n" } >= 20
            }
            #expect(hasRows)
            kill(run.id, SIGINT)
            #expect(try await run.end() == 130)
            let first = try Value(json: run.output)
            #expect((first["left"]?.int ?? 0) > 0)
            let rest = try await lab.krait(command)
            #expect(rest.code == 0, "\(rest.errors)")
            #expect(rest.json?["failures"] == 200)
            #expect(rest.json?["done_before"] == first["failed"])
            #expect(try await lab.krait("stop").code == 0)
        }
    }

    private static func dspy(_ lab: CommandLab, _ arguments: [String]) async throws -> Value {
        let own = "\(lab.folder)/dspy"
        #expect(mkdir(own, 0o700) == 0)
        let program = try Program(
            TestPools.interpreter,
            ["-c", program] + arguments,
            environment: TestPools.environment,
            folder: own
        )
        #expect(try await program.end() == 0, "\(program.errors)")
        let last = program.output.split(separator: "\n").last.map(String.init) ?? ""
        return try Value(json: last)
    }

    /// The scores of both files, in the rows' order.
    private static func scores(_ path: String) throws -> [Double] {
        let lines = [path, path + ".failed"].flatMap { file in
            (wholeFile(file) ?? "").split(separator: "\n").compactMap { line in
                try? Value(json: String(line))
            }
        }
        return lines.sorted { ($0["row"]?.int ?? 0) < ($1["row"]?.int ?? 0) }
            .compactMap { $0["score"]?.double }
    }
}
