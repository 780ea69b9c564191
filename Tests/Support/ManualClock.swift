import KraitObservability

/// A clock that stands still until a test moves it.
///
/// A test starts what it tests, waits with ``waitForSleepers(_:)`` until that sleeps, and advances:
///
/// ```swift
/// try await clock.waitForSleepers(1)
/// clock.advance(by: .seconds(5))
/// ```
package final class ManualClock: Clock {
    /// A moment, as the time since the clock was made.
    package struct Instant: InstantProtocol, CustomStringConvertible {
        package var offset: Duration

        package init(_ offset: Duration = .zero) { self.offset = offset }

        package func advanced(by duration: Duration) -> Instant { Instant(offset + duration) }

        package func duration(to other: Instant) -> Duration { other.offset - offset }

        package static func < (left: Instant, right: Instant) -> Bool {
            left.offset < right.offset
        }

        package var description: String { "\(offset)" }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        let count: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant()
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [Int: Watcher] = [:]
        /// Whose task was cancelled before it lay down.
        var cancelled: Set<Int> = []

        mutating func makeID() -> Int {
            nextID += 1
            return nextID
        }

        mutating func takeSatisfiedWatchers() -> [Watcher] {
            let satisfied = watchers.filter { $0.value.count <= sleepers.count }
            for id in satisfied.keys { watchers[id] = nil }
            return Array(satisfied.values)
        }
    }

    private let state = Lock(State())

    package init() {}

    package var now: Instant { state.withLock { $0.now } }
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// How many tasks sleep on this clock now.
    package var sleepers: Int { state.withLock { $0.sleepers.count } }

    /// When the first of the sleepers wakes; nil where nobody sleeps.
    package var nextDeadline: Instant? {
        state.withLock { $0.sleepers.values.map(\.deadline).min() }
    }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await suspend { state, id, continuation in
            guard deadline > state.now else { return [continuation] }
            state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
            return state.takeSatisfiedWatchers().map(\.continuation)
        }
    }

    /// Returns as soon as at least `count` tasks sleep on this clock; throws if cancelled.
    package func waitForSleepers(_ count: Int) async throws {
        try await suspend { state, id, continuation in
            guard count > state.sleepers.count else { return [continuation] }
            state.watchers[id] = Watcher(count: count, continuation: continuation)
            return []
        }
    }

    /// Moves the clock on and wakes whose time has come, the earliest first.
    package func advance(by duration: Duration) {
        precondition(duration >= .zero, "time goes forward only")
        let woken = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
        }
        for (_, sleeper) in woken { sleeper.continuation.resume() }
    }

    /// Suspends until `place`, or somebody later, gives the continuation back to be resumed.
    private func suspend(
        _ place: (inout State, Int, CheckedContinuation<Void, any Error>) ->
            [CheckedContinuation<Void, any Error>]
    ) async throws {
        let id = state.withLock { $0.makeID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready: [CheckedContinuation<Void, any Error>]? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return nil }
                    return place(&state, id, continuation)
                }
                guard let ready else { return continuation.resume(throwing: CancellationError()) }
                for continuation in ready { continuation.resume() }
            }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    private func cancel(_ id: Int) {
        let continuation = state.withLock { state in
            let sleeper = state.sleepers.removeValue(forKey: id)?.continuation
            let watcher = state.watchers.removeValue(forKey: id)?.continuation
            if sleeper == nil && watcher == nil { state.cancelled.insert(id) }
            return sleeper ?? watcher
        }
        continuation?.resume(throwing: CancellationError())
    }
}
