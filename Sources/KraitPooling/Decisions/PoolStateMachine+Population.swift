/// How many workers there are: resizing, draining and resuming at run time, and the recovery of a
/// pool that failed.
extension PoolStateMachine {
    /// Why the pool parts with a worker that did nothing wrong.
    enum Departure: Equatable {
        case recycled(RecyclingReason)
        /// The pool was made smaller.
        case surplus
        /// It broke the protocol.
        case distrusted(String)
        /// The pool ends all its workers, for now or for good.
        case closing
        /// It leaves by itself.
        case left
    }

    // MARK: Resizing

    /// The pool is to have so many workers from now on.
    ///
    /// More are started at once; of too many those with the highest numbers finish their calls and
    /// leave. Queued calls stay.
    package mutating func resized(to count: Int, at now: Instant) -> [PoolAction] {
        precondition(count > 0)
        target = count
        guard !workers.isEmpty, state != .closed else { return [] }
        for _ in 0..<max(0, target - own.count) {
            workers.append(Worker(phase: .gone, since: now))
        }
        guard state.hasWorkers else { return [] }
        wantWorkers(at: now)
        return retireSurplus() + serveIsolated(at: now) + startWaitingWorkers(at: now)
            + beginRecycling()
    }

    /// Lets the workers beyond the target leave.
    private mutating func retireSurplus() -> [PoolAction] {
        var actions: [PoolAction] = []
        for number in ownPlaces.dropFirst(target) {
            switch workers[number].phase {
            case .waiting:
                workers[number].phase = .gone
                workers[number].departure = nil
                actions += sessionsLost(with: number, at: workers[number].since)
            case .starting:
                workers[number].phase = .stopping
                workers[number].departure = .surplus
                actions.append(.stop(workerID(number), .closing))
            case .ready: actions += retire(number, .surplus)
            case .retiring, .stopping, .gone: break
            }
        }
        return actions
    }

    /// Makes sure that each worker the pool is to have is there or will be.
    private mutating func wantWorkers(at now: Instant) {
        for number in ownPlaces.prefix(target) where workers[number].phase == .gone {
            workers[number].phase = .waiting(until: now)
            workers[number].since = now
            workers[number].failures = 0
            workers[number].departure = nil
        }
    }

    // MARK: Leaving

    /// Gives a worker no new calls; it leaves once those it has are done.
    mutating func retire(_ number: Int, _ departure: Departure) -> [PoolAction] {
        freeSlots -= workers[number].freeSlots
        workers[number].phase = .retiring
        workers[number].reservation = .none
        workers[number].departure = departure
        workers[number].retireBy = nil
        // An instant that has passed: the next timer gives it its time.
        check(at: workers[number].since)
        return sessionsLeave(number, at: workers[number].since) + endIfOnlyAbandoned(number)
    }

    /// Ends workers that should have left by now, whatever calls they have.
    private mutating func endOverdueWorkers(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for number in workers.indices {
            guard workers[number].phase == .retiring, workers[number].departure != nil else {
                continue
            }
            let due = workers[number].retireBy ?? now + configuration.recycling.patience
            workers[number].retireBy = due
            if due <= now {
                workers[number].phase = .stopping
                actions.append(.stop(workerID(number), .overdue))
            } else {
                check(at: due)
            }
        }
        return actions
    }

    /// What of the population is due by now.
    mutating func lookAfterPopulation(at now: Instant) -> [PoolAction] {
        let ended = endOverdueWorkers(at: now)
        markAged(at: now)
        return ended + beginRecycling() + recoverIfDue(at: now)
    }

    // MARK: Draining and resuming

    /// No new calls until the pool is resumed; those that were accepted are finished, then the
    /// workers leave.
    ///
    /// `atOnce` fails what was accepted instead.
    package mutating func pauseRequested(atOnce: Bool = false) -> [PoolAction] {
        switch state {
        case .starting, .ready, .pausing:
            state = .pausing
            return atOnce ? pause() : closeIfDrained()
        case .failed: return pause()
        case .paused, .draining, .closed: return []
        }
    }

