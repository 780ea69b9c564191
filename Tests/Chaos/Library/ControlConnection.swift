import Glibc
import KraitWire

/// A connection to a daemon's control socket, of the run's own: so that an error of Krait's own
/// client would show.
package final class ControlConnection {
    private let loop: Loop
    private let socket: Int32
    private var output: [UInt8] = []
    private var written = 0
    private var input: [UInt8] = []
    private var isOpen = true
    private let onAnswer: (Value) -> Void
    private let onEnd: () -> Void
    /// Requests that have no answer yet.
    package private(set) var underWay = 0

    /// Connects; nil where nobody listens.
    package init?(
        _ path: String,
        loop: Loop,
        onAnswer: @escaping (Value) -> Void,
        onEnd: @escaping () -> Void = {}
    ) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(AF_UNIX, type, 0)
        self.loop = loop
        self.onAnswer = onAnswer
        self.onEnd = onEnd
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard socket >= 0, path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return nil
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { return nil }
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
        loop.watch(
            socket,
            Loop.Source(
                events: { [unowned self] in written < output.count ? POLLIN | POLLOUT : POLLIN },
                ready: { [unowned self] in ready($0) }
            )
        )
    }

    deinit { close() }

    package func close() {
        guard isOpen, socket >= 0 else { return }
        isOpen = false
        loop.unwatch(socket)
        Glibc.close(socket)
    }

    /// Sends a request: a JSON object without a line break.
    package func send(_ request: String) {
        guard isOpen else { return }
        underWay += 1
        output += request.utf8
        output.append(UInt8(ascii: "\n"))
        write()
    }

    private func ready(_ events: Int32) {
        if events & POLLOUT != 0 { write() }
        if events & (POLLIN | POLLHUP | POLLERR) != 0 { read() }
    }

    private func write() {
        while written < output.count {
            let count = output.withUnsafeBytes {
                Glibc.send(
                    socket,
                    $0.baseAddress?.advanced(by: written),
                    output.count - written,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { return }
            written += count
        }
        output.removeAll(keepingCapacity: true)
        written = 0
    }

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(socket, &chunk, chunk.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else {
            close()
            return onEnd()
        }
        input += chunk[..<count]
        var start = 0
        while let end = input[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = input[start..<end]
            start = end + 1
            underWay -= 1
            let text = String(decoding: line, as: UTF8.self)
            onAnswer((try? Value(json: text)) ?? .string(text))
            // What was told may have closed it.
            guard isOpen else { return }
        }
        input.removeFirst(start)
    }
}
