import KraitObservability

/// Something that happens once, and that tasks can wait for.
final class OneShot: Sendable {
    private struct State {
        var hasFired = false
        var nextID = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Lock(State())

    /// Lets everybody go who waits, now and later; says whether it was the first time.
    @discardableResult func fire() -> Bool {
        let (isFirst, waiting) = state.withLock { state in
            defer {
                state.hasFired = true
                state.waiting = [:]
            }
            return (!state.hasFired, state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
        return isFirst
    }

    /// Returns when it has fired, whatever becomes of the task.
    func wait() async {
        await withCheckedContinuation { continuation in
            place(continuation, makeID(), unless: false)
        }
    }

    /// Returns when it has fired, and throws when the task is cancelled before.
    func waitUnlessCancelled() async throws {
        let id = makeID()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A cancellation before this has found nobody to wake.
                place(continuation, id, unless: Task.isCancelled)
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
        guard state.withLock({ $0.hasFired }) else { throw CancellationError() }
    }

    private func place(
        _ continuation: CheckedContinuation<Void, Never>,
        _ id: Int,
        unless isCancelled: @autoclosure () -> Bool
    ) {
        let waits = state.withLock { state in
            if state.hasFired || isCancelled() { return false }
            state.waiting[id] = continuation
            return true
        }
        if !waits { continuation.resume() }
    }

    private func makeID() -> Int {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }
}
