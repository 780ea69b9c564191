import Glibc
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// Pipelines at the command line, over the socket of a scripted daemon.
@Suite(.timeLimit(.minutes(1))) struct PipelineCommandTests {
    private func serving(_ body: (String) async throws -> Void) async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in try await body(base) }
        }
    }

    @Test func `a run prints a text as it is and anything else as JSON`() async throws {
        try await serving { base in
            let text = await krait(["run", "support", #""a\nb""#], base: base)
            #expect(text == Outcome(code: .ok, output: "re: a\nb\n", errors: ""))
            let map = await krait(["run", "support", #"{"a":[1]}"#], base: base)
            let printed = try Value(json: map.output)
            #expect(printed == ["a": [1]])
            let input = await krait(["run", "support", "-"], base: base, input: "[2]")
            #expect(input.output == "[\n  2\n]\n")
            let whole = await krait(["run", "support", "1", "--json"], base: base)
            let document = try Value(json: whole.output)
            #expect(document["run"]?["number"] == 7)
        }
    }

    @Test func `a trace is a tree of steps with their time, place, reason and cost`() async throws {
        try await serving { base in
            let run = await krait(["run", "support", #""x""#, "--trace"], base: base)
            #expect(run.output == "re: x\n")
            let expected = """
                support         500 ms
                ├─ 1 Search     0.123 ms
                └─ 2 Validate   -         not ended
                   └─ answer 1  41.3 ms   worker p/1.0 (forced)  40+2 tokens, $0.25
                … and 3 steps more
                500 ms, 40+2 tokens, $0.25, done

                """
            #expect(run.errors == expected)
            let kept = await krait(["runs", "7"], base: base)
            #expect(kept.output == expected)
            let silent = await krait(["run", "support", #""x""#], base: base)
            #expect(silent.errors == "")
        }
    }

    @Test func `a run that fails says where, and gives what there was by then`() async throws {
        try await serving { base in
            let run = await krait(["run", "support", #""fail""#, "--trace"], base: base)
            #expect(run.code == .failed)
            #expect(run.output == "")
            #expect(run.errors.contains("invalid_output: too long (support/2 Validate)"))
            #expect(run.errors.contains("support/1 Search had given:\n[\n  \"found\"\n]\n"))
            #expect(run.errors.contains("invalid_output in support/2 Validate\n"))
            let json = await krait(["run", "support", #""fail""#, "--json"], base: base)
            let error = try Value(json: json.output)["error"]
            #expect(error?["path"] == ["support", "2 Validate"])
            #expect(error?["run"]?["partial"]?["value"] == ["found"])
            let unknown = await krait(["run", "suport", "1"], base: base)
            #expect(unknown.errors.contains("unknown_pipeline: did you mean `support`?"))
        }
    }

    @Test func `what the last step streams is printed before the rest`() async throws {
        try await serving { base in
            let text = await krait(["run", "support", #""x""#, "--stream"], base: base)
            #expect(text.output == "Hello\n")
            let lines = await krait(["run", "support", "1", "--stream", "--json"], base: base)
            let documents = try lines.output.split(separator: "\n").map {
                try Value(json: String($0))
            }
            #expect(documents.prefix(2) == [["chunk": "Hel"], ["chunk": "lo"]])
            #expect(documents.last?["value"] == 1)
        }
    }

    @Test func `pipelines are listed and drawn, and runs are listed`() async throws {
        try await serving { base in
            let list = await krait(["pipelines"], base: base)
            #expect(
                list.output == """
                    PIPELINE  TAKES   GIVES   STEPS
                    support   String  String  1 Search, 2 Validate

                    """
            )
            let tree = await krait(["pipelines", "--plan", "support"], base: base)
            #expect(tree.output == "a tree\n")
            let dot = await krait(["pipelines", "--plan", "support", "--dot"], base: base)
            #expect(dot.output == "digraph {}\n")
            #expect(await krait(["pipelines", "--dot"], base: base).code == .usage)
            #expect(await krait(["pipelines", "--plan", "x"], base: base).code == .failed)
            let runs = await krait(["runs"], base: base)
            #expect(
                runs.output == """
                    RUN  PIPELINE    AGO    TOOK  STEPS  TOKENS   COST  CAME TO
                      7  support   1m 1s  500 ms      2    40+2  $0.25  done

                    """
            )
        }
    }

    @Test func `a pipeline runs over rows, whatever JSON they are`() async throws {
        try await serving { base in
            let file = try Descriptor.open("\(base)/in", O_WRONLY | O_CREAT | O_TRUNC)
            try file.writeAll(Array("\"a\"\n{\"b\": 1}\n\"fail\"\nbroken\n".utf8))
            let files = ["--input", "\(base)/in", "--output", "\(base)/out"]
            let run = await krait(["run", "support"] + files, base: base)
            #expect(run.code == .failed)
            #expect(run.output.contains("4/4  2 failed"))
            #expect(run.output.hasSuffix("$0.5\n"))
            let answers = try readFile("\(base)/out", limit: 1_000)
            let lines = String(decoding: answers, as: UTF8.self).split(separator: "\n").sorted()
            #expect(
                lines == [#"{"row":1,"value":"re: a"}"#, #"{"row":2,"value":{"b":1}}"#]
            )
            #expect(await krait(["run", "support", "1"] + files, base: base).code == .usage)
        }
    }

    @Test func `a client that leaves cancels its run`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                let run = #"{"id":1,"verb":"run","pipeline":"support","input":"hang"}"#
                try client.send(run + "\n")
                let hasBegun = await eventually { await core.underWay == 1 }
                #expect(hasBegun)
                try client.send(#"{"id":2,"verb":"cancel","of":1}"# + "\n")
                let hasEnded = await eventually { await core.cancelled == 1 }
                #expect(hasEnded)
            }
        }
    }
}
