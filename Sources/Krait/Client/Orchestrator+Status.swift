import Glibc
import KraitLM
import KraitObservability
import KraitPooling
import KraitWire
import KraitWorkers

extension Orchestrator {
    /// The pools and their workers at this moment.
    public func status() async -> OrchestratorStatus {
        var pools: [OrchestratorStatus.Pool] = []
        for pool in runtime.pools {
            let status = await pool.workers.status()
            pools.append(OrchestratorStatus.Pool(pool.name, status, pool.backend.arena?.usage))
        }
        return OrchestratorStatus(
            name: name,
            processID: getpid(),
            run: run,
            uptime: startInstant.duration(to: .now),
            pools: pools,
            pipelines: namedPipelines.map { pipeline in
                let counts = runs.counts(of: pipeline.name)
                return OrchestratorStatus.Pipeline(
                    name: pipeline.name,
                    running: counts.running,
                    done: counts.done,
                    failed: counts.failed
                )
            },
            models: settings.gateway.ledger.models,
            sessions: sessionCounts
        )
    }

    private var sessionCounts: OrchestratorStatus.Sessions {
        let counts = book.counts()
        return OrchestratorStatus.Sessions(
            count: counts.all,
            checkedOut: counts.checkedOut,
            unwritten: counts.unwritten,
            problem: counts.problem
        )
    }

    /// The calls of language models that the orchestrator's gateway has made.
    public var ledger: LMLedger { settings.gateway.ledger }

    /// Refuses new runs of pipelines and lets those under way finish, then does so with calls, and
    /// ends the pools; all within `drainTimeout`.
    public func drain() async {
        events.emit(.daemonDraining)
        let end = ContinuousClock.now + settings.drainTimeout
        // A run needs its pools until its last step.
        await runs.close(within: settings.drainTimeout)
        let left = max(.zero, ContinuousClock.now.duration(to: end))
        await withDiscardingTaskGroup { group in
            for pool in runtime.pools {
                group.addTask { await pool.workers.drain(within: left) }
            }
        }
    }
}

extension Orchestrator {
    /// Ends the pools at once: what is queued or running fails with `shutting_down`.
    public func stop() async {
        runs.abandon()
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
    /// In the order of their declaration.
    public var pipelines: [Pipeline] = []
    /// What this process has asked language models itself, by model.
    public var models: [String: LMSum] = [:]
    /// The sessions there are.
    public var sessions = Sessions()

    /// How many sessions there are.
    public struct Sessions: Sendable {
        /// All of them.
        public var count = 0
        /// Those that somebody has to himself.
        public var checkedOut = 0
        /// Those whose last state is not written yet.
        public var unwritten = 0
        /// Why their file cannot be used, where it cannot.
        public var problem: String?
    }

    /// One pipeline, with the runs that were asked for by its name.
    public struct Pipeline: Sendable {
        /// The pipeline's name.
        public var name: String
        /// How many runs are under way.
        public var running: Int
        /// How many have come to their end.
        public var done: Int
        /// How many have failed.
        public var failed: Int
    }

    /// One pool.
    public struct Pool: Sendable {
        /// The pool's name.
        public var name: String
        /// `starting`, `ready`, `failed`, `draining`, `drained` or `closed`.
        public var state: String
        /// Why the pool failed, where it did.
        public var failure: String?
        /// The operations whose breaker is not closed, with `open` or `half_open`.
        public var breakers: [(operation: String, state: String)]
        /// When a failed pool is tried again; nil while it is being tried.
        public var nextTry: Duration?
        /// How many calls wait for a slot.
        public var queued: Int
        /// How many calls its workers have answered, those that are gone too.
        public var served: Int
        /// How many workers there are to be; more may be there while some leave.
        public var target: Int
        /// In the order of their numbers.
        public var workers: [Worker]
        /// The last that happened to it, the oldest first; at most 20.
        public var events: [PoolEvent]
        /// The shared memory for its arguments; nil where it has none.
        public var arena: Arena?

        init(_ name: String, _ status: WorkerPool.Status, _ usage: KraitWorkers.Arena.Usage?) {
            self.name = name
            arena = usage.map { usage in
                Arena(
                    size: usage.size,
                    used: usage.used,
                    leases: usage.leases,
                    refused: usage.refused
                )
            }
            state = status.state.name
            if case .failed(let reason) = status.state { failure = reason }
            breakers = status.breakers
            nextTry = status.nextTry.map { max(.zero, status.now.duration(to: $0)) }
            queued = status.queued
            served = status.served
            target = status.target
            workers = status.workers.map { Worker($0.snapshot, $0.facts, at: status.now) }
            events = status.journal.entries.map { entry in
                PoolEvent(
                    name: entry.event.rawValue,
                    worker: entry.worker.map { "\(name)/\($0)" },
                    detail: entry.detail,
                    age: entry.at.duration(to: status.now)
                )
            }
        }
    }

    /// A pool's shared memory for large arguments; its workers' own, for results, is not counted.
    public struct Arena: Sendable {
        /// Bytes that it has taken from the machine.
        public var size: Int
        /// How many of those hold something.
        public var used: Int
        /// What is lent to workers at this moment.
        public var leases: Int
        /// How many values had no room since the start, and went through the socket.
        public var refused: Int
    }

    /// Something that happened to a pool.
    public struct PoolEvent: Sendable {
        /// As in the table of events, such as `worker.crashed`.
        public var name: String
        /// The worker it happened to, where it was one.
        public var worker: String?
        /// What there is to say of it.
        public var detail: String?
        /// How long ago it was.
        public var age: Duration
    }

    /// One worker.
    public struct Worker: Sendable {
        /// Nil while there is no process.
        public var processID: Int32?
        /// Where it runs, such as `box (pid 4711)`, of one that joined from another host; nil for
        /// one of this run's own.
        public var host: String?
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
        /// How often its place was given to a new process.
        public var restarts: Int
        /// How the process before this one ended, such as
        /// `crashed: signal 11 (Segmentation fault)`.
        public var lastEnd: String?
        /// How long ago that was.
        public var sinceLastEnd: Duration?
        /// For how long the oldest call that runs there has run, calls that nobody waits for any
        /// more included; counted on from the last heartbeat.
        public var oldestCall: Duration?

        init(
            _ snapshot: PoolStateMachine.WorkerSnapshot,
            _ facts: WorkerFacts,
            at now: Moment
        ) {
            processID = facts.processID
            host = facts.host
            state = snapshot.state
            slots = snapshot.slots
            busy = snapshot.busy
            served = snapshot.served
            residentBytes = facts.residentBytes
            age = facts.age
            restarts = max(0, snapshot.id.incarnation - 1)
            lastEnd = snapshot.lastEnd?.description
            sinceLastEnd = snapshot.lastEnd.map { $0.at.duration(to: now) }
            oldestCall = facts.oldestCall
        }
    }
}
