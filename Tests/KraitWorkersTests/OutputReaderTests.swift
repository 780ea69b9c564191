import CProcessSupport
import Glibc
import KraitObservability
import KraitTestSupport
import KraitZeroMQ
import Testing

@testable import KraitWorkers

@Suite(.timeLimit(.minutes(1))) struct OutputReaderTests {
    /// A reader on a thread of its own, and the writing end of its pipe.
    private final class Rig: Sendable {
        let thread: IOThread
        let writing: Int32
        private let reader = Lock<Box?>(nil)
        private let lines = Lock<[String]>([])

        /// The reader lives on the thread alone; only its reference is kept here.
        // Allowed: what is in the box is touched on the thread only.
        private final class Box: @unchecked Sendable {
            let reader: OutputReader
            init(_ reader: OutputReader) { self.reader = reader }
        }

        init(budget: OutputBudget = OutputBudget()) async throws {
            let thread = try IOThread(name: "output")
            var ends: [Int32] = [-1, -1]
            try #require(krait_pipe(&ends, 1) == 0)
            self.thread = thread
            writing = ends[1]
            let reading = ends[0]
            await onThread { [self] in
                let made = try? OutputReader(reading, on: thread, budget: budget) { [self] line in
                    lines.withLock { $0.append(line) }
                }
                reader.withLock { $0 = made.map(Box.init) }
            }
        }

        deinit { thread.stop() }

        func onThread<Result: Sendable>(
            _ body: @escaping @Sendable () -> Result
        ) async -> Result {
            await withCheckedContinuation { continuation in
                thread.perform { continuation.resume(returning: body()) }
            }
        }

        var seen: [String] { lines.withLock { $0 } }

        func write(_ text: String) {
            let bytes = Array(text.utf8)
            var sent = 0
            while sent < bytes.count {
                sent += bytes[sent...].withUnsafeBytes {
                    Glibc.write(writing, $0.baseAddress, $0.count)
                }
            }
        }

        func closeWriting() { close(writing) }

        func finish() async {
            await onThread { [self] in reader.withLock { $0 }?.reader.finish() }
        }

        func tail() async -> [String] {
            await onThread { [self] in reader.withLock { $0 }?.reader.tail ?? [] }
        }
    }

    @Test func `lines are told one by one, whole`() async throws {
        let rig = try await Rig()
        rig.write("one\ntwo\n\nüml")
        #expect(await eventually { rig.seen == ["one", "two", ""] })
        rig.write("aut\r\n")
        #expect(await eventually { rig.seen.last == "ümlaut\r" })
        #expect(await rig.tail() == ["one", "two", "", "ümlaut\r"])
        rig.closeWriting()
    }

    @Test(arguments: [true, false])
    func `last words without a line end are told at the end`(endIsSeenFirst: Bool) async throws {
        let rig = try await Rig()
        rig.write("Segmentation fault")
        if endIsSeenFirst {
            rig.closeWriting()
            #expect(await eventually { rig.seen == ["Segmentation fault"] })
            await rig.finish()
        } else {
            await rig.finish()
            rig.closeWriting()
        }
        await rig.finish()
        #expect(rig.seen == ["Segmentation fault"], "once")
        #expect(await rig.tail() == ["Segmentation fault"])
    }

    @Test func `what is still in the pipe is read at the end`() async throws {
        let rig = try await Rig()
        await rig.onThread { rig.write("first\nlast") }
        await rig.finish()
        #expect(rig.seen == ["first", "last"])
        rig.closeWriting()
    }

    @Test func `a long line is cut, and the next one is not`() async throws {
        let rig = try await Rig()
        let limit = 8 << 10
        rig.write(String(repeating: "a", count: limit) + "\n")
        rig.write(String(repeating: "b", count: limit + 1) + "\n")
        rig.write(String(repeating: "c", count: 10 * limit) + "\nnext\n")
        #expect(await eventually { rig.seen.count == 4 })
        #expect(
            rig.seen == [
                String(repeating: "a", count: limit), String(repeating: "b", count: limit) + "…",
                String(repeating: "c", count: limit) + "…", "next",
            ]
        )
        rig.closeWriting()
    }

    @Test func `what is no text is told as well as it can be`() async throws {
        let rig = try await Rig()
        var bytes: [UInt8] = [0xFF, 0x00, UInt8(ascii: "x"), UInt8(ascii: "\n")]
        #expect(write(rig.writing, &bytes, bytes.count) == bytes.count)
        #expect(await eventually { rig.seen == ["\u{FFFD}\0x"] })
        rig.closeWriting()
    }

    @Test func `of a flood the last lines are kept, and how many lines there were is told`()
        async throws
    {
        let rig = try await Rig(budget: OutputBudget(lines: 10, bytes: 1 << 20))
        rig.write((1...5_000).map { "line \($0)\n" }.joined())
        await rig.finish()
        #expect(rig.seen.prefix(10) == (1...10).map { "line \($0)" }[...])
        #expect(rig.seen.last == "[4990 lines dropped: more was printed than a log can hold]")
        #expect(rig.seen.count == 11)
        #expect(await rig.tail() == (4_981...5_000).map { "line \($0)" })
        rig.closeWriting()
    }

    @Test func `a hundred million bytes without a line end are one line that is cut`()
        async throws
    {
        let rig = try await Rig()
        let id = try spawn(
            "/bin/sh",
            ["-c", "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo after"],
            environment: ["PATH": "/usr/bin:/bin"],
            descriptors: [-1, rig.writing, -1]
        )
        #expect(await eventually(within: .seconds(40)) { rig.seen.last == "after" })
        #expect(rig.seen.count == 2 && rig.seen[0].utf8.count == (8 << 10) + "…".utf8.count)
        var status: Int32 = 0
        #expect(waitpid(id, &status, 0) == id)
        rig.closeWriting()
    }

    @Test func `only the last lines are kept`() async throws {
        let rig = try await Rig()
        rig.write((1...100).map { "line \($0)\n" }.joined())
        #expect(await eventually { rig.seen.count == 100 })
        #expect(await rig.tail() == (81...100).map { "line \($0)" })
        rig.closeWriting()
    }

    @Test func `a child that never stops printing does not hold up the thread`() async throws {
        let rig = try await Rig()
        let id = try spawn(
            "/usr/bin/yes",
            [String(repeating: "x", count: 100)],
            environment: [:],
            descriptors: [-1, rig.writing, -1]
        )
        for _ in 0..<100 { await rig.onThread {} }
        #expect(await eventually { rig.seen.contains { $0.contains(" lines dropped: ") } })
        for _ in 0..<100 { await rig.onThread {} }
        kill(id, SIGKILL)
        var status: Int32 = 0
        #expect(waitpid(id, &status, 0) == id)
        rig.closeWriting()
        await rig.finish()
        let words = rig.seen.filter { $0.hasPrefix("[") }
        let lines = rig.seen.filter { !$0.hasPrefix("[") }.dropLast()
        #expect(lines.allSatisfy { $0.utf8.count == 100 })
        #expect(lines.count <= 1_000 * (words.count + 1), "a thousand for each second")
        #expect(await rig.tail().count == 20)
    }
}
