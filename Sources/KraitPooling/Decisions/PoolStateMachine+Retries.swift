/// Calls whose worker has gone: they fail, or are made again.
extension PoolStateMachine {
    /// What becomes of a call whose worker has gone.
    mutating func lost(
        _ index: Int,
        _ failure: CallFailure,
        random: Double,
        at now: Instant
    ) -> [PoolAction] {
        let entry = calls.entries[index]
        let id = calls.id(at: index)
        if calls.exchanges[index]?.hasBegun != true,
            let pause = pauseBeforeRetry(of: entry, random: random, at: now)
        {
            calls.delay(index, until: now + pause)
            check(at: now + pause)
            return [.retry(id, after: pause)]
        }
        let actions = settle(index, .failure, at: now)
        calls.remove(index)
        return actions + [.fail(id, failure)]
    }

    /// How long to wait before a call is made again; nil where it must not be, or where its
    /// deadline comes first, or its operation is failing anyway.
    private mutating func pauseBeforeRetry(
        of entry: CallTable.Entry,
        random: Double,
        at now: Instant
    ) -> Duration? {
        let policy = configuration.retries
        guard entry.ticket.isIdempotent, entry.attempts < policy.attempts,
            calls.queued < configuration.queueLimit + policy.room
        else { return nil }
        switch state {
        case .starting, .ready, .pausing, .draining: break
        case .failed, .paused, .closed: return nil
        }
        if let fingerprint = entry.ticket.fingerprint,
            case .refused = quarantine.verdict(on: fingerprint, at: now)
        {
            return nil
        }
        let pause = policy.pause(afterAttempts: entry.attempts, random: random)
        if let deadline = entry.deadline, deadline <= now + pause { return nil }
        return retryBudget.spend() ? pause : nil
    }

    /// Lets the calls whose pause is over wait for their turn.
    mutating func resumeDelayed(at now: Instant) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices {
            guard case .delayed(let until) = calls.entries[index].phase else { continue }
            guard until <= now else {
                check(at: until)
                continue
            }
            if let session = calls.sessions[index] {
                actions += seatAgain(index, session, at: now)
            } else {
                calls.resume(index, isolated: isToRunAlone(index, at: now))
            }
        }
        return actions + serveIsolated(at: now) + serveNested(at: now) + fillFreeSlots(at: now)
    }

    private mutating func isToRunAlone(_ index: Int, at now: Instant) -> Bool {
        guard let fingerprint = calls.entries[index].ticket.fingerprint else { return false }
        return switch quarantine.verdict(on: fingerprint, at: now) {
        case .isolated, .refused: true
        case .free: false
        }
    }
}
