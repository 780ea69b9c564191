import Glibc
import Krait
import KraitControl
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand

@Suite struct OptimizeCommandTests {
    @Test(arguments: [
        ("message -> team", "Predict", "message -> team"),
        ("message: str -> team: str", "Predict", "message: str -> team: str"),
        ("ChainOfThought:message -> team", "ChainOfThought", "message -> team"),
        ("ChainOfThought: message -> team", "ChainOfThought", "message -> team"),
    ])
    func `a program is a module and a signature`(
        text: String,
        module: String,
        signature: String
    ) throws {
        let spec = try OptimizedSource.spec(text, path: [])
        #expect(spec == ["module": .string(module), "signature": .string(signature)])
    }

    @Test func `a spec is read from a file, and a saved program is none`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/program.json"
            try Self.write(#"{"module": "Predict", "signature": "a -> b"}"#, to: path)
            #expect(try OptimizedSource.spec(path, path: [])["module"] == "Predict")
            try Self.write(#"{"demos": []}"#, to: path)
            let error = #expect(throws: CommandFailure.self) {
                try OptimizedSource.spec(path, path: [])
            }
            #expect(error?.description.contains("give the file by --from") == true)
            #expect(throws: UsageError.self) { try OptimizedSource.spec("Predict", path: []) }
            #expect(throws: CommandFailure.self) { try OptimizedSource.spec("a ->-> b", path: []) }
        }
    }

    @Test func `settings are JSON or text`() throws {
        let given = ["auto=light", "n=3", "x=", #"lm={"model": "m"}"#, "t=a=b"]
        let found = try OptimizedSource.settings(given, path: [])
        let expected: ValueMap = [
            "auto": "light", "n": 3, "x": "", "lm": ["model": "m"], "t": "a=b",
        ]
        #expect(found == expected)
        #expect(throws: UsageError.self) { try OptimizedSource.settings(["=1"], path: []) }
    }

    @Test func `broken rows are counted, and the first are told`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/rows.jsonl"
            let broken = (0..<7).map { "[\($0)]\n" }.joined()
            try Self.write("{\"a\": 1}\n\n\(broken){\"a\": 2}\n", to: path)
            let rows = try TrainingRows(path, skipsBroken: true)
            #expect(rows.rows == [["a": 1], ["a": 2]] && rows.lines == [1, 10])
            #expect(rows.brokenText.hasPrefix("  line 3: The line is a list"))
            #expect(rows.brokenText.hasSuffix("  and 2 more"))
            #expect(throws: CommandFailure.self) { try TrainingRows(path, skipsBroken: false) }
            try Self.write("\n", to: path)
            #expect(throws: CommandFailure.self) { try TrainingRows(path, skipsBroken: true) }
        }
    }

    static let progress: Value = [
        "progress": [
            "phase": "optimizing", "step": "trial 3 of 10", "seconds": 4.2, "share": 0.25,
            "eta_s": 12.0, "lm_calls": 142, "lm_errors": 0, "prompt_tokens": 7000,
            "completion_tokens": 900, "metric_calls": 100, "metric_errors": 2, "candidates": 6,
            "top": [["number": 3, "score": 75.0, "rows": 32]],
        ]
    ]

    @Test func `progress is one line`() throws {
        guard case .progress(let progress) = try #require(OptimizationEvent(Self.progress)) else {
            Issue.record("it is no progress")
            return
        }
        #expect(
            OptimizationText.line(progress)
                == "[#####---------------]  25 %  optimizing, trial 3 of 10  best 75.0 of 6  "
                + "142 LM calls  7000+900 tokens  2 metric errors  12s left"
        )
        #expect(OptimizationEvent(["other": 1]) == nil)
    }

    @Test func `a job leaves its best program and how it stands`() throws {
        try withTemporaryDirectory { folder in
            let output = "\(folder)/out.json"
            let state: Value = [
                "demos": [], "signature": ["instructions": "i", "fields": []], "lm": .null,
                "metadata": ["dependency_versions": ["dspy": "3.4.1"]],
            ]
            do {
                let job = try JobFolder(beside: output)
                #expect(job.left == nil && job.best == nil)
                #expect(throws: CommandFailure.self) { try JobFolder(beside: output) }
                for (number, score) in [(-4, Value.null), (3, .double(75))] {
                    let told: Value = [
                        "candidate": [
                            "number": .int(Int64(number)), "score": score, "rows": 8,
                            "state": state,
                        ]
                    ]
                    try job.took(try #require(OptimizationEvent(told)))
                }
                try job.took(try #require(OptimizationEvent(Self.progress)))
                try job.took(.log(level: "info", text: "a line"))
                #expect(job.best == "\(output).job/candidate-3.json")
                try job.settle(.failed, "it was killed")
            }
            #expect(wholeFile("\(output).job/log.txt") == "info: a line\n")
            #expect(wholeFile("\(output).job/demos-4.json") != nil)
            let job = try JobFolder(beside: output)
            #expect(job.left == "\(output).job/candidate-3.json")
            #expect(throws: Never.self) { try SavedProgram(contentsOf: job.left ?? "") }
            try job.settle(.done)
            #expect(job.left == nil)
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(Array(text.utf8))
    }
}
