/// What a supervisor decides: who is started, stopped and restarted, and when it gives up.
///
/// Pure: the actor ``Supervisor`` tells it what happened and performs the one action it answers
/// with. Children are few, so places are found by looking through them.
///
/// While children are stopped for a restart or for good, that is done one at a time, the last
/// first, and each waits for the one before; while they are started, each waits until the one
/// before has said that it has started. A child that ends in between by itself is as good as
/// stopped.
package struct SupervisorStateMachine<Instant: InstantProtocol>: Sendable, Equatable
where Instant.Duration == Duration {
    private enum Phase: Equatable {
        /// Made; → tending, finished.
        case idle
        /// Starts who waits and restarts who fails; → clearing, stopping.
        case tending
        /// Stops the children from that place on, to start them again; → tending, stopping.
        case clearing(from: Int)
        /// Stops all; → finished.
        case stopping(SupervisorOutcome.Reason)
        case finished
    }

    package let strategy: Strategy
    package private(set) var children: [ChildRecord]
    /// Whether all children have been started; it stays true.
    package private(set) var hasStarted = false
    private var log: RestartLog<Instant>
    private var phase = Phase.idle

    package init(
        strategy: Strategy,
        intensity: RestartIntensity,
        children: [(id: ChildID, restart: Restart)]
    ) {
        precondition(Set(children.map(\.id)).count == children.count, "children need own ids")
        self.strategy = strategy
        self.children = children.map { ChildRecord(id: $0.id, restart: $0.restart) }
        log = RestartLog(intensity)
    }

    package func record(of id: ChildID) -> ChildRecord { children[index(of: id)] }

    private func index(of id: ChildID) -> Int {
        guard let index = children.firstIndex(where: { $0.id == id }) else {
            preconditionFailure("there is no child \(id)")
        }
        return index
    }
}

// MARK: - What happens

extension SupervisorStateMachine {
    /// The supervisor is to start its children.
    package mutating func startRequested() -> SupervisorAction {
        precondition(phase == .idle, "a supervisor runs once; make a new one")
        phase = .tending
        return nextAction()
    }

    /// The supervisor is to stop its children and itself; twice is as good as once.
    package mutating func stopRequested() -> SupervisorAction {
        switch phase {
        case .stopping, .finished: .none
        case .idle, .tending, .clearing: stopAll(.requested)
        }
    }

    /// The child has said that it has started.
    package mutating func childStarted(_ id: ChildID) -> SupervisorAction {
        let index = index(of: id)
        // Where it is no longer starting, its stop crossed the signal.
        guard children[index].state == .starting else { return .none }
        children[index].state = .running
        children[index].hasStarted = true
        return nextAction()
    }

    /// The child has not said within its time that it has started.
    package mutating func startTimePassed(_ id: ChildID) -> SupervisorAction {
        let index = index(of: id)
        guard children[index].state == .starting else { return .none }
        children[index].state = .stopping
        children[index].isOverdue = true
        return .stop(id)
    }

    /// The child has not ended within its shutdown time.
    package mutating func shutdownTimePassed(_ id: ChildID) -> SupervisorAction {
        let index = index(of: id)
        guard children[index].state == .stopping else { return .none }
        return leftBehind(index)
    }

    /// The child's task has ended.
    package mutating func childExited(_ id: ChildID, _ exit: ChildExit, at now: Instant)
        -> SupervisorAction
    {
        let index = index(of: id)
        let before = children[index]
        if case .abandoned = exit, before.restart != .temporary { return leftBehind(index) }
        children[index].isOverdue = false
        switch before.state {
        case .waiting, .ended:
            preconditionFailure("\(id) ended while it was \(before.state)")
        case .unresponsive:
            children[index].state = .ended
            return nextAction()
        case .stopping where before.isOverdue:
            return startFailed(index, ChildRecord.overdue, at: now)
        case .stopping:
            return settled(index)
        case .starting:
            switch exit {
            case .failed(let reason): return startFailed(index, reason, at: now)
            case .shutDown: return startFailed(index, ChildRecord.shutDown, at: now)
            case .finished, .abandoned: break
            }
            children[index].hasStarted = true
            return ended(index, exit, at: now)
        case .running:
            return ended(index, exit, at: now)
        }
    }
}

// MARK: - What follows

