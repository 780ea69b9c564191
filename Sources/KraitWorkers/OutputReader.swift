import Glibc
import KraitZeroMQ

/// Reads what a child process writes, line by line, and remembers the end of it.
///
/// Lives on its I/O thread. A line longer than the limit is cut. In one turn only so much is read
/// that its lines are logged in about a millisecond: a child that never stops printing waits for
/// the calls of others, not they for it.
final class OutputReader {
    private let thread: IOThread
    private let descriptor: Int32
    private let onLine: (String) -> Void
    private var watch: WatchToken?
    private var partial: [UInt8] = []
    private var isCutting = false
    private(set) var tail: [String] = []

    private static let lineBytes = 8 << 10
    private static let turnBytes = 4 << 10
    /// What a pipe holds.
    private static let lastBytes = 64 << 10
    private static let tailLines = 20

    /// Takes over a non-blocking descriptor.
    init(
        _ descriptor: Int32,
        on thread: IOThread,
        onLine: @escaping (String) -> Void
    ) throws {
        self.thread = thread
        self.descriptor = descriptor
        self.onLine = onLine
        do {
            watch = try thread.watch(descriptor) { [weak self] in self?.read(Self.turnBytes) }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Reads what is left, up to the bound, and closes the descriptor.
    func finish() {
        guard watch != nil else { return }
        read(Self.lastBytes)
        close()
    }

    /// Ends the reading; last words without a line end count as a line.
    private func close() {
        guard let watch else { return }
        thread.unwatch(watch)
        self.watch = nil
        Glibc.close(descriptor)
        if !partial.isEmpty { deliver() }
    }

    private func read(_ most: Int) {
        var buffer = [UInt8](repeating: 0, count: Self.turnBytes)
        var total = 0
        while watch != nil, total < most {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                total += count
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
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                deliver()
            } else if partial.count < Self.lineBytes {
                partial.append(byte)
            } else {
                isCutting = true
            }
        }
    }

    private func deliver() {
        let line = String(decoding: partial, as: UTF8.self) + (isCutting ? "…" : "")
        partial.removeAll(keepingCapacity: true)
        isCutting = false
        tail.append(line)
        if tail.count > Self.tailLines { tail.removeFirst() }
        onLine(line)
    }
}
