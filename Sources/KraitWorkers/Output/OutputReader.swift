import Glibc
import KraitZeroMQ

/// Reads what a child process writes, line by line, and remembers the end of it.
///
/// Lives on its I/O thread. A line longer than the limit is cut. In one turn only so much is read
/// that its lines are logged in about a millisecond: a child that never stops printing waits for
/// the calls of others, not they for it. Of a flood the child's pipe is emptied at a time with
/// pauses between, so that it is not held up for long and costs little; what is more than a log can
/// be asked to hold is dropped, and one line a second says how many lines that were.
final class OutputReader {
    private let thread: IOThread
    private let descriptor: Int32
    private let onLine: (String) -> Void
    private var isOpen = true
    private var watch: WatchToken?
    private var pause: TimerToken?
    private var report: TimerToken?
    private var budget: OutputBudget
    private var partial: [UInt8] = []
    private var isCutting = false
    /// The last lines, those that were not logged included.
    private var last: [[UInt8]] = []

    private static let lineBytes = 8 << 10
    private static let turnBytes = 4 << 10
    /// What a pipe holds.
    private static let pipeBytes = 64 << 10
    /// How long a child that floods is left alone: so it can write 30 MB a second, and
    /// costs its thread a few per cent.
    private static let pauseTime: Duration = .milliseconds(2)
    private static let tailLines = 20
    private static let newline = UInt8(ascii: "\n")

    /// Takes over a non-blocking descriptor.
    init(
        _ descriptor: Int32,
        on thread: IOThread,
        budget: OutputBudget = OutputBudget(),
        onLine: @escaping (String) -> Void
    ) throws {
        self.thread = thread
        self.descriptor = descriptor
        self.budget = budget
        self.onLine = onLine
        do {
            try beginWatch()
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// The last lines.
    var tail: [String] { last.map { String(decoding: $0, as: UTF8.self) } }

    /// Reads what is left, up to the bound, and closes the descriptor.
    func finish() {
        guard isOpen else { return }
        read(Self.pipeBytes)
        close()
    }

    /// Ends the reading; last words without a line end count as a line.
    private func close() {
        guard isOpen else { return }
        isOpen = false
        endWatch()
        if let pause { thread.cancel(pause) }
        Glibc.close(descriptor)
        if !partial.isEmpty { deliver() }
        if let report { thread.cancel(report) }
        reportDropped()
    }

    private func beginWatch() throws {
        watch = try thread.watch(descriptor) { [weak self] in self?.readTurn() }
    }

    private func endWatch() {
        if let watch { thread.unwatch(watch) }
        watch = nil
    }

    private func readTurn() {
        guard budget.isFlood(at: .now) else { return read(Self.turnBytes) }
        read(Self.pipeBytes)
        guard isOpen else { return }
        endWatch()
        pause = thread.schedule(at: .now + Self.pauseTime) { [weak self] in
            guard let self else { return }
            pause = nil
            do { try beginWatch() } catch { close() }
        }
    }

    private func read(_ most: Int) {
        var buffer = [UInt8](repeating: 0, count: most)
        var total = 0
        while isOpen, total < most {
            let count = Glibc.read(descriptor, &buffer, most - total)
            if count > 0 {
                total += count
                budget.read(count, at: .now)
                take(buffer[..<count])
            } else if count < 0, errno == EINTR {
                continue
            } else {
                let isOver = count == 0 || errno != EAGAIN
                if isOver { close() }
                return
            }
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        var rest = budget.isSpent(at: .now) ? lastLines(of: bytes) : bytes
        while let end = Self.lineEnd(in: rest) {
            append(rest[..<end])
            deliver()
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    private func append(_ bytes: ArraySlice<UInt8>) {
        let room = Self.lineBytes - partial.count
        partial += bytes.prefix(room)
        if bytes.count > room { isCutting = true }
    }

    /// Passes over all lines but the last, and counts them: most of a flood costs no more than
    /// this.
    private func lastLines(of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var starts: [Int] = []
        var rest = bytes
        while let end = Self.lineEnd(in: rest) {
            starts.append(end + 1)
            rest = rest[(end + 1)...]
        }
        let passed = starts.count - Self.tailLines
        guard passed > 0 else { return bytes }
        budget.drop(passed)
        armReport()
        partial.removeAll(keepingCapacity: true)
        isCutting = false
        return bytes[starts[passed - 1]...]
    }

    /// Where the first line ends: by the C library, which looks at many bytes at once.
    private static func lineEnd(in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress,
                let found = memchr(base, Int32(newline), buffer.count)
            else { return nil }
            return bytes.startIndex + (UnsafeRawPointer(found) - base)
        }
    }

    private func deliver() {
        if isCutting { partial += Array("…".utf8) }
        last.append(partial)
        if last.count > Self.tailLines { last.removeFirst() }
        if budget.admits(bytes: partial.count, at: .now) {
            onLine(String(decoding: partial, as: UTF8.self))
        } else {
            armReport()
        }
        partial.removeAll(keepingCapacity: true)
        isCutting = false
    }

    private func armReport() {
        guard report == nil, let due = budget.reportDue else { return }
        report = thread.schedule(at: due) { [weak self] in self?.reportDropped() }
    }

    private func reportDropped() {
        report = nil
        let count = budget.takeDropped()
        if count > 0 { onLine("[\(count) lines dropped: more was printed than a log can hold]") }
    }
}
