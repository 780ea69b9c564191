/// Decides which worker serves which call, and which workers there are.
///
/// A value: no clock, no randomness, no I/O. Each event is a method that is told the time and gives
/// back what to do. The events of a call are in `+Calls`, those of workers in `+Workers`.
package struct PoolStateMachine: Equatable, Sendable {
    package typealias Instant = Moment

    /// What the pool as a whole is doing.
    package enum State: Equatable, Sendable {
        /// No worker has been ready yet; calls wait. Becomes ready, failed, draining or closed.
        case starting
        /// Workers come and go. Becomes failed, draining or closed.
        case ready
        /// No worker can be had; calls are refused, and one is tried from time to time. Becomes
        /// ready, starting, paused or closed.
        case failed(String)
        /// No new calls; those accepted are finished. Becomes paused, starting, ready or closed.
        case pausing
        /// No calls, and workers leave or are gone, until somebody resumes the pool. Becomes
        /// starting or closed.
        case paused
        /// No new calls; those accepted are finished. Becomes closed.
        case draining
        /// No calls; workers are leaving or gone.
        case closed
    }

    /// One of the pool's workers.
    struct Worker: Equatable {
        /// Waiting becomes starting; starting becomes ready or, ended, waiting; ready becomes
        /// retiring or waiting; retiring and stopping become waiting or, where the pool has no
        /// more need of it, gone; gone becomes waiting where it has again.
        enum Phase: Equatable {
            case waiting(until: Instant)
            case starting
            case ready
            /// Takes no new calls, since it may be stuck in an abandoned one or is to leave.
            case retiring
            case stopping
            case gone
        }

        var phase: Phase
        var incarnation = 0
        var slots = 0
        var busy = 0
        var served = 0
        var since: Instant
        var failures = 0
        /// Whether it is kept free of other calls for isolated ones.
        var reservation = Reservation.none

        enum Reservation: Equatable {
            case none
            /// It finishes what it has.
            case emptying
            /// It has an isolated call.
            case serving
        }

        /// Whether the last slot went to a call that waited for this very worker: of those that
        /// wait for any the next has its turn.
        var hasServedPinned = false

        var isReserved: Bool { reservation != .none }
        /// Why the pool parts with it, where it did nothing wrong; kept until its successor is
        /// ready.
        var departure: Departure?
        /// When a worker that is to leave is ended, whatever it has.
        var retireBy: Instant?
        /// Why it is to be replaced as soon as the pool can spare it.
        var due: RecyclingReason?
        /// Its own memory when it became ready.
        var baseline: Int?
        /// Whether it is one that somebody starts elsewhere: such a place is filled when one comes,
        /// and never by the pool.
        var isGuest = false

        /// Spelt out, since comparing phases in general is slow and this is asked for each call.
        var isReady: Bool { if case .ready = phase { true } else { false } }

        /// Calls from within tools may have taken more than there are.
        var freeSlots: Int { isReady && !isReserved && busy < slots ? slots - busy : 0 }

        /// Whether it has been started and its end was not reported.
        var isAlive: Bool {
            switch phase {
            case .waiting, .gone: false
            case .starting, .ready, .retiring, .stopping: true
            }
        }
    }

    package let configuration: PoolConfiguration
    package internal(set) var state = State.starting
    var calls = CallTable()
    var breakers: Breakers
    var quarantine: Quarantine
    var retryBudget: RetryBudget
    /// The pool's own rate, once a call has come, and that of each caller.
    var rate: TokenBucket?
    var callerRates: CallerBuckets?
    /// Of its own, those beyond the target are leaving or gone; their places are kept.
    ///
    /// Guests are anywhere among them, each at a place that was one from the beginning.
    var workers: [Worker] = []
    /// How each worker's life before this one ended.
    ///
    /// Not in the worker: one that holds no references is copied for nothing.
    var lastEnds: [Int: WorkerEnd] = [:]
    /// How many workers there are to be.
    package internal(set) var target: Int
    /// Free slots of all ready workers together, so that a full pool is known at once.
    var freeSlots = 0
    /// How many calls its workers have answered.
    package internal(set) var served = 0
    /// Starts that failed in a row while no worker was ready.
    var startFailures = 0
    /// When the last of them was counted.
    var lastStartFailure: Instant?
    /// Which worker has which session's state, and what keeps an old state from counting.
    var sessions: [UInt64: SessionHome] = [:]
    var homesAt: [Int: Int] = [:]
    var unsavedSessions = 0
    /// The worker that was chosen last, where the search for the next begins.
    var cursor = 0
    var recovery = Recovery()
    /// Since when the pool has been ready.
    var readySince: Instant?
    /// Why a replacement that somebody asked for was given up.
    package internal(set) var rollFailure: String?
    /// Whether it was said that the memory limit is below what a new worker has.
    var hasWarnedOfLimit = false
    /// When abandoned calls are to be looked at, or workers to be started or ended.
    var nextCheck: Instant?
    /// The timers that the shell was told of and that have not fired, the earliest last.
    private var armedTimers: [Instant] = []

    package init(_ configuration: PoolConfiguration) {
        precondition(configuration.workers > 0 && configuration.startsAtOnce > 0)
        self.configuration = configuration
        breakers = Breakers(configuration.breaker)
        quarantine = Quarantine(memory: configuration.quarantine)
        retryBudget = RetryBudget(share: configuration.retries.budget)
        callerRates = configuration.callerRate.map(CallerBuckets.init)
        target = configuration.workers
    }

    package func workerID(_ number: Int) -> WorkerID {
        WorkerID(number: number, incarnation: workers[number].incarnation)
    }

    // MARK: Time

    /// The time at which the shell is to send `timerFired`, where that is earlier than any it was
    /// told before; asked after each event.
    package mutating func timerToArm() -> Instant? {
        let due: Instant
        switch (calls.earliestDeadline, nextCheck) {
        case (let deadline?, let check?): due = min(deadline, check)
        case (let deadline?, nil): due = deadline
        case (nil, let check?): due = check
        case (nil, nil): return nil
        }
        if let armed = armedTimers.last, armed <= due { return nil }
        armedTimers.append(due)
        return due
    }

    /// A timer that was armed has fired.
    ///
    /// Timers that came too early or twice do no harm.
    package mutating func timerFired(at now: Instant) -> [PoolAction] {
        while let armed = armedTimers.last, armed <= now { armedTimers.removeLast() }
        var actions: [PoolAction] = []
        if let earliest = calls.earliestDeadline, earliest <= now {
            actions += expireCalls(at: now)
        }
        if let check = nextCheck, check <= now {
            nextCheck = nil
            actions += endStuckWorkers(at: now)
            actions += lookAfterPopulation(at: now)
            actions += startWaitingWorkers(at: now)
            actions += resumeDelayed(at: now)
        }
        return actions
    }

    mutating func check(at instant: Instant) {
        nextCheck = nextCheck.map { min($0, instant) } ?? instant
    }

    // MARK: What others may know

    /// When the caller of a call stops waiting, where it said so.
    package func deadline(of id: CallID) -> Instant? { calls.entries[id.index].deadline }

    /// Whether the pool is closed and every worker gone.
    package var isFinished: Bool {
        state == .closed && workers.allSatisfy { $0.phase == .gone }
    }

    /// Whether the start is over: every worker has become ready or failed to once, or the pool
    /// will have no workers.
    package var isSettled: Bool {
        switch state {
        case .failed, .pausing, .paused, .draining, .closed: true
        case .starting: false
        case .ready: own.prefix(target).allSatisfy { $0.phase == .ready || $0.failures > 0 }
        }
    }

    package var queued: Int { calls.queued }

    /// The breakers that do not let everything pass.
    package func breakers(at now: Instant) -> [(operation: String, state: String)] {
        breakers.notClosed(at: now)
    }
    package var inFlight: Int { calls.sent }
}

extension PoolStateMachine.State {
    /// The word for people and for `krait status --json`.
    package var name: String {
        switch self {
        case .starting: "starting"
        case .ready: "ready"
        case .failed: "failed"
        case .pausing: "draining"
        case .paused: "drained"
        case .draining: "draining"
        case .closed: "closed"
        }
    }

    /// Whether workers are kept and started.
    var hasWorkers: Bool {
        switch self {
        case .starting, .ready, .pausing, .draining: true
        case .failed, .paused, .closed: false
        }
    }
}

extension PoolStateMachine.Worker.Phase {
    var name: String {
        switch self {
        case .waiting: "waiting"
        case .starting: "starting"
        case .ready: "ready"
        case .retiring: "retiring"
        case .stopping: "stopping"
        case .gone: "gone"
        }
    }
}
