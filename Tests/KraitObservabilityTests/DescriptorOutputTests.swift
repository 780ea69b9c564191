import Glibc
import KraitTestSupport
import Testing

@testable import KraitObservability

@Suite(.timeLimit(.minutes(1))) struct DescriptorOutputTests {
    /// A pipe and what is read from it.
    private final class Pipe {
        let reader: Int32
        let writer: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
            // Reading must not wait for what a failing test never wrote.
            _ = fcntl(reader, F_SETFL, O_NONBLOCK)
        }

        deinit {
            close(reader)
            close(writer)
        }

        func readAll() -> String {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reader, &piece, piece.count)
                guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
                bytes += piece.prefix(count)
            }
        }
    }

    @Test func `a handler writes its format's line and a newline`() throws {
        let pipe = try Pipe()
        let handler = LineLogHandler(
            format: .json,
            output: DescriptorOutput(descriptor: pipe.writer)
        )
        let record = LogRecord(
            time: LogTime(seconds: 0),
            level: .info,
            label: "krait",
            message: "ready"
        )
        handler.log(record)
        handler.log(record)
        let line = LogFormat.json.line(for: record)
        #expect(pipe.readAll() == "\(line)\n\(line)\n")
    }

    @Test func `a line longer than a pipe takes at once arrives whole`() throws {
        let pipe = try Pipe()
        let line = String(repeating: "0123456789", count: 2_000)
        DescriptorOutput(descriptor: pipe.writer).write(line)
        #expect(pipe.readAll() == "\(line)\n")
    }

    @Test func `a reader that does not read costs one wait and its lines are counted`() throws {
        let pipe = try Pipe()
        let output = DescriptorOutput(descriptor: pipe.writer)
        let line = String(repeating: "x", count: 4_095)
        let start = ContinuousClock.now
        // A pipe holds 64 KiB: 16 of these lines.
        for _ in 0..<200 { output.write(line) }
        #expect(start.duration(to: .now) < DescriptorOutput.patience * 20)
        let before = pipe.readAll()
        #expect(before == String(repeating: "\(line)\n", count: 16))
        output.write("back")
        #expect(pipe.readAll() == "(184 lines left out: they could not be written)\nback\n")
        output.write("and on")
        #expect(pipe.readAll() == "and on\n")
    }

    @Test func `a line broken off in its middle is ended before the next`() throws {
        let pipe = try Pipe()
        let output = DescriptorOutput(descriptor: pipe.writer)
        output.write(String(repeating: "x", count: 70_000))
        let before = pipe.readAll()
        #expect(before.count == 65_536 && !before.contains("\n"))
        output.write("next")
        #expect(pipe.readAll() == "\n(1 lines left out: they could not be written)\nnext\n")
    }

    @Test func `a pipe without a reader does not end the process`() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { exit(1) }
            close(ends[0])
            signal(SIGPIPE, SIG_DFL)
            let output = DescriptorOutput(descriptor: ends[1])
            for _ in 0..<3 { output.write("nobody there") }
            var pending = sigset_t()
            sigpending(&pending)
            exit(sigismember(&pending, SIGPIPE) == 0 ? 0 : 2)
        }
    }

    @Test func `a signal that was pending before stays pending`() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { exit(1) }
            close(ends[0])
            var brokenPipe = sigset_t()
            sigemptyset(&brokenPipe)
            sigaddset(&brokenPipe, SIGPIPE)
            pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
            pthread_kill(pthread_self(), SIGPIPE)
            DescriptorOutput(descriptor: ends[1]).write("nobody there")
            var pending = sigset_t()
            sigpending(&pending)
            exit(sigismember(&pending, SIGPIPE) == 1 ? 0 : 2)
        }
    }

    @Test func `a closed standard error does not end the process`() async {
        await #expect(processExitsWith: .success) {
            close(STDERR_FILENO)
            let logger = Logger(label: "krait", handler: .standardError())
            for _ in 0..<3 { logger.critical("nobody there") }
            exit(0)
        }
    }
}