    /// The pool takes calls again, or tries again to have workers.
    ///
    /// Workers that were all gone come from freshly loaded code.
    package mutating func resumeRequested(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        switch state {
        case .starting, .ready, .draining, .closed: return []
        case .pausing: break
        case .paused, .failed: actions.append(.startAfresh)
        }
        state = workers.contains(where: \.isReady) ? .ready : .starting
        readySince = state == .ready ? now : nil
        startFailures = 0
        recovery = Recovery()
        hasWarnedOfLimit = false
        wantWorkers(at: now)
        return actions + startWaitingWorkers(at: now)
    }

    /// Ends all workers of a pool that is being drained, and what calls it still has.
    mutating func pause() -> [PoolAction] {
        state = .paused
        recovery = Recovery()
        return failAllCalls { .poolDrained(sent: $0) } + stopWorkers() + finishIfGone()
    }

    // MARK: Recovery

    /// When a failed pool is tried again.
    struct Recovery: Equatable {
        /// How often it was tried since it last was ready for a while.
        var tries = 0
        /// Nil while a try is under way, and for a pool that has not failed.
        var next: Instant?
    }

    /// Plans the next try of a pool that has just failed, or failed again.
    mutating func planRecovery(at now: Instant) {
        if let readySince, readySince.duration(to: now) >= configuration.recovery.base {
            recovery.tries = 0
        }
        readySince = nil
        let next = now + configuration.recovery.delay(afterTries: recovery.tries)
        recovery.tries += 1
        recovery.next = next
        check(at: next)
    }

    /// Starts one worker of a failed pool whose next try is due.
    mutating func recoverIfDue(at now: Instant) -> [PoolAction] {
        guard case .failed = state, let due = recovery.next else { return [] }
        guard due <= now else {
            check(at: due)
            return []
        }
        // Where all are still being ended, the end of one leads here again.
        guard
            let number = ownPlaces.prefix(target).first(where: {
                workers[$0].phase == .gone
            })
        else { return [] }
        recovery.next = nil
        workers[number].failures = 0
        return [.recovering(recovery.tries), .startAfresh, start(number, at: now)]
    }

    /// A worker of a failed pool is gone: one of those it had, or the one that was tried.
    mutating func workerOfFailedPoolExited(
        _ exit: WorkerExit,
        wasTried: Bool,
        at now: Instant
    ) -> [PoolAction] {
        guard wasTried else { return recoverIfDue(at: now) }
        state = .failed(exit.description)
        planRecovery(at: now)
        return []
    }

    /// The worker that a failed pool tried is ready: the others follow.
    mutating func recovered(at now: Instant) -> [PoolAction] {
        recovery.next = nil
        wantWorkers(at: now)
        return retireSurplus()
    }

    // MARK: Progress

    /// Whether nothing more can come of what somebody waits for.
    package func isOver(_ goal: Goal) -> Bool {
        switch goal {
        case .population: state != .starting && state != .ready
        case .paused: state != .pausing && state != .paused
        case .recycled: (state != .starting && state != .ready) || rollFailure != nil
        }
    }

    /// What somebody can wait for.
    package enum Goal: Sendable {
        /// Every worker that is to be there is, or has failed to start; none is left that is not.
        case population
        /// Everyone has left.
        case paused
        /// Nobody is left of those that somebody wanted replaced.
        case recycled
    }

    /// How many workers are not yet as they are to be.
    package func outstanding(_ goal: Goal) -> Int {
        let alive = workers.count(where: \.isAlive)
        switch goal {
        case .population:
            let missing = own.prefix(target).count { !$0.isReady && $0.failures == 0 }
            return missing + own.dropFirst(target).count(where: \.isAlive)
        case .paused:
            // A pool that still finishes calls is not done, even without a worker.
            return state == .pausing ? max(1, alive) : alive
        case .recycled:
            return workers.count { $0.due == .asked || $0.departure == .recycled(.asked) }
        }
    }
}

/// How long after it failed a pool is tried again: twice as long after each try, to a bound.
package struct RecoveryDelay: Sendable, Equatable {
    package var base: Duration
    package var maximum: Duration

    package init(base: Duration = .seconds(30), maximum: Duration = .seconds(300)) {
        self.base = base
        self.maximum = maximum
    }

    /// The time to the next try, where there were so many before.
    package func delay(afterTries tries: Int) -> Duration {
        min(base * (1 << min(tries, 16)), max(base, maximum))
    }
}
