import Glibc

/// The thread's part of a line server: waits, reads, cuts lines, and writes.
///
/// Belongs to one thread.
struct LineLoop: ~Copyable {
    private let listener: ListenerBox
    private let mailbox: LineMailbox
    private let limits: LineServerLimits
    private let handler: LineServer.Handler
    private let newClient: AsyncStream<LineClient>.Continuation
    private var connections: [Int: LineConnection] = [:]
    private var nextID = 0
    private var farewellEnds: ContinuousClock.Instant?
    /// Accepting failed, as a rule for want of descriptors: not tried again for a moment.
    private var isCrowded = false

    init(
        listener: ListenerBox,
        mailbox: LineMailbox,
        limits: LineServerLimits,
        handler: LineServer.Handler,
        newClient: AsyncStream<LineClient>.Continuation
    ) {
        self.listener = listener
        self.mailbox = mailbox
        self.limits = limits
        self.handler = handler
        self.newClient = newClient
    }

    /// Serves until the mailbox is finished and the last answers are read or the farewell is over.
    mutating func run() throws(SystemError) {
        while true {
            if farewellEnds != nil, connections.values.allSatisfy(\.isIdle) { return }
            var polled = descriptorsToPoll()
            let timeout = pollTimeout()
            if timeout == 0, farewellEnds != nil { return }
            guard poll(&polled, nfds_t(polled.count), timeout) >= 0 || errno == EINTR else {
                throw SystemError("wait for the control socket")
            }
            isCrowded = false
            takeAnswers()
            for entry in polled.dropFirst(2) where entry.revents != 0 {
                handle(entry)
            }
            if polled[1].revents != 0 { acceptClients() }
        }
    }

    /// Lets go of all clients; their tasks are cancelled.
    mutating func close() {
        for connection in connections.values { connection.lines.finish() }
        connections = [:]
        newClient.finish()
    }

    private func pollTimeout() -> Int32 {
        if let farewellEnds {
            let left = ContinuousClock.now.duration(to: farewellEnds)
            return Int32(clamping: max(0, left.wholeMilliseconds))
        }
        return isCrowded ? 100 : -1
    }

    private func descriptorsToPoll() -> [pollfd] {
        let isAccepting = connections.count < limits.clients && !isCrowded && farewellEnds == nil
        var polled = [
            pollfd(fd: mailbox.wakeDescriptor, events: Int16(POLLIN), revents: 0),
            // A negative descriptor is passed over.
            pollfd(
                fd: isAccepting ? listener.descriptor.number : -1,
                events: Int16(POLLIN),
                revents: 0
            ),
        ]
        for connection in connections.values {
            var events: Int16 = 0
            if farewellEnds == nil, connection.isReading(limits) { events |= Int16(POLLIN) }
            if connection.hasOutput { events |= Int16(POLLOUT) }
            polled.append(pollfd(fd: connection.socket.number, events: events, revents: 0))
        }
        return polled
    }

    private mutating func takeAnswers() {
        let (answers, isFinished) = mailbox.take()
        var touched: [Int: LineConnection] = [:]
        for answer in answers {
            guard let connection = connections[answer.client] else { continue }
            connection.take(answer)
            touched[answer.client] = connection
        }
        for connection in touched.values {
            connection.write()
            connection.readOn(limits, handler.answerToTooLong)
            dropIfDone(connection)
        }
        if isFinished, farewellEnds == nil { farewellEnds = .now + limits.farewell }
    }

    private mutating func handle(_ entry: pollfd) {
        guard let connection = connections.values.first(where: { $0.socket.number == entry.fd })
        else { return }
        let events = Int32(entry.revents)
        if events & POLLOUT != 0 { connection.write() }
        // Reading first would only find lines whose answers nobody waits for.
        if events & (POLLHUP | POLLERR) != 0 {
            connection.isGone = true
        } else if events & POLLIN != 0 {
            connection.read()
            connection.readOn(limits, handler.answerToTooLong)
            connection.write()
        }
        dropIfDone(connection)
    }

