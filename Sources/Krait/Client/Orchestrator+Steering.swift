import KraitPooling
import KraitSignatures
import KraitWire

/// How far a change of a pool has come.
public struct SteeringProgress: Sendable, Equatable {
    /// How many workers are as they are to be.
    public var done: Int
    /// How many are to become so.
    public var total: Int
}

/// Changing pools while they serve.
///
/// Each change goes on once it has begun: cancelling the task, or not waiting at all, ends the wait
/// only. `status()` shows how far it has come.
extension Orchestrator {
    /// How many workers a pool may have.
    public static let poolSizes = 1...1_024

    /// Gives a pool another number of workers.
    ///
    /// More are started at once. Of too many those with the highest numbers take no new calls,
    /// finish theirs within the pool's `timeout`, and leave; queued calls stay. A pool that is
    /// drained, or has failed, has the number from its resumption on.
    ///
    /// - Parameters:
    ///   - pool: the pool's name.
    ///   - workers: 1 to 1,024.
    ///   - waiting: whether to return only when the new workers are ready (or have failed to start
    ///     once) and the others gone.
    ///   - onProgress: told at the beginning and whenever a worker more is as it is to be.
    /// - Throws: `unknown_pool`, `invalid_input` for a number out of range, `shutting_down`;
    ///   `pool_failed` where the pool failed meanwhile; `cancelled`.
    public func resize(
        pool: String,
        to workers: Int,
        waiting: Bool = true,
        onProgress: @escaping @Sendable (SteeringProgress) -> Void = { _ in }
    ) async throws(CallError) {
        let target = try find(pool)
        guard Self.poolSizes.contains(workers) else {
            let (least, most) = (Self.poolSizes.lowerBound, Self.poolSizes.upperBound)
            throw CallError(
                .invalidInput,
                "a pool has \(least) to \(most) workers, not \(workers); "
                    + "`krait drain \(pool)` takes it out of service",
                pool: pool
            )
        }
        try await target.resize(to: workers, waiting: waiting, Self.report(onProgress))
    }

    /// Takes a pool out of service until `resume(pool:)`.
    ///
    /// It refuses new calls with `pool_drained`, finishes those it accepted, and ends its workers
    /// and their forkserver, so that its code and its environment can be exchanged.
    ///
    /// - Parameters:
    ///   - pool: the pool's name.
    ///   - patience: after how long what is not done fails with `pool_drained`; nil takes the
    ///     orchestrator's `drainTimeout`. It counts only while somebody waits.
    ///   - waiting: whether to return only when every worker is gone.
    ///   - onProgress: told whenever a worker more is gone.
    /// - Throws: `unknown_pool`, `shutting_down`; `cancelled` where the task is, or where somebody
    ///   resumed the pool meanwhile.
    public func drain(
        pool: String,
        within patience: Duration? = nil,
        waiting: Bool = true,
        onProgress: @escaping @Sendable (SteeringProgress) -> Void = { _ in }
    ) async throws(CallError) {
        try await find(pool).pause(
            within: patience ?? settings.drainTimeout,
            waiting: waiting,
            Self.report(onProgress)
        )
    }

    /// Lets a pool that was drained take calls again, or one that failed try at once to have
    /// workers; a pool that serves stays as it is.
    ///
    /// The adapter is loaded anew, so changed code counts.
    ///
    /// - Parameters:
    ///   - pool: the pool's name.
    ///   - waiting: whether to return only when every worker is ready or has failed to start once;
    ///     calls are accepted before, and wait.
    ///   - onProgress: told whenever a worker more is ready.
    /// - Throws: `unknown_pool`, `shutting_down`; `pool_failed` where it fails (again);
    ///   `cancelled`.
    public func resume(
        pool: String,
        waiting: Bool = true,
        onProgress: @escaping @Sendable (SteeringProgress) -> Void = { _ in }
    ) async throws(CallError) {
        try await find(pool).resume(waiting: waiting, Self.report(onProgress))
    }

    /// Replaces every worker of a pool, one at a time, by one of freshly loaded code, while the
    /// pool serves on.
    ///
    /// The code is loaded first, in a new forkserver: where that fails nothing is changed. Each
    /// worker finishes its calls, within the pool's `timeout`, before it leaves. Where a worker of
    /// the new code cannot start, the rest is kept as it is.
    ///
    /// - Parameters:
    ///   - pool: the pool's name.
    ///   - waiting: whether to return only when the last one is replaced.
    ///   - onProgress: told whenever a worker more is replaced.
    /// - Throws: `unknown_pool`, `shutting_down`, `pool_drained`; `pool_failed` where the new code
    ///   does not load or start, and for a pool that has failed (`resume(pool:)` is for that);
    ///   `cancelled`.
    public func recycle(
        pool: String,
        waiting: Bool = true,
        onProgress: @escaping @Sendable (SteeringProgress) -> Void = { _ in }
    ) async throws(CallError) {
        try await find(pool).recycle(waiting: waiting, Self.report(onProgress))
    }

    private func find(_ name: String) throws(CallError) -> WorkerPool {
        let pools = runtime.pools
        if let pool = pools.first(where: { $0.name == name }) { return pool.workers }
        guard runtime.transport != nil else {
            throw CallError(.shuttingDown, "the orchestrator is not running")
        }
        let names = pools.map(\.name)
        let hint =
            NearestName.find(name, among: names).map { "did you mean `\($0)`?" }
            ?? (names.isEmpty ? "there is none" : "there are \(names.joined(separator: ", "))")
        throw CallError(.unknownPool, "there is no pool `\(name)`; \(hint)")
    }

    private static func report(
        _ onProgress: @escaping @Sendable (SteeringProgress) -> Void
    ) -> WorkerPool.ProgressReport {
        { onProgress(SteeringProgress(done: $0.done, total: $0.total)) }
    }
}
