import KraitWire

@testable import KraitPooling

/// Performing what the pool decides, and comparing the world's books with the pool's.
extension PoolWorld {
    func require(
        _ condition: Bool,
        _ violation: @autoclosure () -> String
    ) throws(Violation) {
        guard !condition else { return }
        throw Violation(description: violation())
    }

    // MARK: Actions

    mutating func perform(_ actions: [PoolAction]) throws(Violation) {
        for action in actions {
            switch action {
            case .send(let id, let worker):
                try leaveQueue(id)
                try send(id, to: worker)
            case .save, .statesLost: throw Violation(description: "there are no sessions")
            case .retry(let id, _): try retry(id)
            case .breakerOpened: ends.broken += 1
            case .breakerClosed: break
            case .cancel(let id, let worker): try cancel(id, at: worker)
            case .fail(let id, let failure): try fail(id, failure)
            case .credit(let id, let more, let worker): try give(more, to: id, at: worker)
            case .distrusted(let worker, _):
                try require(lives[worker] != nil, "\(worker) is distrusted after its end")
            case .start(let id): try start(id)
            case .stop(let id, let reason): try stop(id, reason)
            case .becameReady, .becameFailed, .startAfresh: break
            case .recycling(let id, let reason): try recycle(id, reason)
            case .limitTooLow(let limit, let baseline):
                ends.warned += 1
                try require(baseline >= limit, "the limit \(limit) is not below \(baseline)")
            case .recovering: ends.recovering += 1
            case .paused:
                ends.paused += 1
                try require(lives.isEmpty, "the pool is drained while workers live")
            case .finished:
                ends.finished += 1
                try require(lives.isEmpty, "the pool finished while workers live")
            }
        }
        armTimer()
    }

    /// A call's turn has come: no call of the same caller and priority may have come before it.
    private mutating func leaveQueue(_ id: CallID) throws(Violation) {
        guard let place = queue.firstIndex(of: id), let traits = promises[id]?.traits else {
            throw Violation(description: "\(id) was sent, but does not wait")
        }
        let isReserved = pool.workers.contains { $0.reservation == .serving }
        if !returned.contains(id), !isReserved, !traits.isNested {
            let earlier = queue[..<place].first { other in
                guard let others = promises[other]?.traits, !returned.contains(other) else {
                    return false
                }
                let isInLine = pool.calls.index(of: other).map {
                    pool.calls.entries[$0].phase == .queued
                }
                return others.caller == traits.caller && others.priority == traits.priority
                    && isInLine == true
            }
            try require(earlier == nil, "\(id) overtook one of its caller")
        }
        queue.remove(at: place)
    }

    private mutating func retry(_ id: CallID) throws(Violation) {
        guard let promise = promises[id], !promise.isOver, promise.traits.isIdempotent else {
            throw Violation(description: "\(id) is made again, but may not be")
        }
        try require(!promise.hasBegun, "\(id) is made again after a part of it came")
        ends.retried += 1
        promises[id]?.holder = nil
        queue.append(id)
        returned.insert(id)
        let share = weather.configuration.retries.budget
        try require(
            Double(ends.retried) <= RetryBudget.maximum / 10 + share * Double(ends.accepted) + 1e-6,
            "\(ends.retried) retries of \(ends.accepted) calls are more than the budget"
        )
    }

    private mutating func start(_ id: WorkerID) throws(Violation) {
        let incarnation = incarnations[id.number, default: 0] + 1
        incarnations[id.number] = incarnation
        try require(id.incarnation == incarnation, "\(id) skips an incarnation")
        try require(
            !lives.keys.contains { $0.number == id.number },
            "\(id) was started beside its predecessor"
        )
        ends.started += 1
        begin(id)
        let starting = lives.values.count { !$0.isReady && !$0.isTold }
        try require(
            starting <= weather.configuration.startsAtOnce,
            "\(starting) workers start at once"
        )
    }

    mutating func armTimer() {
        guard let due = pool.timerToArm() else { return }
        let time = time(due)
        timers.append(time)
        // Timers never fire early, and often late.
        agenda.add(.timer, at: max(now, time) + draw(0...2))
    }

