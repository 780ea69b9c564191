import Glibc
import KraitObservability

/// The signals that ask this process to end, one element for each that arrives.
///
/// ```
/// for await signal in TerminationSignals() { … }
/// ```
/// While at least one such loop is under way the signals no longer end the process; when the last
/// has ended, what they did before is in force again. Every loop sees every signal. Iterating ends
/// when its task is cancelled.
///
/// A handler may do next to nothing, so it writes the signal's number to a pipe; one thread for the
/// whole process reads that and wakes the loops. The thread stays until the process ends.
package struct TerminationSignals: AsyncSequence, Sendable {
    package typealias Element = Int32
    /// Those that a process manager and a terminal send.
    package static let usual = [SIGTERM, SIGINT]
    /// How many signals wait for a loop that is busy; of more, the first count.
    private static let backlog = 16

    private let stream: AsyncStream<Int32>

    /// Signals from now on, also those that arrive before the loop begins.
    ///
    /// Ends at once, and leaves the signals as they are, where the process has no descriptor or
    /// thread to spare.
    package init(_ numbers: [Int32] = Self.usual) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Int32.self,
            bufferingPolicy: .bufferingOldest(Self.backlog)
        )
        self.stream = stream
        guard let id = SignalRelay.shared?.add(continuation, for: numbers) else {
            continuation.finish()
            return
        }
        continuation.onTermination = { _ in SignalRelay.shared?.remove(id) }
    }

    package func makeAsyncIterator() -> AsyncStream<Int32>.Iterator { stream.makeAsyncIterator() }
}

/// Hands each signal from the one pipe to all the loops that wait for it.
private final class SignalRelay: Sendable {
    /// Nil where the pipe or the thread could not be made.
    static let shared = SignalRelay()

    private struct Listener {
        let numbers: [Int32]
        let continuation: AsyncStream<Int32>.Continuation
    }

    private struct State {
        var listeners: [Int: Listener] = [:]
        var nextID = 0
        /// What was in force for a signal before the first loop asked for it.
        var previous: [Int32: sigaction] = [:]
    }

    private let state = Lock(State())

    private init?() {
        guard SignalPipe.ends.reading >= 0,
            DedicatedThread.start("krait-signals", Self.forwardForever) == 0
        else { return nil }
    }

    func add(_ continuation: AsyncStream<Int32>.Continuation, for numbers: [Int32]) -> Int {
        state.withLock { state in
            for number in numbers where state.previous[number] == nil {
                var action = sigaction()
                action.__sigaction_handler.sa_handler = SignalPipe.write
                action.sa_flags = Int32(SA_RESTART)
                var previous = sigaction()
                if sigaction(number, &action, &previous) == 0 { state.previous[number] = previous }
            }
            defer { state.nextID += 1 }
            state.listeners[state.nextID] = Listener(numbers: numbers, continuation: continuation)
            return state.nextID
        }
    }

    func remove(_ id: Int) {
        state.withLock { state in
            state.listeners[id] = nil
            let wanted = Set(state.listeners.values.flatMap(\.numbers))
            for (number, previous) in state.previous where !wanted.contains(number) {
                var action = previous
                sigaction(number, &action, nil)
                state.previous[number] = nil
            }
        }
    }

    private static func forwardForever() {
        // The relay is being made while its thread starts: the first signal waits for it.
        while true {
            var byte: UInt8 = 0
            let count = read(SignalPipe.ends.reading, &byte, 1)
            guard count == 1 else {
                if count < 0, errno == EINTR { continue }
                return
            }
            shared?.forward(Int32(byte))
        }
    }

    private func forward(_ number: Int32) {
        let continuations = state.withLock { state in
            state.listeners.values.filter { $0.numbers.contains(number) }.map(\.continuation)
        }
        // Outside the lock: a continuation's own lock may be held by a loop that ends just now.
        for continuation in continuations { continuation.yield(number) }
    }
}

/// The pipe from the handlers to the relay's thread.
private enum SignalPipe {
    /// Made by the relay before any handler is, so that no handler is the first to touch it.
    static let ends: (reading: Int32, writing: Int32) = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return (-1, -1) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A handler must never wait; a pipe that is full holds 65,536 signals nobody looked at.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }()

    /// The handler: only what is safe between any two instructions of the interrupted thread.
    static let write: @convention(c) (Int32) -> Void = { number in
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = Glibc.write(ends.writing, &byte, 1)
        errno = saved
    }
}
