import KraitObservability
import KraitWire

/// A pool of workers: accepts calls, leases workers' slots to them, and keeps the workers alive.
///
/// The actor performs what `PoolStateMachine` decides. It runs on the I/O thread of its workers, so
/// that leasing and sending take no hop.
package actor WorkerPool {
    package nonisolated let name: String
    nonisolated let executor: any PoolExecutor
    let source: any WorkerSource
    let time: PoolTime
    let events: EventSink
    /// Who keeps what sessions know; nil for nobody.
    let keeper: (any SessionKeeper)?
    var machine: PoolStateMachine
    /// By the call's place in the machine's table.
    private var calls: [WaitingCall?] = []
    var workers = CurrentWorkers()
    /// What `run` has not taken up yet, and how it is woken.
    private var commands: [Command] = []
    private var runner: CheckedContinuation<Void, Never>?
    /// Who waits for the pool's end, and for its beginning.
    private var finishers: [CheckedContinuation<Void, Never>] = []
    var settlers: [CheckedContinuation<Void, Never>] = []
    /// Who waits for workers to come or go.
    var watchers = PoolWatchers()
    var journal = PoolJournal()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    package init(
        name: String,
        configuration: PoolConfiguration,
        source: any WorkerSource,
        executor: any PoolExecutor,
        time: PoolTime = .system,
        events: EventSink = .none,
        keeper: (any SessionKeeper)? = nil
    ) {
        self.name = name
        self.executor = executor
        self.source = source
        self.time = time
        self.events = events
        self.keeper = keeper
        machine = PoolStateMachine(configuration)
    }

    /// What the actor asks of the task group in `run`.
    private enum Command {
        case run(WorkerID, any PoolWorker)
        case timer(Moment)
    }

    // MARK: Calls

    /// Makes one call and waits for its reply or fault, from any thread.
    ///
    /// The task waits where it is, and not on the actor: so an answer takes one job to reach it,
    /// and none goes through the actor's queue on the way back.
    ///
    /// - Parameters:
    ///   - envelope: the whole call, but for its id and the remaining time, which are filled in.
    ///   - attachments: what belongs beside it; they are held until the call has ended.
    ///   - compressed: the same compressed, for the workers that read it so.
    ///   - bare: the same without the state of its session, for a worker that has that.
    ///   - traits: what the pool admits and orders it by.
    ///   - timeout: how long the caller waits in all; nil for ever.
    ///   - inbox: who takes chunks and tool calls, where the traits say that there will be any.
    ///   - isolation: the caller's. The wait keeps it: a closure without one would go on by way of
    ///     the process's thread pool.
    /// - Throws: what kept an answer from coming; a fault is an answer. Cancelling the task fails
    ///   the call at once, and the worker is told.
    package func call(
        _ envelope: consuming [UInt8],
        with attachments: [any SharedBytes] = [],
        or compressed: CompressedEnvelope? = nil,
        bare: BareCall? = nil,
        _ traits: CallTraits = CallTraits(),
        timeout: Duration?,
        inbox: (any CallInbox)? = nil,
        isolation: isolated (any Actor)? = #isolation
    ) async throws(CallError) -> ReceivedEnvelope {
        if Task.isCancelled { throw CallFailure.cancelled(sent: false).error(pool: name) }
        let call = WaitingCall(
            envelope,
            with: attachments,
            or: compressed,
            traits,
            timeout: timeout,
            inbox
        )
        call.bare = bare
        await withTaskCancellationHandler {
            _ = isolation
            await withUnsafeContinuation { continuation in
                call.wait(continuation)
                if executor.isCurrent {
                    assumeIsolated { $0.arrived(call) }
                } else {
                    executor.perform { [self] in assumeIsolated { $0.arrived(call) } }
                }
            }
        } onCancel: {
            executor.perform { [self] in assumeIsolated { $0.cancelled(call) } }
        }
        switch call.takeEnd() {
        case .answered(let answer): return answer
        case .failed(let failure): throw failure.error(pool: name)
        }
    }

    private func arrived(_ call: WaitingCall) {
        if call.isGivenUp { return call.finish(.failed(.cancelled(sent: false))) }
        let now = time.now()
        let (arrival, actions) = machine.callArrived(
            call.traits,
            deadline: call.timeout.map { now + $0 },
            fingerprint: machine.wantsFingerprints ? call.fingerprint : nil,
            at: now
        )
        switch arrival {
        case .refused(let failure):
            // One that is to come again with its session's state is not refused.
            if case .sessionMoved = failure {} else { refused(failure) }
            call.finish(.failed(failure))
        case .queued(let id): keep(call, as: id)
        case .send(let id, let worker):
            keep(call, as: id)
            send(call, id, to: worker, at: now)
        }
        if actions.isEmpty { armTimer() } else { perform(actions) }
    }

    func keep(_ call: WaitingCall, as id: CallID) {
        call.id = id
        if id.index < calls.count {
            calls[id.index] = call
        } else {
            // The machine hands out places in order, so the next one is always at the end.
            precondition(id.index == calls.count)
            calls.append(call)
        }
    }

    func send(
        _ call: WaitingCall,
        _ id: CallID,
        to worker: WorkerID,
        at now: Moment
    ) {
        let left = machine.deadline(of: id).map { now.duration(to: $0) }
        if call.bare != nil, !machine.makesHome(id), var bare = call.bare.take() {
            // Taken and put back, so that writing into it copies nothing.
            EnvelopeHeader.patch(
                &bare.bytes,
                callID: id.rawValue,
                remaining: left?.wireMilliseconds ?? 0
            )
            workers[worker]?.send(bare.bytes, with: bare.attachments, or: nil)
            call.bare = bare
            return
        }
        EnvelopeHeader.patch(
            &call.envelope,
            callID: id.rawValue,
            remaining: left?.wireMilliseconds ?? 0
        )
        if call.attachments.isEmpty, call.compressed == nil {
            workers[worker]?.send(call.envelope)
        } else {
            workers[worker]?.send(call.envelope, with: call.attachments, or: call.compressed)
        }
    }

    /// Who takes what comes before a call's end.
    func inbox(of id: CallID) -> (any CallInbox)? {
        id.index < calls.count ? calls[id.index]?.inbox : nil
    }

    func finish(_ id: CallID, _ end: consuming WaitingCall.End) {
        calls[id.index].take()?.finish(end)
    }

    private func cancelled(_ call: WaitingCall) {
        if let id = call.id {
            perform(machine.callCancelled(id, at: time.now()))
        } else {
            call.isGivenUp = true
        }
    }

    // MARK: Life

    /// Keeps the pool's workers until the pool is drained or stopped, or the task is cancelled
    /// (which stops it): then returns, with every worker gone.
    package func run() async {
        record(.poolStarted)
        perform(machine.started(at: time.now()))
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while let commands = await nextCommands() {
                    for command in commands {
                        switch command {
                        case .run(let id, let worker):
                            group.addTask { await self.live(worker, id) }
                        case .timer(let instant):
                            group.addTask { await self.fireTimer(at: instant) }
                        }
                    }
                }
                // Only timers are left.
                group.cancelAll()
            }
        } onCancel: {
            executor.perform { [self] in assumeIsolated { $0.stop() } }
        }
        watchers.wakeAll()
        events.emit(.poolStopped)
    }

    /// What the task group is to take up next; nil once the pool is finished.
    ///
    /// Not an `AsyncStream`: that drops what is sent after its task was cancelled, and the pool
    /// would wait for workers that never ran.
    private func nextCommands() async -> [Command]? {
        await withCheckedContinuation { continuation in
            if commands.isEmpty, !machine.isFinished {
                runner = continuation
            } else {
                continuation.resume()
            }
        }
        guard !commands.isEmpty else { return nil }
        defer { commands = [] }
        return commands
    }

    private func ask(_ command: Command) {
        commands.append(command)
        wakeRunner()
    }

    private func wakeRunner() {
        runner?.resume()
        runner = nil
    }

    /// Refuses new calls and lets the accepted ones finish, then ends the workers.
    ///
    /// Returns when every worker is gone. What is not done within `patience`, or when the task is
    /// cancelled, fails.
    package func drain(within patience: Duration) async {
        let deadline = time.now() + patience
        if machine.state != .closed { record(.poolDraining) }
        perform(machine.drainRequested())
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.time.sleep(deadline)
                await self.stop()
            }
            await finished()
            group.cancelAll()
        }
    }

    /// Fails what is queued or running, and begins to end the workers.
    package func stop() { perform(machine.stopRequested()) }

    private func finished() async {
        await withCheckedContinuation { continuation in
            if machine.isFinished { continuation.resume() } else { finishers.append(continuation) }
        }
    }

    /// Takes a worker that came by itself, made by `make` with the place it gets; on the pool's
    /// executor.
    package nonisolated func guestArrived(
        _ make: @Sendable (WorkerID) -> any PoolWorker
    ) throws(GuestRefused) {
        let arrival = assumeIsolated { pool in
            let arrival = pool.machine.guestArrived(at: pool.time.now())
            if case .success(let id) = arrival {
                let worker = make(id)
                pool.workers[id] = worker
                pool.ask(.run(id, worker))
            }
            return arrival
        }
        _ = try arrival.get()
    }

    private func live(_ worker: any PoolWorker, _ id: WorkerID) async {
        let exit = await worker.run(reporting: self)
        workers[id] = nil
        report(exit, of: id)
        let actions = machine.workerExited(
            id,
            exit,
            random: Double.random(in: 0..<1),
            at: time.now(),
            fingerprint: fingerprint
        )
        perform(actions)
    }

    /// Of a call somebody waits for; nil of one that was given up.
    func fingerprint(of id: CallID) -> UInt64? {
        id.index < calls.count ? calls[id.index]?.fingerprint : nil
    }

    private func fireTimer(at instant: Moment) async {
        await time.sleep(instant)
        guard !Task.isCancelled else { return }
        perform(machine.timerFired(at: time.now()))
    }

    // MARK: Performing

    func perform(_ actions: [PoolAction]) {
        if !actions.isEmpty {
            let now = time.now()
            for action in actions { perform(action, at: now) }
        }
        armTimer()
        if !settlers.isEmpty, machine.isSettled {
            for settler in settlers { settler.resume() }
            settlers = []
        }
        if !watchers.isEmpty { watchers.look(at: machine) }
    }

    private func perform(_ action: PoolAction, at now: Moment) {
        switch action {
        case .send(let id, let worker):
            guard let call = calls[id.index] else { break }
            send(call, id, to: worker, at: now)
        case .save(let id, let session, let worker): askForState(of: session, id, of: worker)
        case .statesLost(let id, let count):
            let reason = "\(count) sessions go on from their last checkpoints"
            record(.sessionsLost, of: id, .reason, reason)
        case .cancel(let id, let worker): workers[worker]?.cancel(id)
        case .credit(let id, let more, let worker): workers[worker]?.credit(id, more)
        case .distrusted(let id, let violation):
            record(.messageRefused, of: id, .reason, "\(violation)")
        case .fail(let id, let failure):
            tell(failure)
            finish(id, .failed(failure))
        case .start(let id):
            let worker = source.makeWorker(id)
            workers[id] = worker
            ask(.run(id, worker))
        case .stop(let id, let reason): workers[id]?.stop(reason)
        case .retry(_, let pause): events.emit(.callRetried, metadata: [.delay: "\(pause)"])
        case .breakerOpened(let operation, let until):
            record(breakerOf: operation, openFor: now.duration(to: until))
        case .breakerClosed(let operation): record(breakerOf: operation)
        case .becameReady: record(.poolReady)
        case .becameFailed(let reason): record(.poolFailed, .reason, reason)
        case .recycling(let id, let reason):
            record(.workerRecycled, of: id, .reason, "\(reason)")
        case .limitTooLow(let limit, let baseline): warn(ofLimit: limit, below: baseline)
        case .recovering(let number): record(.poolRecovering, .reason, "try \(number)")
        case .startAfresh: source.startAfresh()
        case .paused:
            record(.poolDrained)
            // Else the code that is exchanged meanwhile would still be loaded.
            source.startAfresh()
        case .finished:
            wakeRunner()
            for finisher in finishers { finisher.resume() }
            finishers = []
        }
    }

    private func tell(_ failure: CallFailure) {
        switch failure {
        case .deadlineExceeded: events.emit(.callExpired)
        case .workerCrashed, .workerSilent, .protocolViolated: events.emit(.callLost)
        case .displaced, .circuitOpen, .quarantined: refused(failure)
        case .cancelled, .queueFull, .rateLimited, .poolFailed, .shuttingDown, .poolDrained,
            .sessionMoved:
            break
        }
    }

    private func armTimer() {
        guard let instant = machine.timerToArm() else { return }
        ask(.timer(instant))
    }
}
