import Glibc
import Krait
import KraitTestSupport
import Testing

/// Batches that something ends in the middle: `kill -9`, Ctrl-C, a full disk.
@Suite(.serialized, .timeLimit(.minutes(5))) struct BatchRunTests {
    private static let count = 300

    private struct Batch {
        let lab: CommandLab
        var input: String { "\(lab.folder)/rows.jsonl" }
        var output: String { "\(lab.folder)/answers.jsonl" }

        /// Rows that take a moment each, so that there is a middle.
        init(_ lab: CommandLab) throws {
            self.lab = lab
            let rows = (1...count).map { "{\"seconds\": 0.\($0 % 3)}\n" }.joined()
            let file = try #require(fopen(input, "w"))
            defer { fclose(file) }
            #expect(fputs(rows, file) >= 0)
        }

        var command: [String] {
            ["run", "asleep", "--input", input, "--output", output, "--concurrency", "8"]
        }

        /// The rows that have an answer, once for each line that is whole.
        var rows: [Int] {
            let text = wholeFile(output) ?? ""
            return text.split(separator: "\n").compactMap { line in
                (try? Value(json: String(line)))?["row"]?.int
            }
        }

        func waitForRows(_ count: Int) async throws {
            let hasCome = await eventually(within: .seconds(60)) { rows.count >= count }
            #expect(hasCome, "\(rows.count) rows")
        }

        func expectEachRowOnce() throws {
            #expect(rows.sorted() == Array(1...BatchRunTests.count))
            #expect(wholeFile(output + ".failed") == "")
        }
    }

    @Test func `a batch that is killed twice answers each row once`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x8")
            let batch = try Batch(lab)
            for rows in [Self.count / 4, Self.count / 2] {
                let run = try lab.start(batch.command)
                try await batch.waitForRows(rows)
                kill(run.id, SIGKILL)
                #expect(try await run.end() == -SIGKILL)
                #expect(batch.rows.count < Self.count)
            }
            let last = try await lab.krait(batch.command)
            #expect(last.code == 0, "\(last.errors)")
            try batch.expectEachRowOnce()
            #expect(try await lab.krait("stop").code == 0)
        }
    }

    @Test func `an interrupted batch finishes what is under way and can be resumed`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x8")
            let batch = try Batch(lab)
            let run = try lab.start(batch.command)
            try await batch.waitForRows(20)
            kill(run.id, SIGINT)
            #expect(try await run.end() == 130)
            #expect(run.errors.contains("the same command does the rest"))
            #expect(batch.rows.count < Self.count)
            #expect(try await lab.krait(batch.command).code == 0)
            try batch.expectEachRowOnce()
            #expect(try await lab.krait("stop").code == 0)
        }
    }

    @Test func `a full disk ends a batch, which goes on where there is room`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x8")
            let batch = try Batch(lab)
            let run = try lab.start(batch.command, fileBytes: 4_096)
            #expect(try await run.end() == 1)
            #expect(run.errors.contains("File too large"), "\(run.errors)")
            #expect(run.errors.contains("the same command goes on from there"))
            #expect(!batch.rows.isEmpty && batch.rows.count < Self.count)
            #expect(wholeFile(batch.output)?.last == "\n")
            #expect(try await lab.krait(batch.command).code == 0)
            try batch.expectEachRowOnce()
            #expect(try await lab.krait("stop").code == 0)
        }
    }
}
