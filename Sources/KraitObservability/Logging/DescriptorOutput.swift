import Glibc

/// Writes lines to a descriptor somebody else owns, such as standard error.
///
/// The descriptor stays in the mode it is in: making it non-blocking would do so for everybody who
/// shares it, the shell included. So it is asked before each piece whether it takes one.
package final class DescriptorOutput: LineOutput {
    /// How long a line waits for a reader that is behind; once only, until it reads again.
    package static let patience: Duration = .milliseconds(50)

    private let descriptor: Int32
    private let gap = Lock(LineGap())

    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    package func write(_ line: String) {
        gap.withLock { gap in
            // Somebody who kept us waiting once is not waited for again.
            let patience = gap.isOpen ? .zero : Self.patience
            let text = gap.text(for: line)
            gap.wrote(DescriptorWriter.write(text, to: descriptor, patience: patience))
        }
    }
}

/// Lines left out since the last that was written, to be told with the next.
struct LineGap: Equatable {
    private(set) var lines = 0
    /// Whether the last line was broken off in its middle.
    private var isMidLine = false

    var isOpen: Bool { lines > 0 }

    /// What to write for `line`: the end of a broken one and the notice of the gap go before it.
    func text(for line: String) -> String {
        let notice = isOpen ? "(\(lines) lines left out: they could not be written)\n" : ""
        return "\(isMidLine ? "\n" : "")\(notice)\(line)\n"
    }

    mutating func wrote(_ outcome: DescriptorWriter.Outcome) {
        switch outcome {
        case .whole:
            self = LineGap()
        case .part:
            lines += 1
            isMidLine = true
        case .nothing:
            lines += 1
        }
    }
}

/// Writing to a descriptor without being killed or held up by its reader.
enum DescriptorWriter {
    /// How much of a text went out.
    enum Outcome: Equatable {
        case whole, part, nothing
    }

    /// What a pipe takes at once if it says that it takes anything (`PIPE_BUF`).
    private static let pieceBytes = 4_096

    /// Writes the text, waiting in all about `patience` for a descriptor that takes nothing.
    static func write(_ text: String, to descriptor: Int32, patience: Duration) -> Outcome {
        var text = text
        return text.withUTF8 { bytes in
            withoutBrokenPipeSignal {
                writeAll(UnsafeRawBufferPointer(bytes), to: descriptor, patience: patience)
            }
        }
    }

    private static func writeAll(
        _ bytes: UnsafeRawBufferPointer,
        to descriptor: Int32,
        patience: Duration
    ) -> Outcome {
        var written = 0
        while written < bytes.count {
            guard takesBytes(descriptor, within: patience) else { break }
            let piece = UnsafeRawBufferPointer(rebasing: bytes[written...].prefix(pieceBytes))
            let result = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if result < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard result > 0 else { break }
            written += result
        }
        if written == bytes.count { return .whole }
        return written == 0 ? .nothing : .part
    }

    private static func takesBytes(_ descriptor: Int32, within patience: Duration) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let milliseconds = Int32(patience / .milliseconds(1))
        return poll(&request, 1, milliseconds) == 1 && request.revents & Int16(POLLOUT) != 0
    }

    /// Runs `body` such that a pipe without a reader is an error code and not this process's end.
    ///
    /// Only this thread's signals are touched: what the program does with SIGPIPE, and what its
    /// children inherit, stays as it is.
    private static func withoutBrokenPipeSignal<Result>(_ body: () -> Result) -> Result {
        var brokenPipe = sigset_t()
        sigemptyset(&brokenPipe)
        sigaddset(&brokenPipe, SIGPIPE)
        var pending = sigset_t()
        sigpending(&pending)
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
        let result = body()
        if sigismember(&pending, SIGPIPE) == 0 {
            var atOnce = timespec()
            while sigtimedwait(&brokenPipe, nil, &atOnce) == -1 && errno == EINTR {}
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return result
    }
}