    private mutating func dropIfDone(_ connection: LineConnection) {
        guard connection.isGone || connection.hasSaidAll else { return }
        connection.lines.finish()
        connections[connection.id] = nil
    }

    private mutating func acceptClients() {
        while connections.count < limits.clients {
            do throws(SystemError) {
                guard let socket = try UnixSocket.accept(listener.descriptor) else { return }
                if let refusal = handler.refusal(SocketPeer(of: socket)) {
                    socket.sendNow(refusal + [UInt8(ascii: "\n")])
                    continue
                }
                let (lines, continuation) = AsyncStream.makeStream(
                    of: [UInt8].self,
                    bufferingPolicy: .bufferingOldest(limits.linesUnderWay)
                )
                let replies = LineReplies(
                    client: nextID,
                    mailbox: mailbox,
                    limit: limits.streamBytes
                )
                connections[nextID] = LineConnection(
                    replies,
                    socket: socket,
                    lines: continuation,
                    lineBytes: limits.lineBytes
                )
                newClient.yield(LineClient(replies: replies, lines: lines))
                nextID += 1
            } catch {
                isCrowded = true
                return
            }
        }
    }
}

/// One client as the thread sees it.
final class LineConnection {
    var id: Int { replies.client }
    let socket: Descriptor
    private let replies: LineReplies
    let lines: AsyncStream<[UInt8]>.Continuation
    /// The client has gone or cannot be written to.
    var isGone = false
    private var input: LineBuffer
    private var output: [UInt8] = []
    private var written = 0
    private var underWay = 0
    /// The client sends no more; it may still read.
    private var isAtEnd = false

    init(
        _ replies: LineReplies,
        socket: consuming Descriptor,
        lines: AsyncStream<[UInt8]>.Continuation,
        lineBytes: Int
    ) {
        self.replies = replies
        self.socket = socket
        self.lines = lines
        input = LineBuffer(limit: lineBytes)
    }

    var hasOutput: Bool { written < output.count }
    var isIdle: Bool { !hasOutput }
    var hasSaidAll: Bool { isAtEnd && underWay == 0 && input.isEmpty && !hasOutput }

    /// Whether more may be read: what is read is held back while its answers are.
    func isReading(_ limits: LineServerLimits) -> Bool {
        !isAtEnd && underWay < limits.linesUnderWay && output.count - written < limits.unreadBytes
    }

    func read() {
        do throws(SystemError) {
            let bytes = try socket.read(upTo: 256 << 10)
            if bytes.isEmpty { isAtEnd = true } else { input.append(bytes) }
        } catch {
            isGone = isGone || (error.code != EAGAIN)
        }
    }

    /// Hands on the lines that are whole, as many as may be under way.
    func readOn(_ limits: LineServerLimits, _ answerToTooLong: [UInt8]) {
        while underWay < limits.linesUnderWay, let line = input.next() {
            switch line {
            case .tooLong:
                replies.add(answerToTooLong.count + 1)
                enqueue(answerToTooLong)
            case .whole(let bytes):
                underWay += 1
                lines.yield(bytes)
            }
        }
    }

    func take(_ answer: LineMailbox.Answer) {
        if answer.isLast { underWay -= 1 }
        enqueue(answer.line)
    }

    private func enqueue(_ line: [UInt8]) {
        output += line
        output.append(UInt8(ascii: "\n"))
    }

    /// Writes what the socket takes now.
    func write() {
        while hasOutput, !isGone {
            let count = output.withUnsafeBytes { buffer in
                send(
                    socket.number,
                    buffer.baseAddress?.advanced(by: written),
                    output.count - written,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count >= 0 {
                written += count
                replies.written(count)
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                isGone = true
            }
        }
        if !hasOutput {
            output.removeAll(keepingCapacity: output.capacity <= 64 << 10)
            written = 0
        } else if written > 64 << 10 {
            // A stream's client may never have read everything.
            output.removeFirst(written)
            written = 0
        }
    }
}
