import KraitTestSupport

@testable import KraitSupervision

typealias Machine = SupervisorStateMachine<ManualClock.Instant>

/// A machine with children that do at once what they are told, unless a test holds them back.
struct ScriptedTree {
    var machine: Machine
    var now = ManualClock.Instant()
    /// Children that do not answer a start or stop of themselves.
    var held: Set<ChildID> = []

    init(
        _ strategy: Strategy,
        intensity: RestartIntensity = .atMost(100, within: .seconds(5)),
        _ children: [(ChildID, Restart)]
    ) {
        machine = Machine(
            strategy: strategy,
            intensity: intensity,
            children: children.map { (id: $0.0, restart: $0.1) }
        )
    }

    /// A one-for-one tree.
    init(
        intensity: RestartIntensity = .atMost(100, within: .seconds(5)),
        _ children: [(ChildID, Restart)]
    ) {
        self.init(.oneForOne, intensity: intensity, children)
    }

    /// Tells the machine something, and gives all that it then asks for until it asks no more.
    mutating func after(
        _ event: (inout Machine) -> SupervisorAction
    ) -> [SupervisorAction] {
        var actions: [SupervisorAction] = []
        var action = event(&machine)
        while action != .none {
            actions.append(action)
            switch action {
            case .start(let id) where !held.contains(id):
                action = machine.childStarted(id)
            case .stop(let id) where !held.contains(id):
                action = machine.childExited(id, .failed("cancelled"), at: now)
            case .none, .start, .stop, .finish:
                action = .none
            }
        }
        return actions
    }

    @discardableResult mutating func start() -> [SupervisorAction] {
        after { $0.startRequested() }
    }

    mutating func exit(_ id: ChildID, _ exit: ChildExit) -> [SupervisorAction] {
        after { [now] in $0.childExited(id, exit, at: now) }
    }

    mutating func stop() -> [SupervisorAction] {
        after { $0.stopRequested() }
    }

    func state(_ id: ChildID) -> ChildState { machine.record(of: id).state }
}
