import KraitWire

/// What the pool does for sessions by itself.
extension WorkerPool {
    /// A session is over: its home, where it has one, is told by this call; from any thread.
    package nonisolated func sessionEnded(_ number: UInt64, telling envelope: [UInt8]) {
        executor.perform { [self] in
            assumeIsolated { pool in
                let now = pool.time.now()
                let (told, actions) = pool.machine.sessionEnded(number, at: now)
                if let told { pool.make(envelope, told.id, of: told.worker, at: now) }
                pool.perform(actions)
            }
        }
    }

    /// Which worker has which session's state.
    package func sessionHomes() -> [UInt64: WorkerID] { machine.sessionHomes }

    func askForState(of session: UInt64, _ id: CallID, of worker: WorkerID) {
        let now = time.now()
        guard let envelope = keeper?.saveCall(of: session) else {
            return perform(machine.answered(id, by: worker, isFault: true, at: now).actions)
        }
        make(envelope, id, of: worker, at: now)
    }

    /// Makes a call that nobody waits for.
    private func make(
        _ envelope: [UInt8],
        _ id: CallID,
        of worker: WorkerID,
        at now: Moment
    ) {
        let call = WaitingCall(envelope, with: [], or: nil, CallTraits(), timeout: nil, nil)
        keep(call, as: id)
        send(call, id, to: worker, at: now)
    }
}
