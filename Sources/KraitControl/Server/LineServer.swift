import Glibc
import KraitObservability

/// Serves lines over a socket: each line of a client is answered by one line, in any order, and
/// before it by others where the answer is a stream.
///
/// One thread of its own waits in `poll` for all clients; what answers runs in a task group, a
/// child for each client and in it one for each line. A client that goes away cancels its
/// children. `run` is the whole life: cancelling it cancels what runs, sends the answers that come
/// of that, and closes.
struct LineServer: Sendable {
    let limits: LineServerLimits
    private let listener: ListenerBox
    private let mailbox: LineMailbox

    /// Takes over a listening socket.
    init(_ listener: consuming Descriptor, limits: LineServerLimits) throws(SystemError) {
        self.limits = limits
        self.listener = ListenerBox(listener)
        mailbox = try LineMailbox()
    }

    /// What to do with clients and their lines.
    struct Handler: Sendable {
        /// Makes the answer to a line, which is a line as well (without its line break).
        typealias Work = @Sendable () async -> [UInt8]
        /// Reads a client's lines one after the other; what each asks for is done beside others.
        typealias Reader = @Sendable ([UInt8]) -> Work

        /// Nil for a client that is served, or the one line it gets before it is sent away.
        let refusal: @Sendable (SocketPeer?) -> [UInt8]?
        /// Begins with a client.
        let reader: @Sendable (LineReplies) -> Reader
        /// The answer to a line longer than the limit, which is not kept.
        let answerToTooLong: [UInt8]
    }

    /// Serves until its task is cancelled.
    ///
    /// - Throws: `SystemError` where waiting for clients fails, which takes the server with it.
    func run(_ handler: Handler) async throws {
        let (clients, continuation) = AsyncStream.makeStream(
            of: LineClient.self,
            bufferingPolicy: .bufferingOldest(limits.clients)
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [listener, mailbox, limits] in
                // Not cancelled with the rest: it ends when the answers are out.
                try await DedicatedThread.run {
                    var loop = LineLoop(
                        listener: listener,
                        mailbox: mailbox,
                        limits: limits,
                        handler: handler,
                        newClient: continuation
                    )
                    defer { loop.close() }
                    try loop.run()
                }
            }
            group.addTask { [mailbox] in
                await withDiscardingTaskGroup { group in
                    for await client in clients {
                        group.addTask { await Self.serve(client, handler) }
                    }
                    group.cancelAll()
                }
                mailbox.finish()
            }
            // The first error ends the rest, which `waitForAll` would not.
            for try await _ in group {}
        }
    }

    private static func serve(_ client: LineClient, _ handler: Handler) async {
        let read = handler.reader(client.replies)
        await withDiscardingTaskGroup { group in
            for await line in client.lines {
                let work = read(line)
                group.addTask { client.replies.answer(await work()) }
            }
            // The client has gone, or the server ends: nobody reads what would come.
            group.cancelAll()
        }
    }
}

/// The bounds of a line server.
package struct LineServerLimits: Sendable {
    /// How long a line may be.
    package var lineBytes: Int
    /// How many clients are served at once; others wait to be accepted.
    package var clients: Int
    /// How many lines of one client are answered at once; its others are not read yet.
    package var linesUnderWay: Int
    /// From how many unread bytes of answers on a client's further lines are not read.
    package var unreadBytes: Int
    /// From how many unread bytes of answers on a client's streams wait.
    package var streamBytes: Int
    /// How long a client may take to read the last answers when the server ends.
    package var farewell: Duration

    package init(
        lineBytes: Int = 64 << 20,
        clients: Int = 128,
        linesUnderWay: Int = 64,
        unreadBytes: Int = 64 << 20,
        streamBytes: Int = 256 << 10,
        farewell: Duration = .seconds(2)
    ) {
        self.lineBytes = lineBytes
        self.clients = clients
        self.linesUnderWay = linesUnderWay
        self.unreadBytes = unreadBytes
        self.streamBytes = streamBytes
        self.farewell = farewell
    }
}

/// A client as the tasks see it.
struct LineClient: Sendable {
    let replies: LineReplies
    /// Its lines; ends when the client has gone.
    let lines: AsyncStream<[UInt8]>
}

/// A descriptor that tasks and the thread share: it stays open until the last lets go of it.
final class ListenerBox: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// The way from the tasks back to the thread: answers, and the word that there will be no more.
final class LineMailbox: Sendable {
    struct Answer: Sendable {
        let client: Int
        let line: [UInt8]
        /// Whether its request is answered with it.
        let isLast: Bool
    }

    private struct State {
        var answers: [Answer] = []
        var isFinished = false
    }

    private let state = Lock(State())
    private let reading: Descriptor
    private let writing: Descriptor

    init() throws(SystemError) {
        let pipe = try Descriptor.pipe()
        reading = pipe.reading
        writing = pipe.writing
        reading.makeNonBlocking()
        writing.makeNonBlocking()
    }

    /// What `poll` waits for.
    var wakeDescriptor: Int32 { reading.number }

    /// Bounded by the lines under way, each of which is answered once, and by `LineReplies`.
    func send(_ line: [UInt8], to client: Int, isLast: Bool) {
        let answer = Answer(client: client, line: line, isLast: isLast)
        let isFirst = state.withLock { state in
            state.answers.append(answer)
            return state.answers.count == 1
        }
        if isFirst { wake() }
    }

    func finish() {
        state.withLock { $0.isFinished = true }
        wake()
    }

    /// All that came since the last time; nothing more comes once it is finished.
    func take() -> (answers: [Answer], isFinished: Bool) {
        while let bytes = try? reading.read(upTo: 4_096), bytes.count == 4_096 {}
        return state.withLock { state in
            defer { state.answers = [] }
            return (state.answers, state.isFinished)
        }
    }

    private func wake() {
        // A pipe that is full wakes as well.
        try? writing.writeAll([0])
    }
}
