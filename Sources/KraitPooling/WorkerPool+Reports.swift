import KraitObservability
import KraitWire

extension WorkerPool: PoolReports {
    package nonisolated func workerReady(_ id: WorkerID, slots: Int, residentBytes: Int?) {
        assumeIsolated { pool in
            pool.record(.workerReady, of: id)
            let actions = pool.machine.workerReady(
                id,
                slots: slots,
                residentBytes: residentBytes,
                at: pool.time.now()
            )
            pool.perform(actions)
        }
    }

    package nonisolated func workerMeasured(_ id: WorkerID, residentBytes: Int) {
        assumeIsolated { pool in
            let actions = pool.machine.workerMeasured(id, residentBytes: residentBytes)
            if !actions.isEmpty { pool.perform(actions) }
        }
    }

    package nonisolated func workerLeaves(_ id: WorkerID) {
        assumeIsolated { $0.perform($0.machine.workerLeaves(id)) }
    }

    package nonisolated func answered(_ answers: [ReceivedEnvelope], by id: WorkerID) {
        assumeIsolated { pool in
            let now = pool.time.now()
            for answer in answers { pool.answered(answer, by: id, at: now) }
        }
    }

    private func answered(
        _ answer: consuming ReceivedEnvelope,
        by worker: WorkerID,
        at now: Moment
    ) {
        let id = CallID(rawValue: answer.header.callID)
        switch answer.header.kind {
        case .chunk, .toolCall: return passOn(answer, id, from: worker, at: now)
        case .end: object(to: id, by: worker, endAfter: answer.header.number, at: now)
        case .reply where machine.hasExchanges:
            object(to: id, by: worker, endAfter: nil, at: now)
        default: break
        }
        let outcome = machine.answered(
            id,
            by: worker,
            answer.meaning,
            isFault: answer.header.kind == .fault,
            fingerprint: machine.wantsFingerprints ? fingerprint(of: id) : nil,
            at: now
        )
        if let change = outcome.change { keeper?.changed(change, by: answer) }
        if outcome.isAwaited { finish(id, .answered(answer)) }
        if !outcome.actions.isEmpty { perform(outcome.actions) }
    }
}
