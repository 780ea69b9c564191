import KraitObservability

/// Starts, watches, restarts and stops its children, as an OTP supervisor does.
///
/// ```swift
/// let root = Supervisor("root", strategy: .restForOne) {
///     Child("transport") { Transport() }
///     Child("pools", shutdown: .infinite) {
///         Supervisor("pools", strategy: .oneForOne) { … }
///     }
/// }
/// try await root.run()
/// ```
///
/// Children start in order, each when the one before has said that it has started, and stop in
/// reverse. A child that fails is restarted as its restart type, the strategy and the restart
/// intensity say; past the intensity the supervisor stops what is left and throws, so that its own
/// supervisor decides. All decisions are ``SupervisorStateMachine``'s.
///
/// **Cancellation** of `run` stops the children in reverse order, each within its shutdown time,
/// and then returns. What cannot be stopped is told in ``Supervised``.
package actor Supervisor<C: Clock>: Supervised where C.Duration == Duration {
    package nonisolated let id: ChildID

    private let definitions: [ChildID: Child]
    private let clock: C
    private let events: EventSink
    private var machine: SupervisorStateMachine<C.Instant>
    private var runs: [ChildID: ChildRun<C>] = [:]
    private var outcome: SupervisorOutcome?
    private let finished = OneShot()
    /// Bounded by what can happen: a start tells of at most four things.
    private let happenings: AsyncStream<Happening>
    private nonisolated let report: AsyncStream<Happening>.Continuation

    private enum Happening: Sendable {
        case stopRequested
        /// Of the given start of the child; one of an earlier start comes too late.
        case child(ChildID, start: Int, ChildRun<C>.Happening)
    }

    package init(
        _ id: ChildID,
        strategy: Strategy = .oneForOne,
        intensity: RestartIntensity = .standard,
        clock: C = ContinuousClock(),
        events: EventSink = .none,
        @ChildrenBuilder children: () -> [Child]
    ) {
        let children = children()
        self.id = id
        self.clock = clock
        var events = events
        events[metadataKey: .supervisor] = "\(id)"
        self.events = events
        machine = SupervisorStateMachine(
            strategy: strategy,
            intensity: intensity,
            children: children.map { ($0.id, $0.restart) }
        )
        definitions = Dictionary(uniqueKeysWithValues: children.map { ($0.id, $0) })
        (happenings, report) = AsyncStream.makeStream()
    }

    /// Runs the children until it is cancelled, asked to stop, or gives up; once only.
    ///
    /// - Throws: ``SupervisorError`` if it gave up or left a child behind.
    package func run(started: StartSignal) async throws {
        // Allowed: were the children cancelled with this task, they would stop all at once and
        // not in order. It is awaited below, unless a child in it never ends.
        let tree = Task { await tend(started) }
        await withTaskCancellationHandler {
            await finished.wait()
        } onCancel: {
            stop()
        }
        guard let outcome else { preconditionFailure("finished without an outcome") }
        if outcome.unresponsive.isEmpty { await tree.value }
        guard outcome == SupervisorOutcome(.requested) else {
            throw SupervisorError(supervisor: id, outcome: outcome)
        }
    }

    /// Asks it to stop as a cancellation would; returns at once.
    package nonisolated func stop() { report.yield(.stopRequested) }

    /// What has become of the children, in their order.
    package func children() -> [ChildRecord] { machine.children }

    private func tend(_ started: StartSignal) async {
        await withDiscardingTaskGroup { group in
            perform(machine.startRequested(), in: &group)
            // One without children has.
            var isStarted = machine.hasStarted
            if isStarted { started() }
            for await happening in happenings {
                perform(decide(happening), in: &group)
                if outcome != nil { break }
                if !isStarted && machine.hasStarted {
                    isStarted = true
                    started()
                }
            }
            // Nobody listens any more: what is left running has nothing to tell.
            report.finish()
            finished.fire()
        }
    }

    private func decide(_ happening: Happening) -> SupervisorAction {
        guard case .child(let id, let start, let happening) = happening else {
            return machine.stopRequested()
        }
        let before = machine.record(of: id)
        guard before.starts == start else { return .none }
        tell(of: before, happening)
        switch happening {
        case .started: return machine.childStarted(id)
        case .startTimePassed: return machine.startTimePassed(id)
        case .shutdownTimePassed: return machine.shutdownTimePassed(id)
        case .exited(let exit):
            runs[id] = nil
            return machine.childExited(id, exit, at: clock.now)
        }
    }

    private func perform(_ action: SupervisorAction, in group: inout DiscardingTaskGroup) {
        switch action {
        case .none:
            break
        case .start(let id):
            guard let child = definitions[id] else { preconditionFailure("no child \(id)") }
            let start = machine.record(of: id).starts
            let run = ChildRun(of: child, clock: clock) { [report] happening in
                report.yield(.child(id, start: start, happening))
            }
            runs[id] = run
            group.addTask { await run.perform() }
        case .stop(let id):
            runs[id]?.stop()
        case .finish(let outcome):
            self.outcome = outcome
            guard outcome != SupervisorOutcome(.requested) else { break }
            let error = SupervisorError(supervisor: id, outcome: outcome)
            events.emit(.supervisorFailed, metadata: [.reason: "\(error)"])
        }
    }

    private func tell(of child: ChildRecord, _ happening: ChildRun<C>.Happening) {
        let name: LogValue = "\(child.id)"
        switch happening {
        case .started:
            events.emit(.childStarted, metadata: [.child: name, .count: .integer(child.starts)])
        case .startTimePassed:
            // Its exit tells of it.
            break
        case .shutdownTimePassed:
            events.emit(.childUnresponsive, metadata: [.child: name])
        case .exited(let exit):
            if let reason = child.failure(in: exit) {
                events.emit(.childFailed, metadata: [.child: name, .reason: .string(reason)])
            } else {
                events.emit(.childStopped, metadata: [.child: name])
            }
        }
    }
}

extension ChildRecord {
    /// Why an exit of the child, in the state it is in, is a failure; nil where it is none.
    fileprivate func failure(in exit: ChildExit) -> String? {
        if isOverdue { return Self.overdue }
        switch (state, exit) {
        case (_, .abandoned(let reason)): return reason
        case (.stopping, _), (.unresponsive, _): return nil
        case (_, .failed(let reason)): return reason
        case (.starting, .shutDown): return Self.shutDown
        case (_, .shutDown): return restart == .permanent ? Self.shutDown : nil
        case (_, .finished): return restart == .permanent ? Self.returned : nil
        }
    }
}
