import Testing

@testable import KraitPooling

/// The moment at which the tests' pools begin.
let origin = Moment.now

/// The moment `milliseconds` after the origin.
func at(_ milliseconds: Int) -> Moment { origin + .milliseconds(milliseconds) }

extension PoolStateMachine {
    /// A pool that was started at the origin, with its first `ready` workers ready.
    static func started(
        workers: Int = 1,
        ready: Int = 0,
        slots: Int = 1,
        configure: (inout PoolConfiguration) -> Void = { _ in }
    ) -> PoolStateMachine {
        var configuration = PoolConfiguration(workers: workers, startsAtOnce: workers)
        configure(&configuration)
        var pool = PoolStateMachine(configuration)
        _ = pool.started(at: origin)
        for number in 0..<ready {
            _ = pool.workerReady(pool.workerID(number), slots: slots, at: origin)
        }
        return pool
    }

    /// What becomes of a call that comes; nothing else must follow from it.
    mutating func arrival(
        _ traits: CallTraits = CallTraits(),
        deadline: Moment?,
        fingerprint: UInt64? = nil,
        at now: Moment
    ) -> Arrival {
        let (arrival, actions) = callArrived(
            traits,
            deadline: deadline,
            fingerprint: fingerprint,
            at: now
        )
        #expect(actions.isEmpty)
        return arrival
    }

    /// A worker answers at the origin.
    mutating func answered(
        _ id: CallID,
        by worker: WorkerID,
        _ answer: Answer = .success
    ) -> Answered { answered(id, by: worker, answer, at: origin) }

    /// A call that must go to a worker at once.
    mutating func sentCall(
        _ traits: CallTraits = CallTraits(),
        deadline: Moment? = nil,
        at now: Moment = origin
    ) throws -> (id: CallID, worker: WorkerID) {
        let arrival = arrival(traits, deadline: deadline, at: now)
        guard case .send(let id, let worker) = arrival else {
            throw UnexpectedArrival(arrival: arrival)
        }
        return (id, worker)
    }

    /// A call that must wait in the queue.
    mutating func queuedCall(
        _ traits: CallTraits = CallTraits(),
        deadline: Moment? = nil,
        at now: Moment = origin
    ) throws -> CallID {
        let arrival = arrival(traits, deadline: deadline, at: now)
        guard case .queued(let id) = arrival else { throw UnexpectedArrival(arrival: arrival) }
        return id
    }

    /// Tells the pool that the life of a worker's current incarnation is over.
    mutating func exit(
        _ number: Int,
        _ exit: WorkerExit,
        random: Double = 0.5,
        at now: Moment = origin
    ) -> [PoolAction] {
        workerExited(workerID(number), exit, random: random, at: now)
    }

    var phases: [Worker.Phase] { workers.map(\.phase) }
}

struct UnexpectedArrival: Error {
    var arrival: PoolStateMachine.Arrival
}

/// A worker's number and incarnation, as logs spell it.
func worker(_ number: Int, _ incarnation: Int = 1) -> WorkerID {
    WorkerID(number: number, incarnation: incarnation)
}
