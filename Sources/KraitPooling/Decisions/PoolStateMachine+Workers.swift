extension PoolStateMachine {
    /// The pool is to have its workers; one that was closed before it started is finished.
    package mutating func started(at now: Instant) -> [PoolAction] {
        precondition(workers.isEmpty, "a pool starts once")
        guard state != .closed else { return finishIfGone() }
        workers = Array(
            repeating: Worker(phase: .waiting(until: now), since: now),
            count: target
        )
        return startWaitingWorkers(at: now)
    }

    /// A worker can take calls, `slots` at once; it has so much memory of its own by now.
    package mutating func workerReady(
        _ id: WorkerID,
        slots: Int,
        residentBytes: Int? = nil,
        at now: Instant
    ) -> [PoolAction] {
        guard isCurrent(id), workers[id.number].phase == .starting else { return [] }
        workers[id.number].phase = .ready
        workers[id.number].slots = max(1, slots)
        workers[id.number].busy = 0
        workers[id.number].since = now
        workers[id.number].departure = nil
        workers[id.number].baseline = residentBytes
        freeSlots += workers[id.number].slots
        startFailures = 0
        var actions: [PoolAction] = []
        switch state {
        case .starting, .failed:
            let hadFailed = state != .starting
            state = .ready
            readySince = now
            actions.append(.becameReady)
            if hadFailed { actions += recovered(at: now) }
        case .ready, .pausing, .paused, .draining, .closed: break
        }
        actions +=
            watchLimits(of: id.number) + serveIsolated(at: now) + serveNested(at: now)
            + fillSlots(of: id.number, at: now)
        return actions + startWaitingWorkers(at: now) + beginRecycling()
    }

    /// A worker's life is over.
    ///
    /// `random`, from 0 up to 1, spreads the restarts and the retries of its calls; `fingerprint`
    /// gives a number for a call's content.
    package mutating func workerExited(
        _ id: WorkerID,
        _ exit: WorkerExit,
        random: Double,
        at now: Instant,
        fingerprint: (CallID) -> UInt64? = { _ in nil }
    ) -> [PoolAction] {
        guard isCurrent(id), workers[id.number].isAlive else { return [] }
        var actions = suspectCalls(of: id, exit, fingerprint, at: now)
        actions += failCalls(of: id, exit, random: random, at: now)
        actions += sessionsLost(with: id.number, at: now)
        freeSlots -= workers[id.number].freeSlots
        let ended = workers[id.number]
        let wasReady = ended.phase != .starting
        workers[id.number].slots = 0
        workers[id.number].busy = 0
        workers[id.number].reservation = .none
        workers[id.number].due = nil
        lastEnds[id.number] = WorkerEnd(
            id: id,
            exit: exit,
            reason: ended.phase == .starting ? nil : ended.departure?.description,
            at: now
        )

        switch state {
        case .closed, .paused:
            workers[id.number].phase = .gone
            return actions + finishIfGone()
        case .failed:
            workers[id.number].phase = .gone
            return actions + workerOfFailedPoolExited(exit, wasTried: !wasReady, at: now)
        case .starting, .ready, .pausing, .draining:
            if !isWanted(id.number) {
                workers[id.number].phase = .gone
                return actions + serveIsolated(at: now) + closeIfDrained()
            }
            if ended.phase == .stopping, ended.departure != nil, exit == .stopped {
                workers[id.number].phase = .waiting(until: now)
                workers[id.number].since = now
            } else {
                if !wasReady, ended.departure == .recycled(.asked) { endRoll(exit.description) }
                workers[id.number].departure = nil
                scheduleRestart(of: id.number, wasReady: wasReady, random: random, at: now)
                if let reason = reasonToGiveUp(exit, startedAt: ended.since, at: now) {
                    return actions + giveUp(reason, at: now)
                }
            }
            actions += startWaitingWorkers(at: now) + serveIsolated(at: now)
            return actions + closeIfDrained()
        }
    }

    /// No new calls; those that were accepted are finished, then the workers leave.
    package mutating func drainRequested() -> [PoolAction] {
        switch state {
        case .starting, .ready, .pausing:
            state = .draining
            return closeIfDrained()
        case .failed, .paused: return close()
        case .draining, .closed: return []
        }
    }

    /// The pool closes now: what is queued or running fails.
    package mutating func stopRequested() -> [PoolAction] {
        state == .closed ? [] : close()
    }

    // MARK: Starts

    mutating func startWaitingWorkers(at now: Instant) -> [PoolAction] {
        switch state {
        case .starting, .ready: break
        case .pausing, .draining: guard calls.queued > 0 else { return [] }
        case .failed, .paused, .closed: return []
        }
        var actions: [PoolAction] = []
        var starting = workers.count { $0.phase == .starting && !$0.isGuest }
        for number in workers.indices {
            guard case .waiting(let until) = workers[number].phase else { continue }
            guard until <= now else {
                check(at: until)
                continue
            }
            guard starting < configuration.startsAtOnce else { continue }
            starting += 1
            actions.append(start(number, at: now))
        }
        return actions
    }

    /// Begins the next life of a worker.
    mutating func start(_ number: Int, at now: Instant) -> PoolAction {
        workers[number].phase = .starting
        workers[number].incarnation += 1
        workers[number].served = 0
        workers[number].since = now
        workers[number].due = nil
        workers[number].baseline = nil
        return .start(workerID(number))
    }

    private mutating func scheduleRestart(
        of number: Int,
        wasReady: Bool,
        random: Double,
        at now: Instant
    ) {
        let lived = workers[number].since.duration(to: now)
        let wasStable = wasReady && lived >= configuration.stableAfter
        workers[number].failures = wasStable ? 1 : workers[number].failures + 1
        let delay = configuration.backoff.delay(
            afterFailures: workers[number].failures,
            random: random
        )
        workers[number].phase = .waiting(until: now + delay)
        workers[number].since = now
    }

    /// Counts a start that failed, and says why the pool is to give up, if it is.
    ///
    /// It never is while a worker serves: those that cannot start are tried again, later and later.
    /// Workers that were on their way up together failed once: mostly for one and the same reason.
    private mutating func reasonToGiveUp(
        _ exit: WorkerExit,
        startedAt start: Instant,
        at now: Instant
    ) -> String? {
        let hasWorker = workers.contains { $0.phase == .ready || $0.phase == .retiring }
        guard !hasWorker else { return nil }
        switch exit {
        case .cannotStart(let reason): return reason
        case .failedToStart(let reason):
            if let lastStartFailure, start < lastStartFailure { return nil }
            lastStartFailure = now
            startFailures += 1
            guard startFailures >= configuration.maximumStartFailures else { return nil }
            return "\(startFailures) starts failed in a row, the last one: \(reason)"
        case .stopped, .crashed, .silent: return nil
        }
    }

    func isCurrent(_ id: WorkerID) -> Bool {
        workers.indices.contains(id.number) && workers[id.number].incarnation == id.incarnation
    }

    // MARK: Ends

    /// Ends each call of a worker that is no more, once: it fails, or is made again.
    private mutating func failCalls(
        of id: WorkerID,
        _ exit: WorkerExit,
        random: Double,
        at now: Instant
    ) -> [PoolAction] {
        guard workers[id.number].busy > 0 else { return [] }
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            switch calls.entries[index].phase {
            case .sent(id.number):
                actions += lost(index, failure(of: id, exit), random: random, at: now)
            case .abandoned(id.number, _): calls.remove(index)
            case .free, .queued, .isolated, .nested, .pinned, .delayed, .sent, .abandoned: continue
            }
        }
        return actions
    }

    private func failure(of id: WorkerID, _ exit: WorkerExit) -> CallFailure {
        switch exit {
        case .silent: .workerSilent(id)
        case .stopped where workers[id.number].departure != nil:
            .workerCrashed(
                id,
                "it was to leave, and had not finished within \(configuration.recycling.patience)"
            )
        case .stopped: .workerCrashed(id, "it was ended")
        case .crashed(let status), .failedToStart(let status), .cannotStart(let status):
            .workerCrashed(id, status)
        }
    }

    /// Takes workers that have been at an abandoned call for too long out of service.
    mutating func endStuckWorkers(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for entry in calls.entries {
            guard case .abandoned(let number, let since) = entry.phase else { continue }
            let due = since + configuration.abandonedGrace
            guard due <= now else {
                check(at: due)
                continue
            }
            if workers[number].phase == .ready {
                freeSlots -= workers[number].freeSlots
                workers[number].phase = .retiring
                workers[number].reservation = .none
                actions += endIfOnlyAbandoned(number)
            }
        }
        return actions
    }

    /// Ends a retiring worker once only calls that nobody waits for hold it.
    mutating func endIfOnlyAbandoned(_ number: Int) -> [PoolAction] {
        guard workers[number].phase == .retiring else { return [] }
        let isAwaited = calls.entries.contains { $0.phase == .sent(worker: number) }
        guard !isAwaited else { return [] }
        // One that may be stuck is not asked; one without a free slot is, once it has one.
        if workers[number].departure != nil, let saves = saveStates(of: number) { return saves }
        workers[number].phase = .stopping
        let isStuck = workers[number].departure == nil || workers[number].busy > 0
        return [.stop(workerID(number), isStuck ? .stuck : .closing)]
    }

    /// Closes a draining pool whose calls are all done, for good or until it is resumed.
    mutating func closeIfDrained() -> [PoolAction] {
        guard state == .draining || state == .pausing else { return [] }
        let isAwaited =
            calls.queued > 0
            || calls.entries.contains { if case .sent = $0.phase { true } else { false } }
        if isAwaited { return [] }
        let saves = workers.indices.filter { workers[$0].isReady }.flatMap {
            saveStates(of: $0) ?? []
        }
        guard saves.isEmpty else { return saves }
        return state == .pausing ? pause() : close()
    }

    /// Fails every call, since no worker can be had.
    private mutating func giveUp(_ reason: String, at now: Instant) -> [PoolAction] {
        let failures = failAllCalls { .poolFailed(reason, sent: $0) }
        if state == .draining { return failures + close() }
        if state == .pausing { return failures + pause() }
        state = .failed(reason)
        planRecovery(at: now)
        return failures + [.becameFailed(reason)] + stopWorkers()
    }

    private mutating func close() -> [PoolAction] {
        state = .closed
        return failAllCalls { .shuttingDown(sent: $0) } + stopWorkers() + finishIfGone()
    }

    /// Fails what is queued and what workers have; workers are about to be stopped.
    mutating func failAllCalls(
        _ failure: (_ sent: Bool) -> CallFailure
    ) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            let phase = calls.entries[index].phase
            guard phase != .free else { continue }
            switch phase {
            case .queued, .isolated, .nested, .pinned, .delayed, .sent:
                let wasSent = calls.entries[index].wasSent
                actions.append(.fail(calls.id(at: index), failure(wasSent)))
            case .free, .abandoned: break
            }
            calls.remove(index)
        }
        calls.refreshEarliestDeadline()
        // Nothing is left that could tell them how a trial went.
        breakers = Breakers(configuration.breaker)
        return actions
    }

    mutating func stopWorkers() -> [PoolAction] {
        var actions: [PoolAction] = []
        freeSlots = 0
        for number in workers.indices {
            workers[number].reservation = .none
            // What a busy worker does is of no use to anybody any more.
            let reason = workers[number].busy > 0 ? StopReason.stuck : .closing
            workers[number].busy = 0
            switch workers[number].phase {
            case .waiting:
                workers[number].phase = .gone
                workers[number].departure = nil
                actions += sessionsLost(with: number, at: workers[number].since)
            case .starting, .ready, .retiring:
                workers[number].phase = .stopping
                workers[number].departure = .closing
                actions.append(.stop(workerID(number), reason))
            case .stopping, .gone: break
            }
        }
        return actions
    }

    func finishIfGone() -> [PoolAction] {
        guard workers.allSatisfy({ $0.phase == .gone }) else { return [] }
        switch state {
        case .closed: return [.finished]
        case .paused: return [.paused]
        case .starting, .ready, .failed, .pausing, .draining: return []
        }
    }
}
