@testable import KraitPooling

/// What the world's workers do.
extension PoolWorld {
    /// A worker begins: it becomes ready, or one of the many other things.
    mutating func begin(_ id: WorkerID) {
        lives[id] = Life()
        let time = now + draw(weather.startTime)
        if happens(weather.impossibleStarts) {
            agenda.add(.ended(id, .cannotStart("no adapter")), at: time)
        } else if happens(weather.failingStarts) {
            // Some say so at once, some never say anything.
            let patience = happens(200) ? 2_000 : 0
            agenda.add(.ended(id, .failedToStart("no luck")), at: time + patience)
        } else {
            agenda.add(.ready(id), at: time)
        }
    }

    mutating func becomeReady(_ id: WorkerID) throws(Violation) {
        guard lives[id] != nil else { return }
        let slots = draw(weather.slots)
        if lives[id]?.isTold == false {
            lives[id]?.isReady = true
            lives[id]?.slots = slots
        }
        let baseline = draw(weather.baseline)
        lives[id]?.baseline = baseline
        if weather.leak > 0 { agenda.add(.measured(id), at: now + 100) }
        if happens(weather.silent) {
            let time = now + draw(0...2_000)
            agenda.add(.mute(id), at: time)
            agenda.add(.ended(id, .silent), at: time + 500)
        }
        try perform(
            pool.workerReady(id, slots: slots, residentBytes: baseline, at: instant)
        )
    }

    /// A worker gets a call.
    mutating func send(_ id: CallID, to worker: WorkerID) throws(Violation) {
        guard let life = lives[worker], life.isReady, !life.isTold else {
            throw Violation(description: "\(id) was sent to \(worker), which is not ready")
        }
        let isNested = promises[id]?.traits.isNested == true
        if isNested { ends.nested += 1 }
        if isNested, life.running.count >= life.slots { ends.beyond += 1 }
        try require(
            life.running.count < life.slots + (isNested ? lent(by: life) : 0),
            "\(id) was sent to \(worker), whose \(life.slots) slots are taken"
        )
        guard let promise = promises[id], !promise.isOver else {
            throw Violation(description: "\(id) was sent after its end")
        }
        try require(promise.holder == nil, "\(id) was sent while a worker had it")
        try require(
            !promise.wasSent || promise.traits.isIdempotent || returned.contains(id),
            "\(id) may not be made twice"
        )
        try require(
            deaths[promise.content, default: 0] < Quarantine.deathsToRefuse,
            "\(id) was sent, of whose content \(deaths[promise.content] ?? 0) workers died"
        )
        if pool.workers[worker.number].reservation == .serving {
            ends.isolated += 1
            try require(
                life.running.isEmpty || isNested,
                "\(id) is isolated, but has company at \(worker)"
            )
        }
        promises[id]?.holder = worker
        promises[id]?.wasSent = true
        returned.remove(id)
        lives[worker]?.running.insert(id)
        planExchange(of: id, promise, by: worker)
        if happens(weather.hanging) { return }
        let time = now + draw(weather.latency)
        if happens(weather.deadly) || (promise.content == 0 && happens(weather.poison)) {
            agenda.add(.ended(worker, .crashed("signal 9")), at: time)
        } else {
            agenda.add(.answered(id, by: worker), at: time)
        }
    }

    /// A worker hears that nobody waits for a call any more.
    mutating func cancel(_ id: CallID, at worker: WorkerID) throws(Violation) {
        try require(
            lives[worker]?.running.contains(id) == true,
            "\(worker) was told to cancel \(id), which it has not"
        )
        if !happens(weather.deaf) {
            agenda.add(.answered(id, by: worker), at: now + draw(0...3))
        }
    }