extension SupervisorStateMachine {
    /// Whether the child at `index` is being stopped with others, so that its end changes nothing.
    private func isBeingCleared(_ index: Int) -> Bool {
        switch phase {
        case .clearing(let first): index >= first
        case .stopping: true
        case .idle, .tending, .finished: false
        }
    }

    private mutating func ended(_ index: Int, _ exit: ChildExit, at now: Instant)
        -> SupervisorAction
    {
        if isBeingCleared(index) { return settled(index) }
        switch (children[index].restart, exit) {
        case (.temporary, _), (.transient, .finished), (.transient, .shutDown):
            children[index].state = .ended
            return nextAction()
        case (.permanent, .finished):
            return restart(index, because: ChildRecord.returned, at: now)
        case (.permanent, .shutDown):
            return restart(index, because: ChildRecord.shutDown, at: now)
        case (.permanent, .failed(let reason)), (.transient, .failed(let reason)):
            return restart(index, because: reason, at: now)
        case (_, .abandoned):
            preconditionFailure("what is left behind is not restarted")
        }
    }

    private mutating func startFailed(
        _ index: Int,
        _ reason: String,
        at now: Instant
    ) -> SupervisorAction {
        if isBeingCleared(index) { return settled(index) }
        if children[index].hasStarted { return restart(index, because: reason, at: now) }
        children[index].state = .ended
        return stopAll(.startFailed(children[index].id, reason))
    }

    /// Restarts the child and whoever goes with it, or gives up.
    private mutating func restart(
        _ index: Int,
        because reason: String,
        at now: Instant
    ) -> SupervisorAction {
        guard log.restarted(at: now) else {
            children[index].state = .ended
            return stopAll(.tooManyRestarts(children[index].id, reason))
        }
        if strategy == .oneForOne {
            // At once, whoever else is still starting: it depends on none of them.
            return start(index)
        }
        children[index].state = .waiting
        phase = .clearing(from: strategy.firstRestarted(with: index))
        return nextAction()
    }

    /// The child is down, as was wanted.
    private mutating func settled(_ index: Int) -> SupervisorAction {
        var isRestarted = false
        if case .clearing = phase { isRestarted = children[index].restart != .temporary }
        children[index].state = isRestarted ? .waiting : .ended
        return nextAction()
    }

    /// The child, or a child of it, runs on and cannot be ended: only this process's end can.
    private mutating func leftBehind(_ index: Int) -> SupervisorAction {
        children[index].state = .unresponsive
        if case .stopping = phase { return nextAction() }
        return stopAll(.unresponsive(children[index].id))
    }

    private mutating func stopAll(_ reason: SupervisorOutcome.Reason) -> SupervisorAction {
        phase = .stopping(reason)
        for index in children.indices where children[index].state == .waiting {
            children[index].state = .ended
        }
        return nextAction()
    }

    private mutating func nextAction() -> SupervisorAction {
        switch phase {
        case .idle, .finished:
            return .none
        case .tending:
            return startNext()
        case .clearing(let first):
            if let action = stopLast(from: first) { return action }
            phase = .tending
            for index in children.indices[first...] where children[index].restart != .temporary {
                children[index].state = .waiting
            }
            return startNext()
        case .stopping(let reason):
            if let action = stopLast(from: 0) { return action }
            phase = .finished
            let unresponsive = children.filter { $0.state == .unresponsive }.map(\.id)
            return .finish(SupervisorOutcome(reason, unresponsive: unresponsive))
        }
    }

    /// Starts the first child that waits, unless one before it is still on its way.
    private mutating func startNext() -> SupervisorAction {
        for index in children.indices {
            switch children[index].state {
            case .waiting: return start(index)
            case .starting, .stopping: return .none
            case .running, .unresponsive, .ended: continue
            }
        }
        hasStarted = true
        return .none
    }

    private mutating func start(_ index: Int) -> SupervisorAction {
        children[index].state = .starting
        children[index].starts += 1
        return .start(children[index].id)
    }

    /// Stops the last child from `first` on that is there; nil where none is.
    private mutating func stopLast(from first: Int) -> SupervisorAction? {
        let last = children[first...].lastIndex {
            [.starting, .running, .stopping].contains($0.state)
        }
        guard let last else { return nil }
        if children[last].state == .stopping { return SupervisorAction.none }
        children[last].state = .stopping
        return .stop(children[last].id)
    }
}
