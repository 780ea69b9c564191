import KraitWire

/// Who takes what comes before a call's end; called on the pool's executor, and never blocks.
package protocol CallInbox: AnyObject, Sendable {
    /// A chunk of the call's stream; they come in order.
    func took(chunk: ReceivedEnvelope)
    /// A tool call: its number is the header's.
    func took(toolCall: ReceivedEnvelope)
}

extension WorkerPool {
    /// The reader of a stream takes so much more; from any thread.
    package nonisolated func give(_ credit: Int, to id: CallID) {
        executor.perform { [self] in
            assumeIsolated { pool in pool.perform(pool.machine.gave(credit, to: id)) }
        }
    }

    /// Sends what a tool has answered, a whole envelope and what goes beside it; from any
    /// thread.
    ///
    /// Where the call is over meanwhile it is discarded.
    package nonisolated func answerTool(
        of id: CallID,
        _ envelope: [UInt8],
        with attachments: [any SharedBytes] = []
    ) {
        executor.perform { [self] in
            assumeIsolated { pool in
                guard let worker = pool.machine.toolAnswered(id) else { return }
                if attachments.isEmpty {
                    pool.workers[worker]?.send(envelope)
                } else {
                    pool.workers[worker]?.send(envelope, with: attachments, or: nil)
                }
            }
        }
    }

    /// A tool call could not be read: the call fails, and its worker is replaced; from any thread.
    package nonisolated func refuseToolCall(of id: CallID) {
        executor.perform { [self] in
            assumeIsolated { pool in
                let now = pool.time.now()
                pool.perform(pool.machine.violated(id, .malformedToolCall, at: now))
            }
        }
    }

    /// Hands a chunk or a tool call to its call's inbox.
    func passOn(
        _ envelope: ReceivedEnvelope,
        _ id: CallID,
        from worker: WorkerID,
        at now: Moment
    ) {
        let passed: PoolStateMachine.Passed
        let number = envelope.header.number
        if envelope.header.kind == .chunk {
            passed = machine.chunkCame(
                id,
                by: worker,
                number: number,
                bytes: envelope.size,
                at: now
            )
            if passed.isAwaited { inbox(of: id)?.took(chunk: envelope) }
        } else {
            passed = machine.toolWasCalled(id, by: worker, number: number, at: now)
            if passed.isAwaited { inbox(of: id)?.took(toolCall: envelope) }
        }
        if !passed.actions.isEmpty { perform(passed.actions) }
    }

    /// Looks whether an end or a reply fits its call.
    func object(
        to id: CallID,
        by worker: WorkerID,
        endAfter count: UInt32?,
        at now: Moment
    ) {
        let actions = machine.objected(to: id, by: worker, endAfter: count, at: now)
        if !actions.isEmpty { perform(actions) }
    }
}
