import Glibc
import KraitControl
import KraitObservability
import KraitWire

/// Asks the running daemon of a run directory.
struct ControlClient: Sendable {
    let directory: RunDirectory
    var lineBytes = LineServerLimits().lineBytes

    /// Asks what a daemon answers at once; what it refuses is the command's own failure.
    func inquire(_ request: ControlRequest) async throws -> Value {
        do {
            return try await ask(request, timeout: .seconds(10))
        } catch let failure as ControlFailure {
            throw CommandFailure(.failed, failure.details)
        }
    }

    /// Asks, and waits for the answer; a nil timeout waits as long as the daemon is there.
    ///
    /// Cancelling the task closes the connection, and so cancels the call in the daemon.
    ///
    /// - Parameter receive: takes the chunks of a stream, on a thread that may wait: while it does,
    ///   nothing more is read, and the daemon waits as well.
    func ask(
        _ request: ControlRequest,
        timeout: Duration?,
        receive: @escaping @Sendable (Value) throws -> Void = { _ in }
    ) async throws -> Value {
        let connection = try connect()
        let question = try request.line(id: 1)
        let deadline = timeout.map { ContinuousClock.now + $0 }
        let limit = lineBytes
        let line: [UInt8]
        do {
            line = try await withTaskCancellationHandler {
                try await DedicatedThread.run {
                    try connection.ask(question, limit: limit, before: deadline, receive)
                }
            } onCancel: {
                connection.hangUp()
            }
        } catch let error as SystemError {
            throw ControlClientError(error, name: directory.name, timeout: timeout)
        }
        guard let reply = ControlReply(line: line) else {
            throw ControlClientError.notKrait(directory.controlSocket)
        }
        return try reply.result.get()
    }

    /// Who the daemon is; a short question to know whether it is there at all.
    func ping(timeout: Duration = .seconds(5)) async throws -> DaemonRecord {
        guard let record = DaemonRecord(try await ask(.ping, timeout: timeout)) else {
            throw ControlClientError.notKrait(directory.controlSocket)
        }
        return record
    }

    private func connect() throws(ControlClientError) -> ControlConnection {
        let socket: Descriptor
        do throws(SystemError) {
            socket = try UnixSocket.connect(to: directory.controlSocket)
        } catch {
            switch error.code {
            case ENOENT, ECONNREFUSED, ENOTDIR:
                throw .notRunning(
                    name: directory.name,
                    others: directory.neighbours(),
                    log: access(directory.log, F_OK) == 0 ? directory.log : nil
                )
            default: throw .failed(error)
            }
        }
        // What is asked may be confidential: it is not for whoever got hold of the path.
        let peer = SocketPeer(of: socket)
        guard let peer, peer.isTrusted(by: geteuid(), wasChosen: !directory.isUsual) else {
            throw .stranger(directory.controlSocket, user: peer?.user)
        }
        return ControlConnection(socket)
    }
}

/// Why there is no answer from a daemon.
enum ControlClientError: Error, Equatable, CustomStringConvertible {
    /// `log` is what a daemon that died has left.
    case notRunning(name: String, others: [String], log: String?)
    case noAnswer(name: String, after: Duration)
    /// The daemon ended, or closed the connection, before it answered.
    case hungUp(name: String)
    /// What listens there does not speak the protocol.
    case notKrait(String)
    /// What listens there is another user's process.
    case stranger(String, user: uid_t?)
    case failed(SystemError)

    init(_ error: SystemError, name: String, timeout: Duration?) {
        switch error.code {
        case ETIMEDOUT: self = .noAnswer(name: name, after: timeout ?? .zero)
        case EPIPE, ECONNRESET: self = .hungUp(name: name)
        default: self = .failed(error)
        }
    }

    var description: String {
        switch self {
        case .notRunning(let name, let others, let log):
            let isUsual = name == Configuration.defaultName
            var text =
                "no daemon named \(name) is running; start one with "
                + "`krait start\(isUsual ? "" : " --name \(name)")`"
            if !others.isEmpty {
                text += ", or choose with --name one that runs: " + others.joined(separator: ", ")
            }
            if let log { text += "; the last one did not end in good order, see \(log)" }
            return text
        case .noAnswer(let name, let time):
            return "the daemon named \(name) did not answer within "
                + "\(TextForm<Duration>.duration.write(time)); `krait doctor` looks for a cause, "
                + "`krait stop --now` ends it"
        case .hungUp(let name):
            return "the daemon named \(name) ended before it answered; its log may say why"
        case .notKrait(let path):
            return "what listens at \(path) does not speak Krait's control protocol"
        case .stranger(let path, let user):
            let owner = user.map { "user \($0)" } ?? "a user the system does not name"
            return "what listens at \(path) belongs to \(owner), so nothing was sent to it; choose "
                + "your own daemon with --run-directory"
        case .failed(let error):
            return error.description
        }
    }
}

/// A connection to a daemon, used by one thread and hung up by any.
private final class ControlConnection: Sendable {
    private let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    /// Ends both directions, so that whoever waits for one wakes.
    func hangUp() { shutdown(socket.number, Int32(SHUT_RDWR)) }

    /// Sends a question, hands on the chunks that come, and gives the line after them.
    func ask(
        _ question: [UInt8],
        limit: Int,
        before deadline: ContinuousClock.Instant?,
        _ receive: (Value) throws -> Void
    ) throws -> [UInt8] {
        do throws(SystemError) {
            try send(question, before: deadline)
        } catch {
            // A daemon that refuses says why before it closes.
            if error.code != EPIPE { throw error }
        }
        var buffer = LineBuffer(limit: limit)
        while true {
            let line = try self.line(&buffer, before: deadline)
            guard let chunk = ControlReply.chunk(of: line) else { return line }
            try receive(chunk)
        }
    }

    private func send(
        _ line: [UInt8],
        before deadline: ContinuousClock.Instant?
    ) throws(SystemError) {
        let bytes = line + [UInt8(ascii: "\n")]
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    socket.number,
                    buffer.baseAddress?.advanced(by: sent),
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, before: deadline)
            } else if errno != EINTR {
                throw SystemError("ask the daemon")
            }
        }
    }

    /// The next line; what was read with it stays in the buffer.
    private func line(
        _ buffer: inout LineBuffer,
        before deadline: ContinuousClock.Instant?
    ) throws(SystemError) -> [UInt8] {
        while true {
            switch buffer.next() {
            case .whole(let line): return line
            case .tooLong: throw SystemError("hear the daemon", code: EMSGSIZE)
            case nil: break
            }
            try wait(for: POLLIN, before: deadline)
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try socket.read(upTo: 256 << 10)
            } catch {
                if error.code == EAGAIN { continue }
                throw error
            }
            guard !bytes.isEmpty else { throw SystemError("hear the daemon", code: EPIPE) }
            buffer.append(bytes)
        }
    }

    private func wait(
        for events: Int32,
        before deadline: ContinuousClock.Instant?
    ) throws(SystemError) {
        var polled = pollfd(fd: socket.number, events: Int16(events), revents: 0)
        while true {
            let left = deadline.map { ContinuousClock.now.duration(to: $0).wholeMilliseconds }
            if let left, left <= 0 { throw SystemError("hear the daemon", code: ETIMEDOUT) }
            let count = poll(&polled, 1, left.map { Int32(clamping: $0) } ?? -1)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw SystemError("wait for the daemon") }
        }
    }
}
