extension PoolStateMachine {
    /// Remembers the calls a worker had when it died, abandoned ones included, and refuses those of
    /// equal content that wait, where that is one death too many.
    mutating func suspectCalls(
        of id: WorkerID,
        _ exit: WorkerExit,
        _ fingerprint: (CallID) -> UInt64?,
        at now: Instant
    ) -> [PoolAction] {
        let ending: String
        switch exit {
        case .crashed(let status): ending = status
        case .silent: ending = "it showed no sign of life"
        case .stopped, .failedToStart, .cannotStart: return []
        }
        guard workers[id.number].busy > 0 else { return [] }
        var contents: Set<UInt64> = []
        for index in calls.entries.indices {
            switch calls.entries[index].phase {
            case .sent(id.number), .abandoned(id.number, _): break
            case .free, .queued, .isolated, .nested, .pinned, .delayed, .sent, .abandoned: continue
            }
            guard let content = fingerprint(calls.id(at: index)) else { continue }
            calls.mark(index, content)
            // Several calls of one content are one suspect, and this is one death.
            guard contents.insert(content).inserted else { continue }
            quarantine.workerDied(having: content, ending: ending, at: now)
        }
        let isRefused = contents.contains { content in
            if case .refused = quarantine.verdict(on: content, at: now) { true } else { false }
        }
        return isRefused ? refuseWaitingSuspects(fingerprint, at: now) : []
    }

    private mutating func refuseWaitingSuspects(
        _ fingerprint: (CallID) -> UInt64?,
        at now: Instant
    ) -> [PoolAction] {
        var actions: [PoolAction] = []
        for index in calls.entries.indices where calls.entries[index].isWaiting {
            guard let content = fingerprint(calls.id(at: index)),
                case .refused(let deaths, let ending) = quarantine.verdict(on: content, at: now)
            else { continue }
            let wasSent = calls.entries[index].wasSent
            let failure = CallFailure.quarantined(deaths: deaths, ending: ending, sent: wasSent)
            actions += fail(index, failure, at: now)
        }
        return actions
    }
}
