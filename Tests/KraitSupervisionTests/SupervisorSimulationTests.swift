import KraitTestSupport
import Testing

@testable import KraitSupervision

/// Random trees under random events; a failing seed replays with `SupervisorSimulation(seed:)`.
@Suite struct SupervisorSimulationTests {
    @Test(arguments: 0..<400 as Range<UInt64>)
    func `whatever happens, the rules hold`(seed: UInt64) {
        var simulation = SupervisorSimulation(seed: seed)
        simulation.run(steps: 300)
        #expect(simulation.violations == [], "seed \(seed)")
    }

    @Test func `the simulation meets all that it is meant to meet`() {
        var met: Set<String> = []
        for seed in 0..<400 as Range<UInt64> {
            var simulation = SupervisorSimulation(seed: seed)
            simulation.run(steps: 300)
            met.formUnion(simulation.met)
        }
        let all: Set<String> = [
            "all running", "restart", "stop of a starting child", "stopped on request",
            "too many restarts", "start failed", "unresponsive", "late start",
        ]
        #expect(met == all)
    }
}

/// A world of children that live, fail and dawdle at random, beside the rules they must show.
struct SupervisorSimulation {
    private enum Life { case starting, running, stopping, stuck }

    private var random: SplitMix64
    private var machine: Machine
    private let order: [ChildID]
    private let restarts: [ChildID: Restart]
    private let strategy: Strategy
    private let intensity: RestartIntensity
    private var now = ManualClock.Instant()
    /// Who lives, and how far: the truth, whatever the machine believes.
    private var alive: [ChildID: Life] = [:]
    private var late: Set<ChildID> = []
    private var startTimes: [ChildID: [ManualClock.Instant]] = [:]
    private var outcome: SupervisorOutcome?
    private(set) var violations: [String] = []
    private(set) var met: Set<String> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        strategy = Strategy.allCases.randomElement(using: &random) ?? .oneForOne
        intensity = .atMost(Int.random(in: 0...6, using: &random), within: .seconds(5))
        order = (0..<Int.random(in: 0...6, using: &random)).map { "c\($0)" }
        var restarts: [ChildID: Restart] = [:]
        for id in order { restarts[id] = Restart.allCases.randomElement(using: &random) }
        self.restarts = restarts
        machine = Machine(
            strategy: strategy,
            intensity: intensity,
            children: order.map { ($0, restarts[$0] ?? .permanent) }
        )
    }

    mutating func run(steps: Int) {
        perform(machine.startRequested())
        for _ in 0..<steps where outcome == nil {
            now = now.advanced(by: .milliseconds(Int.random(in: 0...1_500, using: &random)))
            step()
            checkNobodyIsForgotten()
        }
        if outcome == nil { perform(machine.stopRequested()) }
        for _ in 0..<100 where outcome == nil { step() }
        if outcome == nil { violations.append("it did not stop") }
    }

    /// One thing that happens, of those that can.
    private mutating func step() {
        if Int.random(in: 0..<150, using: &random) == 0 {
            return perform(machine.stopRequested())
        }
        let candidates = order.filter { alive[$0] != nil }
        guard let id = candidates.randomElement(using: &random), let life = alive[id] else {
            return perform(machine.stopRequested())
        }
        let dice = Int.random(in: 0..<20, using: &random)
        switch (life, dice) {
        case (.starting, ..<15):
            alive[id] = .running
            perform(machine.childStarted(id))
        case (.starting, 15):
            late.insert(id)
            met.insert("late start")
            perform(machine.startTimePassed(id))
        case (.stopping, 0):
            alive[id] = .stuck
            perform(machine.shutdownTimePassed(id))
        case (.running, ..<17), (.stuck, ..<19):
            break
        case (.starting, _), (.running, _), (.stopping, _), (.stuck, _):
            alive[id] = nil
            late.remove(id)
            let exit: ChildExit = [17: .finished, 18: .shutDown][dice] ?? .failed("x")
            perform(machine.childExited(id, exit, at: now))
        }
    }

    private mutating func perform(_ action: SupervisorAction) {
        switch action {
        case .none: break
        case .start(let id): start(id)
        case .stop(let id): stop(id)
        case .finish(let outcome): finish(outcome)
        }
    }

    private mutating func start(_ id: ChildID) {
        require(outcome == nil, "\(id) started after the end")
        require(alive[id] == nil, "\(id) started beside itself")
        alive[id] = .starting
        startTimes[id, default: []].append(now)
        let starts = startTimes[id] ?? []
        if starts.count > 1 { met.insert("restart") }
        require(restarts[id] != .temporary || starts.count == 1, "temporary \(id) started again")
        let recent = starts.filter { $0.duration(to: now) <= intensity.window }
        require(recent.count <= intensity.maximum + 1, "\(id) started too often")
        guard strategy != .oneForOne || starts.count == 1 else { return }
        let earlier = order.prefix { $0 != id }
        require(earlier.allSatisfy { alive[$0] != .starting }, "\(id) started out of order")
        require(alive.values.allSatisfy { $0 != .stuck }, "\(id) started beside what is stuck")
    }

    private mutating func stop(_ id: ChildID) {
        guard let life = alive[id] else { return violations.append("\(id) stopped twice") }
        if life == .starting && !late.contains(id) { met.insert("stop of a starting child") }
        if !late.contains(id) {
            let later = order.drop { $0 != id }.dropFirst()
            let isLast = later.allSatisfy { alive[$0] == nil || alive[$0] == .stuck }
            require(isLast, "\(id) stopped out of order")
        }
        require(life == .starting || life == .running, "\(id) stopped while \(life)")
        alive[id] = .stopping
    }

    private mutating func finish(_ outcome: SupervisorOutcome) {
        require(self.outcome == nil, "it ended twice")
        self.outcome = outcome
        require(alive.values.allSatisfy { $0 == .stuck }, "it left children that could be stopped")
        let stuck = order.filter { alive[$0] == .stuck }
        require(stuck == outcome.unresponsive, "\(stuck) stuck, \(outcome.unresponsive) told")
        switch outcome.reason {
        case .requested: met.insert("stopped on request")
        case .startFailed: met.insert("start failed")
        case .tooManyRestarts: met.insert("too many restarts")
        case .unresponsive: met.insert("unresponsive")
        }
    }

    /// Where nothing is under way, every permanent child runs.
    private mutating func checkNobodyIsForgotten() {
        guard outcome == nil, alive.values.allSatisfy({ $0 == .running }) else { return }
        let missing = order.filter { restarts[$0] == .permanent && alive[$0] == nil }
        require(missing.isEmpty, "\(missing) forgotten")
        if machine.hasStarted && alive.count == order.count { met.insert("all running") }
        for record in machine.children {
            let isRunning = alive[record.id] == .running
            require((record.state == .running) == isRunning, "\(record.id) is \(record.state)")
        }
    }

    private mutating func require(_ condition: Bool, _ violation: @autoclosure () -> String) {
        if !condition { violations.append(violation()) }
    }
}