    private mutating func fail(_ id: CallID, _ failure: CallFailure) throws(Violation) {
        guard let promise = promises[id], !promise.isOver else {
            throw Violation(description: "\(id) ended twice, now by \(failure)")
        }
        promises[id]?.isOver = true
        if promise.holder == nil { queue.removeAll { $0 == id } }
        let isSent = promise.wasSent
        switch failure {
        case .sessionMoved: throw Violation(description: "\(id) is of no session")
        case .cancelled(let sent):
            ends.cancelled += 1
            try require(sent == isSent && isCancelling == id, "\(id) was not cancelled")
        case .deadlineExceeded(let sent):
            ends.expired += 1
            try require(sent == isSent, "\(id): sent is \(isSent), not \(sent)")
            try require(promise.deadline ?? .max <= now, "\(id) ended before its deadline")
        case .workerCrashed(let worker, _), .workerSilent(let worker):
            ends.lost += 1
            try require(
                promise.holder == worker && lives[worker] == nil,
                "\(id) was not lost with \(worker)"
            )
        case .protocolViolated(let worker, _):
            ends.violated += 1
            try require(
                promise.holder == worker && isBreaking == id,
                "\(id) failed by a violation that was none"
            )
        case .poolFailed(_, let sent):
            ends.poolFailed += 1
            try require(sent == isSent, "\(id): sent is \(isSent), not \(sent)")
        case .shuttingDown(let sent):
            ends.shutDown += 1
            try require(sent == isSent && pool.state == .closed, "\(id) was shut down early")
        case .poolDrained(let sent):
            ends.drained += 1
            try require(sent == isSent && pool.state == .paused, "\(id) was drained early")
        case .displaced(let limit, let sent):
            ends.displaced += 1
            ends.dropped += 1
            try require(
                sent == isSent && limit <= queue.count + 1,
                "\(id) was displaced without need"
            )
        case .circuitOpen:
            ends.dropped += 1
            try require(!isSent, "\(id) was begun, and then refused by a breaker")
        case .quarantined(_, _, let sent):
            ends.quarantined += 1
            ends.dropped += 1
            try require(sent == isSent, "\(id): sent is \(isSent), not \(sent)")
        case .queueFull, .rateLimited:
            throw Violation(description: "\(id) was accepted and then refused")
        }
    }

    mutating func checkRefusal(
        _ failure: CallFailure,
        _ promise: Promise
    ) throws(Violation) {
        let limit = weather.configuration.queueLimit
        let isRight: Bool
        switch failure {
        case .sessionMoved: isRight = false
        case .queueFull(let stated):
            isRight = stated == limit && queue.count >= limit
        case .deadlineExceeded(let sent): isRight = !sent && promise.deadline ?? .max <= now
        case .poolFailed(_, let sent): isRight = !sent && pool.state.name == "failed"
        case .shuttingDown(let sent):
            isRight = !sent && (pool.state == .draining || pool.state == .closed)
        case .poolDrained(let sent):
            isRight = !sent && (pool.state == .pausing || pool.state == .paused)
        case .rateLimited(let wait):
            ends.limited += 1
            let limits = [weather.configuration.rate, weather.configuration.callerRate]
            isRight = wait > .zero && limits.contains { $0 != nil }
        case .circuitOpen(let operation, _):
            let open = pool.breakers(at: instant).map(\.operation)
            isRight = operation == promise.traits.operation && open.contains(operation)
        case .quarantined(let deaths, _, let sent):
            ends.quarantined += 1
            isRight = !sent && deaths == self.deaths[promise.content]
        case .cancelled, .workerCrashed, .workerSilent, .protocolViolated, .displaced:
            isRight = false
        }
        try require(isRight, "a call was refused by \(failure)")
    }

    // MARK: Invariants

    mutating func check() throws(Violation) {
        forgetCalls()
        try checkPopulation()
        try checkSlots()
        try checkQueue()
        try checkTimers()
        try checkStates()
        try checkBreakers()
    }

    /// A breaker on trial waits for calls that there are, or its operation were never tried again.
    private func checkBreakers() throws(Violation) {
        for place in pool.breakers.names.indices {
            let breaker = pool.breakers[place]
            guard case .halfOpen(let running, _) = breaker.state else { continue }
            let trials = pool.calls.entries.count {
                $0.phase != .free && $0.ticket.breaker == place && $0.ticket.permit == breaker.epoch
            }
            try require(running == trials, "a breaker waits for \(running) trials of \(trials)")
        }
    }

    /// Nothing stays in a state that it has no reason to be in.
    private func checkStates() throws(Violation) {
        let awaited = lives.mapValues { life in
            life.running.count { promises[$0]?.isOver == false }
        }
        for number in pool.workers.indices where pool.workers[number].phase == .retiring {
            try require(
                awaited[pool.workerID(number)] ?? 0 > 0,
                "worker \(number) is to be ended, but nobody does it"
            )
        }
        if pool.state == .pausing {
            let isBusy = !queue.isEmpty || awaited.values.contains { $0 > 0 }
            try require(isBusy, "the pool has nothing to do, but does not pause")
        }
        guard isDrained else { return }
        switch pool.state {
        case .closed: break
        case .draining:
            let isBusy = !queue.isEmpty || awaited.values.contains { $0 > 0 }
            try require(isBusy, "the pool has nothing to do, but does not close")
        case .starting, .ready, .failed, .pausing, .paused:
            throw Violation(description: "the drained pool is \(pool.state)")
        }
    }

