import Glibc
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

struct BatchPartTests {
    @Test func `a set of rows knows what was put in`() {
        var rows = RowSet()
        for row in stride(from: 1, to: 1_000, by: 3) {
            let isNew = rows.insert(row)
            #expect(isNew)
        }
        let isNew = rows.insert(4)
        #expect(!isNew)
        #expect(rows.count == 333)
        #expect((1..<2_000).allSatisfy { rows.contains($0) == ($0 < 1_000 && $0 % 3 == 1) })
    }

    @Test func `progress tells its rate and what is left`() {
        var progress = BatchProgress(total: 100, before: 40)
        #expect(progress.line(after: .zero) == "[########------------]  40 %  40/100")
        for row in 0..<20 { progress.rowEnded(BatchAnswer(fields: [:], isFailure: row < 2)) }
        #expect(
            progress.line(after: .seconds(10))
                == "[############--------]  60 %  60/100  2 failed  2.0 rows/s  20s left"
        )
        #expect(progress.value(after: .seconds(10))["answered"] == 18)
        #expect(BatchProgress(total: 0, before: 0).line(after: .zero).contains("100 %  0/0"))
    }

    @Test func `rows are the lines that are not blank, and broken ones are told`() throws {
        try withFile("{\"a\": 1}\n\n[1]\n  \n{\"a\":\n{\"a\": 2}") { path in
            let input = BatchInput(path: path)
            var rows = try input.rows()
            var seen: [String] = []
            while let row = try rows.next() {
                let outcome = (try? row.value.get()).map { "\($0["a"]?.int ?? 0)" } ?? "broken"
                seen.append("\(row.number): \(outcome)")
            }
            #expect(seen == ["1: 1", "3: 0", "5: broken", "6: 2"])
            let print = try input.fingerprint()
            #expect(print.rows == 4)
            #expect(print.bytes == 31)
        }
    }

    @Test func `a line beyond the limit is a broken row, and the next is read`() throws {
        try withFile("{\"a\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n{\"a\": 2}\n") { path in
            var rows = try BatchInput(path: path, lineBytes: 16).rows()
            let first = try #require(try rows.next())
            #expect(throws: CallError.self) { try first.value.get() }
            let second = try #require(try rows.next())
            #expect(try second.value.get()["a"] == 2)
            let end = try rows.next()
            #expect(end == nil)
        }
    }

    @Test(arguments: ["{\"row\": 3, \"val", "{\"row\": 3", "{"])
    func `a torn last line is cut off, and its row is not done`(torn: String) throws {
        let whole = "{\"row\":1,\"value\":null}\n{\"row\":7,\"value\":2}\n"
        try withFile(whole + torn) { path in
            do {
                let file = try BatchFile(path)
                #expect(file.rows.count == 2)
                #expect(!file.rows.contains(3))
                try file.append(row: 3, ["value": 5])
            }
            let text = String(decoding: try readFile(path, limit: 1_000), as: UTF8.self)
            #expect(text == whole + "{\"row\":3,\"value\":5}\n")
        }
    }

    @Test func `a file of something else is refused and left as it was`() throws {
        try withFile("dear diary\n") { path in
            #expect(throws: CommandFailure.self) { try BatchFile(path) }
            let left = try readFile(path, limit: 100)
            #expect(left == Array("dear diary\n".utf8))
        }
    }

    @Test func `two runs do not write one file`() throws {
        try withFile("") { path in
            let first = try BatchFile(path)
            #expect(throws: CommandFailure.self) { try BatchFile(path) }
            #expect(first.isEmpty)
        }
    }

    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = "/tmp/krait-batch-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
        try file.writeAll(Array(text.utf8))
        try body(path)
    }
}

@Suite(.timeLimit(.minutes(1))) struct RunCommandTests {
    private func lines(_ path: String) throws -> [Value] {
        try String(decoding: readFile(path, limit: 1 << 20), as: UTF8.self)
            .split(separator: "\n").map { try Value(json: String($0)) }
    }

    private func write(_ text: String, to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(Array(text.utf8))
    }

    @Test func `each row is answered once, and a second run does nothing`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let rows = (1...200).map { "{\"n\": \($0)}\n" }.joined()
                try write(rows + "broken\n", to: "\(base)/in")
                let command = ["run", "echo", "--input", "\(base)/in", "--output", "\(base)/out"]
                let first = await krait(command + ["--concurrency", "7"], base: base)
                #expect(first.code == .failed)
                #expect(first.output.contains("201/201  1 failed"))
                let answers = try lines("\(base)/out")
                #expect(answers.allSatisfy { $0["row"]?.int == $0["value"]?["n"]?.int })
                #expect(Set(answers.compactMap { $0["row"]?.int }) == Set(1...200))
                #expect(answers.count == 200)
                let failures = try lines("\(base)/out.failed")
                #expect(failures.map { $0["row"] } == [201])
                #expect(failures[0]["error"]?["code"] == "invalid_input")
                let second = await krait(command + ["--json"], base: base)
                let summary = try Value(json: second.output.isEmpty ? "null" : second.output)
                #expect(second.errors.hasPrefix("failures are in "))
                #expect(summary["answered"] == 0)
                #expect(summary["done_before"] == 201)
                #expect(try lines("\(base)/out").count == 200)
            }
        }
    }

    @Test func `failed rows are asked again where that is wanted`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                try write("{\"n\": 1}\nbroken\n", to: "\(base)/in")
                let command = ["run", "echo", "--input", "\(base)/in", "--output", "\(base)/out"]
                _ = await krait(command, base: base)
                let again = await krait(command + ["--retry-failed", "--json"], base: base)
                #expect(try Value(json: again.output)["failed"] == 1)
                #expect(try lines("\(base)/out.failed").count == 1)
                #expect(try lines("\(base)/out").count == 1)
            }
        }
    }

    @Test func `the output of another batch is left alone`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                try write("{\"n\": 1}\n", to: "\(base)/in")
                let command = ["run", "echo", "--input", "\(base)/in", "--output", "\(base)/out"]
                #expect(await krait(command, base: base).code == .ok)
                try write("{\"n\": 2}\n", to: "\(base)/in")
                let other = await krait(command, base: base)
                #expect(other.code == .failed)
                #expect(other.errors.contains("is of another batch"))
                #expect(try lines("\(base)/out") == [["row": 1, "value": ["n": 1]]])
            }
        }
    }

    @Test func `what no row could be answered with is found before the first`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                try write("{\"n\": 1}\n", to: "\(base)/in")
                let files = ["--input", "\(base)/in", "--output", "\(base)/out"]
                let unknown = await krait(["run", "ecko"] + files, base: base)
                #expect(unknown.code == .failed)
                #expect(unknown.errors.contains("unknown_operation"))
                let signature = ["--signature", "class -> answer"]
                let broken = await krait(["run", "echo"] + files + signature, base: base)
                #expect(broken.code == .failed)
                #expect(access("\(base)/out", F_OK) != 0)
                #expect(await krait(["run", "echo"], base: base).code == .usage)
            }
        }
    }
}
