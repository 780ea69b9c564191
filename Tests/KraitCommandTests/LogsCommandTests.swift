import Glibc
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// `krait logs`.
@Suite(.timeLimit(.minutes(1))) struct LogsCommandTests {
    private static let log = """
        2026-03-01T12:00:00.000Z  info      krait  ready
        2026-03-01T12:00:01.000Z  warning   krait  worker.crashed  worker.name=p/0.1
        Fatal error of the system
        2026-03-01T12:00:02.000Z  debug     krait  worker.ready
        {"time":"2026-03-01T12:00:03.000Z","level":"error","label":"krait","message":"x"}

        """

    /// A daemon's folder with a log in it.
    private func withLog(
        _ text: String,
        _ body: (_ base: String, RunDirectory) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { base in
            let directory = try RunDirectory(name: "default", chosen: base, environment: [:])
            #expect(mkdir(directory.path, 0o700) == 0)
            try append(text, to: directory.log)
            try await body(base, directory)
        }
    }

    private func append(_ text: String, to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT)
        try file.writeAll(Array(text.utf8))
    }

    @Test func `the last lines are shown, as many as are asked for`() async throws {
        try await withLog(Self.log) { base, _ in
            #expect(await krait(["logs"], base: base).output == Self.log)
            let two = await krait(["logs", "--lines", "2"], base: base)
            let lines = Self.log.split(separator: "\n")
            #expect(two.output == lines.suffix(2).map { $0 + "\n" }.joined())
            #expect(await krait(["logs", "--lines", "0"], base: base).output == "")
        }
    }

    @Test func `with a level only what matters is shown, and what belongs to it`() async throws {
        try await withLog(Self.log) { base, _ in
            let outcome = await krait(["logs", "--level", "warning"], base: base)
            let lines = Self.log.split(separator: "\n")
            #expect(outcome.output == [1, 2, 4].map { lines[$0] + "\n" }.joined())
        }
    }

    @Test func `older files are looked into where the present one is short`() async throws {
        try await withLog("c\n") { base, directory in
            try append("a\nb\n", to: directory.log + ".1")
            try append("z\n", to: directory.log + ".2")
            #expect(await krait(["logs", "--lines", "2"], base: base).output == "b\nc\n")
            #expect(await krait(["logs", "--lines", "9"], base: base).output == "z\na\nb\nc\n")
        }
    }

    @Test func `following ends with a daemon that has ended`() async throws {
        try await withLog(Self.log) { base, _ in
            let outcome = await krait(["logs", "--follow", "--lines", "1"], base: base)
            #expect(outcome.code == .ok)
            #expect(outcome.output.split(separator: "\n").count == 1)
        }
    }

    @Test func `a file is read on as it grows, also into the next one`() async throws {
        try await withLog("a\n") { _, directory in
            let file = try LogFile(directory.log, level: nil)
            #expect(try file.last(5) == ["a"])
            try append("b\nc", to: directory.log)
            #expect(try file.next() == ["b"])
            #expect(try file.next() == [], "a line that is not whole waits")
            try append("\nd\n", to: directory.log)
            #expect(rename(directory.log, directory.log + ".1") == 0)
            try append("e\n", to: directory.log)
            #expect(try file.next() == ["c", "d", "e"])
            #expect(truncate(directory.log, 0) == 0)
            #expect(try file.next() == [])
            try append("f\n", to: directory.log)
            #expect(try file.next() == ["f"])
        }
    }

    @Test func `of a daemon in the foreground it is said where its log goes`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let outcome = await krait(["logs"], base: base)
                #expect(outcome.code == .failed)
                #expect(outcome.errors.contains("its log goes to its own standard error"))
            }
        }
    }
}