    private func checkSlots() throws(Violation) {
        var free = 0
        for number in pool.workers.indices {
            let worker = pool.workers[number]
            guard let life = lives[pool.workerID(number)] else {
                try require(
                    worker.busy == 0 && !worker.isAlive,
                    "worker \(number) is \(worker.phase), busy \(worker.busy), but does not live"
                )
                continue
            }
            if worker.phase == .ready || worker.phase == .retiring {
                try require(
                    worker.busy == life.running.count && worker.slots == life.slots,
                    "worker \(number) has \(worker.busy) of \(worker.slots) slots taken, "
                        + "in truth \(life.running.count) of \(life.slots)"
                )
            }
            if worker.phase == .ready, worker.reservation == .none {
                free += max(0, life.slots - life.running.count)
            }
        }
        try require(pool.freeSlots == free, "\(pool.freeSlots) slots are free, in truth \(free)")
    }

    private func checkQueue() throws(Violation) {
        try require(
            pool.queued == queue.count,
            "\(pool.queued) calls wait, in truth \(queue.count)"
        )
        // Those that workers refused were in slots a moment ago.
        let most =
            weather.configuration.queueLimit + weather.configuration.retries.room
            + pool.workers.count * weather.slots.upperBound + Limits.toolCalls
        try require(queue.count <= most, "\(queue.count) calls wait, more than \(most)")
        try require(
            pool.calls.lines.isEmpty || pool.freeSlots == 0,
            "calls wait while slots are free"
        )
        for (id, life) in lives where life.isReady && !life.isTold && !pool.calls.nested.isEmpty {
            try require(
                lent(by: life) == 0 || life.running.count >= life.slots + lent(by: life),
                "calls from within tools wait while a slot of \(id) is lent to nobody"
            )
        }
        let isServed =
            pool.workers.contains { $0.isReserved } || !pool.workers.contains(where: \.isReady)
        try require(pool.calls.isolated.isEmpty || isServed, "isolated calls wait for nothing")
        guard pool.state.hasWorkers else {
            return try require(pool.calls.count == 0, "a pool that is over has calls")
        }
        // Workers that were told to end may still hold calls that nobody waits for.
        let running = lives.values.reduce(0) { $0 + ($1.isForgotten ? 0 : $1.running.count) }
        try require(pool.inFlight == running, "\(pool.inFlight) in flight, in truth \(running)")
    }

    /// Whatever is due one day has a timer that fires by then: nothing can hang.
    private func checkTimers() throws(Violation) {
        try require(
            zip(timers, timers.dropFirst()).allSatisfy { $0 >= $1 },
            "the timers \(timers) pile up"
        )
        let armed = timers.last ?? .max
        for entry in pool.calls.entries {
            var due = entry.deadline
            if case .abandoned(let number, let since) = entry.phase,
                pool.workers[number].phase == .ready
            {
                due = since + weather.configuration.abandonedGrace
            }
            if case .delayed(let until) = entry.phase { due = min(due ?? until, until) }
            guard let due else { continue }
            try require(time(due) >= armed, "no timer looks after a call that is due at \(due)")
        }
        let starting = pool.workers.count { $0.phase == .starting }
        guard starting < weather.configuration.startsAtOnce, mayStart else { return }
        for worker in pool.workers {
            guard case .waiting(let until) = worker.phase else { continue }
            try require(time(until) >= armed, "no timer starts a worker that waits")
        }
    }

    private var mayStart: Bool {
        switch pool.state {
        case .starting, .ready: true
        case .pausing, .draining: pool.queued > 0
        case .failed, .paused, .closed: false
        }
    }

    /// The first whole millisecond at or after a moment; exact, so that no timer fires early.
    func time(_ instant: Instant) -> Int {
        let (seconds, attoseconds) = origin.duration(to: instant).components
        let millisecond: Int64 = 1_000_000_000_000_000
        return Int(seconds * 1_000 + (attoseconds + millisecond - 1) / millisecond)
    }

    /// When nothing is left to happen, everything is over.
    func checkEnd() throws(Violation) {
        let open = promises.values.count { !$0.isOver }
        try require(open == 0, "\(open) calls never ended")
        try require(lives.isEmpty, "\(lives.count) workers never ended")
        try require(pool.isFinished && ends.finished == 1, "the pool never finished")
        let ended =
            ends.answered + ends.cancelled + ends.expired + ends.lost + ends.shutDown
            + ends.poolFailed + ends.dropped + ends.drained + ends.violated
        try require(ended == ends.accepted, "\(ends.accepted) calls had \(ended) ends")
    }
}
