import KraitObservability
import KraitWire

/// What people do to a running pool.
///
/// Each has begun when its first step returns, and goes on whether or not somebody waits for it:
/// cancelling the task ends the wait only.
extension WorkerPool {
    /// How far something has come.
    package struct Progress: Sendable, Equatable {
        /// How many workers are as they are to be.
        package var done: Int
        package var total: Int
    }

    package typealias ProgressReport = @Sendable (Progress) -> Void

    /// The pool is to have so many workers; calls in flight are finished, queued ones stay.
    ///
    /// Returns when those that are to come are ready and those that are to go are gone. A pool that
    /// is drained or has failed takes the number for later.
    package func resize(
        to count: Int,
        waiting: Bool,
        _ report: ProgressReport = { _ in }
    ) async throws(CallError) {
        try refuseWhereClosing()
        record(.poolResized, .reason, "\(machine.target) to \(count) workers")
        perform(machine.resized(to: count, at: time.now()))
        guard waiting, machine.state == .starting || machine.state == .ready else { return }
        if let error = await reach(.population, report) { throw error }
        if case .failed(let reason) = machine.state {
            throw CallFailure.poolFailed(reason, sent: false).error(pool: name)
        }
    }

    /// Refuses new calls until the pool is resumed, lets the accepted ones finish, and ends the
    /// workers.
    ///
    /// Returns when every worker is gone. What is not done within `patience` fails.
    package func pause(
        within patience: Duration,
        waiting: Bool,
        _ report: @escaping ProgressReport = { _ in }
    ) async throws(CallError) {
        try refuseWhereClosing()
        if machine.state != .pausing, machine.state != .paused { record(.poolDraining) }
        perform(machine.pauseRequested())
        guard waiting else { return }
        let deadline = time.now() + patience
        let error = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.time.sleep(deadline)
                if !Task.isCancelled { await self.endPausing() }
            }
            let error = await reach(.paused, report)
            group.cancelAll()
            return error
        }
        if let error { throw error }
        if machine.isOver(.paused) {
            throw CallError(.cancelled, "the pool was resumed, or stopped, meanwhile", pool: name)
        }
    }

    private func endPausing() {
        guard machine.state == .pausing else { return }
        perform(machine.pauseRequested(atOnce: true))
    }

    /// Takes calls again after `pause`, or tries at once to have workers again.
    ///
    /// The workers come from freshly loaded code. Returns when they are ready.
    package func resume(
        waiting: Bool,
        _ report: ProgressReport = { _ in }
    ) async throws(CallError) {
        try refuseWhereClosing()
        switch machine.state {
        case .pausing, .paused, .failed: record(.poolResumed)
        case .starting, .ready, .draining, .closed: break
        }
        perform(machine.resumeRequested(at: time.now()))
        guard waiting else { return }
        if let error = await reach(.population, report) { throw error }
        if case .failed(let reason) = machine.state {
            throw CallFailure.poolFailed(reason, sent: false).error(pool: name)
        }
    }

    /// Loads the code anew and replaces every worker, one after the other.
    ///
    /// Where the new code cannot be loaded, or the first worker of it cannot start, the workers
    /// that are left serve on with the old one.
    package func recycle(
        waiting: Bool,
        _ report: ProgressReport = { _ in }
    ) async throws(CallError) {
        try refuseWhereClosing()
        switch machine.state {
        case .starting, .ready: break
        case .pausing, .paused: throw CallFailure.poolDrained(sent: false).error(pool: name)
        case .failed(let reason):
            throw CallFailure.poolFailed(reason, sent: false).error(pool: name)
        case .draining, .closed: break
        }
        do throws(ReloadError) {
            try await source.reload()
        } catch {
            throw CallError(
                .poolFailed,
                "the pool goes on as it was, since its code cannot be loaded anew: "
                    + error.reason,
                pool: name
            )
        }
        // The pool may have been closed or drained while the code was loaded.
        try refuseWhereClosing()
        record(.poolRecycling)
        perform(machine.recycleRequested())
        guard waiting else { return }
        if let error = await reach(.recycled, report) { throw error }
        if let reason = machine.rollFailure {
            throw CallError(
                .poolFailed,
                "a worker of the new code could not start, the others are kept as they are: "
                    + reason,
                pool: name
            )
        }
    }

    private func refuseWhereClosing() throws(CallError) {
        guard machine.state == .draining || machine.state == .closed else { return }
        throw CallFailure.shuttingDown(sent: false).error(pool: name)
    }

    /// Waits until nothing is left to be done, or nothing more will come of it; an error where the
    /// task is cancelled before.
    private func reach(
        _ goal: PoolStateMachine.Goal,
        _ report: ProgressReport
    ) async -> CallError? {
        let total = machine.outstanding(goal)
        var left = total
        while true {
            // More may be left than at first, where a worker ends meanwhile.
            report(Progress(done: max(0, total - left), total: total))
            if left == 0 || machine.isOver(goal) { return nil }
            let known = left
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    watchers.add(goal, left: known, continuation, machine)
                }
            } onCancel: {
                executor.perform { [self] in assumeIsolated { $0.watchers.wakeAll() } }
            }
            if Task.isCancelled {
                return CallError(.cancelled, "nobody waits for it any more", pool: name)
            }
            left = machine.outstanding(goal)
        }
    }

    /// The pool at one moment.
    package struct Status: Sendable {
        package var state: PoolStateMachine.State
        package var queued: Int
        package var served: Int
        /// How many workers there are to be.
        package var target: Int
        package var now: Moment
        /// When a failed pool is tried again.
        package var nextTry: Moment?
        package var breakers: [(operation: String, state: String)]
        package var workers: [(snapshot: PoolStateMachine.WorkerSnapshot, facts: WorkerFacts)]
        package var journal: PoolJournal
    }
}

/// Those who wait until workers have come or gone.
struct PoolWatchers {
    private struct Watcher {
        var goal: PoolStateMachine.Goal
        /// What was left when it began to wait.
        var left: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private var watchers: [Watcher] = []

    var isEmpty: Bool { watchers.isEmpty }

    /// Waits, unless there is something to see already, or the task is cancelled.
    mutating func add(
        _ goal: PoolStateMachine.Goal,
        left: Int,
        _ continuation: CheckedContinuation<Void, Never>,
        _ machine: PoolStateMachine
    ) {
        watchers.append(Watcher(goal: goal, left: left, continuation: continuation))
        if Task.isCancelled { wakeAll() } else { look(at: machine) }
    }

    /// Wakes those for whom something has changed.
    mutating func look(at machine: PoolStateMachine) {
        watchers.removeAll { watcher in
            guard machine.isOver(watcher.goal) || machine.outstanding(watcher.goal) != watcher.left
            else { return false }
            watcher.continuation.resume()
            return true
        }
    }

    /// Wakes everybody; who still has something to wait for waits again.
    mutating func wakeAll() {
        for watcher in watchers { watcher.continuation.resume() }
        watchers = []
    }
}