    mutating func answer(_ id: CallID, by worker: WorkerID) throws(Violation) {
        guard let life = lives[worker], !life.isMute, life.running.contains(id) else { return }
        if happens(weather.repeated) {
            let (number, incarnation) = (worker.number, worker.incarnation)
            try requireIgnored(id, by: WorkerID(number: number + 1, incarnation: incarnation))
            try requireIgnored(id, by: WorkerID(number: number, incarnation: incarnation - 1))
        }
        lives[worker]?.running.remove(id)
        lives[worker]?.answered += 1
        guard let promise = promises[id] else { return }
        let isAwaited = !promise.isOver
        let isRefused = isAwaited && happens(weather.overloaded)
        let kind = answerKind(of: promise, isRefused)
        let attempts = pool.calls.index(of: id).map { pool.calls.entries[$0].attempts } ?? 0
        let answered = pool.answered(
            id,
            by: worker,
            kind,
            fingerprint: pool.wantsFingerprints ? UInt64(promise.content) : nil,
            at: instant
        )
        if kind != .notBegun { deaths[promise.content] = nil }
        if kind == .notBegun, !answered.isAwaited, isAwaited {
            promises[id]?.holder = nil
            promises[id]?.wasSent = attempts > 1
            queue.append(id)
            returned.insert(id)
            return try perform(answered.actions)
        }
        // Only a pool that is leaving has forgotten its calls.
        try require(
            answered.isAwaited == isAwaited,
            "the answer to \(id) is \(answered.isAwaited ? "" : "not ")passed on"
        )
        if isAwaited {
            promises[id]?.isOver = true
            ends.answered += 1
        } else {
            ends.discarded += 1
        }
        try perform(answered.actions)
        if happens(weather.repeated) { try requireIgnored(id, by: worker) }
    }

    private mutating func answerKind(
        of promise: Promise,
        _ isRefused: Bool
    ) -> PoolStateMachine.Answer {
        if isRefused { return .notBegun }
        if promise.isOver { return .cancelled }
        return happens(weather.failing) ? .failure : .success
    }

    private mutating func requireIgnored(
        _ id: CallID,
        by worker: WorkerID
    ) throws(Violation) {
        let before = pool
        let answered = pool.answered(id, by: worker, at: instant)
        try require(
            !answered.isAwaited && answered.actions.isEmpty && pool == before,
            "\(worker)'s answer to \(id) was not ignored"
        )
    }

    mutating func end(_ id: WorkerID, _ exit: WorkerExit) throws(Violation) {
        guard let life = lives.removeValue(forKey: id) else { return }
        // What had become ready does not fail to start any more.
        let exit = life.isTold ? .stopped : exit
        let share = Double(draw(0...999)) / 1_000
        let contents = Set(life.running.compactMap { promises[$0]?.content })
        switch exit {
        case .crashed, .silent: for content in contents { deaths[content, default: 0] += 1 }
        case .stopped, .failedToStart, .cannotStart: break
        }
        let actions = pool.workerExited(
            id,
            exit,
            random: share,
            at: instant,
            fingerprint: { [promises] id in promises[id].map { UInt64($0.content) } }
        )
        try perform(actions)
        for call in life.running {
            try require(
                promises[call]?.isOver == true || promises[call]?.holder != id,
                "\(call) was lost with \(id)"
            )
        }
        if happens(weather.repeated) {
            let before = pool
            let actions = pool.workerExited(id, exit, random: share, at: instant)
            try require(actions.isEmpty && pool == before, "the end of \(id) counted twice")
        }
    }

    /// A worker is told to end, and does within a bounded time.
    mutating func stop(_ id: WorkerID, _ reason: StopReason) throws(Violation) {
        try require(lives[id]?.isTold == false, "\(id) was told to end, being gone or told before")
        lives[id]?.isTold = true
        if reason == .stuck {
            ends.stuck += 1
            let awaited = lives[id]?.running.contains { promises[$0]?.isOver == false }
            try require(awaited == false, "\(id) was ended in the middle of a call")
        }
        if reason == .overdue { ends.overdue += 1 }
        if reason == .closing {
            let isBusy = lives[id]?.running.contains { promises[$0]?.isOver == false }
            try require(isBusy == false, "\(id) was asked to leave in the middle of a call")
        }
        agenda.add(.ended(id, .stopped), at: now + draw(0...200))
    }
}
