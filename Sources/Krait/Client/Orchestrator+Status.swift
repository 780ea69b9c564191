import Glibc
import KraitObservability
import KraitPooling
import KraitWire

extension Orchestrator {
    /// The pools and their workers at this moment.
    public func status() async -> OrchestratorStatus {
        var pools: [OrchestratorStatus.Pool] = []
        for pool in runtime.pools {
            pools.append(OrchestratorStatus.Pool(pool.name, await pool.workers.status()))
        }
        return OrchestratorStatus(
            name: name,
            processID: getpid(),
            run: run,
            uptime: startInstant.duration(to: .now),
            pools: pools
        )
    }

    /// Refuses new calls, lets the accepted ones finish within `drainTimeout`, and ends the pools.
    public func drain() async {
        events.emit(.daemonDraining)
        await withDiscardingTaskGroup { group in
            for pool in runtime.pools {
                group.addTask { await pool.workers.drain(within: self.settings.drainTimeout) }
            }
        }
    }
}

extension Orchestrator {
    /// Ends the pools at once: what is queued or running fails with `shutting_down`.
    public func stop() async {
        for pool in runtime.pools { await pool.workers.stop() }
    }
}

/// What `krait status` shows.
public struct OrchestratorStatus: Sendable {
    /// The orchestrator's name.
    public var name: String
    /// This process.
    public var processID: Int32
    /// Names this run; another one has another.
    public var run: String
    /// For how long the orchestrator has existed.
    public var uptime: Duration
    /// In the order of their declaration.
    public var pools: [Pool]

    /// One pool.
    public struct Pool: Sendable {
        /// The pool's name.
        public var name: String
        /// `starting`, `ready`, `failed`, `draining` or `closed`.
        public var state: String
        /// Why the pool failed, where it did.
        public var failure: String?
        /// The operations whose breaker is not closed, with `open` or `half_open`.
        public var breakers: [(operation: String, state: String)]
        /// How many calls wait for a slot.
        public var queued: Int
        /// In the order of their numbers.
        public var workers: [Worker]

        init(_ name: String, _ status: WorkerPool.Status) {
            self.name = name
            state = status.state.name
            if case .failed(let reason) = status.state { failure = reason }
            breakers = status.breakers
            queued = status.queued
            workers = status.workers.map { Worker($0.snapshot, $0.facts) }
        }
    }

    /// One worker.
    public struct Worker: Sendable {
        /// Nil while there is no process.
        public var processID: Int32?
        /// `waiting`, `starting`, `ready`, `retiring`, `stopping` or `gone`.
        public var state: String
        /// How many calls it serves at once.
        public var slots: Int
        /// How many calls it has now.
        public var busy: Int
        /// How many calls it has answered.
        public var served: Int
        /// Memory that is the worker's alone, as it last said.
        public var residentBytes: Int?
        /// For how long its process has been there.
        public var age: Duration?

        init(_ snapshot: PoolStateMachine.WorkerSnapshot, _ facts: WorkerFacts) {
            processID = facts.processID
            state = snapshot.state
            slots = snapshot.slots
            busy = snapshot.busy
            served = snapshot.served
            residentBytes = facts.residentBytes
            age = facts.age
        }
    }

    /// The status as `krait status --json` prints it.
    public var value: Value {
        [
            "name": .string(name),
            "pid": .int(Int64(processID)),
            "run": .string(run),
            "uptime_s": .double(uptime.roundedSeconds),
            "pools": .list(pools.map(\.value)),
        ]
    }
}

extension OrchestratorStatus.Pool {
    /// The worst of its breakers.
    ///
    /// A pool without workers refuses calls as an open one does.
    fileprivate var breaker: String {
        if state == "failed" || breakers.contains(where: { $0.state == "open" }) { return "open" }
        return breakers.isEmpty ? "closed" : "half_open"
    }

    fileprivate var value: Value {
        [
            "name": .string(name),
            "state": .string(state),
            "failure": failure.map(Value.string) ?? .null,
            "breaker": .string(breaker),
            "breakers": .map(
                ValueMap(breakers.map { ($0.operation, .string($0.state)) })
            ),
            "queued": .int(Int64(queued)),
            "workers": .list(workers.map(\.value)),
        ]
    }
}

extension OrchestratorStatus.Worker {
    fileprivate var value: Value {
        [
            "pid": processID.map { .int(Int64($0)) } ?? .null,
            "state": .string(state),
            "slots": .int(Int64(slots)),
            "busy": .int(Int64(busy)),
            "served": .int(Int64(served)),
            "resident_bytes": residentBytes.map { .int(Int64($0)) } ?? .null,
            "age_s": age.map { .double($0.roundedSeconds) } ?? .null,
        ]
    }
}

extension Duration {
    /// Seconds to the millisecond.
    fileprivate var roundedSeconds: Double { (self / .milliseconds(1)).rounded() / 1_000 }
}
