import KraitTestSupport
import KraitWire
import Testing

@testable import KraitWorkers

@Suite struct WorkerStateMachineTests {
    typealias Action = WorkerStateMachine.Action
    typealias State = WorkerStateMachine.State

    private static let start = ContinuousClock.now
    private static let settings = WorkerSettings(
        slots: 1,
        codec: .json,
        heartbeat: .milliseconds(100),
        startPatience: .seconds(10),
        teardownPatience: .seconds(2)
    )

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    private static let terminate = Action.signal(15)
    private static let kill = Action.signal(9)

    /// Every state a worker can be in, reached at the start.
    enum Situation: String, CaseIterable {
        case launching, unwanted, greeting, warming, ready, draining, terminating, killing, gone

        func machine() -> WorkerStateMachine {
            var machine = WorkerStateMachine(settings)
            switch self {
            case .launching: break
            case .unwanted: _ = machine.stopRequested(gently: true, at: start)
            case .greeting: _ = machine.launched(at: start)
            case .warming, .ready, .draining, .terminating, .killing, .gone:
                _ = machine.launched(at: start)
                _ = machine.helloReceived(objection: nil, at: start)
            }
            switch self {
            case .launching, .unwanted, .greeting, .warming: break
            case .ready, .draining, .terminating, .killing, .gone:
                _ = machine.readyReceived(at: start)
            }
            switch self {
            case .draining: _ = machine.stopRequested(gently: true, at: start)
            case .terminating:
                _ = machine.stopRequested(gently: true, at: start - .seconds(2))
                _ = machine.timerFired(at: start)
            case .killing: _ = machine.stopRequested(gently: false, at: start)
            case .gone: _ = machine.exited(.exited(0))
            default: break
            }
            #expect(machine.state == state)
            return machine
        }

        var state: State {
            switch self {
            case .launching: .launching(stopping: false)
            case .unwanted: .launching(stopping: true)
            case .greeting: .greeting
            case .warming: .warming
            case .ready: .ready
            case .draining: .draining
            case .terminating: .terminating
            case .killing: .killing
            case .gone: .gone
            }
        }
    }

    // MARK: Each event in each state

    /// What an event leads to; nil where it must change nothing.
    typealias Outcome = (actions: [Action], state: State)?

    private static func check(
        _ situation: Situation,
        _ outcome: Outcome,
        location: SourceLocation = #_sourceLocation,
        _ event: (inout WorkerStateMachine) -> [Action]
    ) {
        var machine = situation.machine()
        let before = machine
        let actions = event(&machine)
        if let outcome {
            #expect(actions == outcome.actions, sourceLocation: location)
            #expect(machine.state == outcome.state, sourceLocation: location)
        } else {
            #expect(actions == [] && machine == before, sourceLocation: location)
        }
    }

    @Test(arguments: Situation.allCases)
    func `the process runs`(situation: Situation) {
        let outcome: Outcome =
            switch situation {
            case .launching: ([], .greeting)
            case .unwanted: ([Self.kill], .killing)
            // What it said overtook the word of its start: now the signal has somewhere to go.
            case .killing: ([Self.kill], .killing)
            default: nil
            }
        Self.check(situation, outcome) { $0.launched(at: Self.at(1)) }
    }

    @Test(arguments: Situation.allCases, [true, false])
    func `the process cannot be launched`(situation: Situation, isFinal: Bool) {
        let failed = WorkerStateMachine.End.failedToStart("no fork")
        let reason = isFinal ? .cannotStart("no fork") : failed
        let outcome: Outcome =
            switch situation {
            case .launching, .greeting, .warming: ([.finish(reason)], .gone)
            case .unwanted, .draining, .terminating, .killing: ([.finish(.stopped)], .gone)
            case .ready: ([.finish(.distrusted("no fork"))], .gone)
            case .gone: nil
            }
        Self.check(situation, outcome) {
            $0.launchFailed(LaunchError("no fork", isFinal: isFinal))
        }
    }

    @Test(arguments: Situation.allCases)
    func `a hello without and with an objection`(situation: Situation) {
        let isAwaited = situation == .launching || situation == .greeting
        Self.check(situation, isAwaited ? ([.sayHello], .warming) : nil) {
            $0.helloReceived(objection: nil, at: Self.at(1))
        }
        Self.check(situation, isAwaited ? ([.sayGoodbye("old"), Self.kill], .killing) : nil) {
            $0.helloReceived(objection: "old", at: Self.at(1))
        }
    }

    @Test(arguments: Situation.allCases)
    func `a ready`(situation: Situation) {
        Self.check(situation, situation == .warming ? ([.reportReady], .ready) : nil) {
            $0.readyReceived(at: Self.at(1))
        }
    }

    @Test(arguments: Situation.allCases, [true, false])
    func `a fault that belongs to no call`(situation: Situation, isFinal: Bool) {
        let outcome: Outcome =
            switch situation {
            case .greeting, .warming, .ready: ([Self.kill], .killing)
            default: nil
            }
        Self.check(situation, outcome) {
            $0.faultReceived("ImportError", isFinal: isFinal, at: Self.at(1))
        }
        guard outcome != nil else { return }
        var machine = situation.machine()
        _ = machine.faultReceived("ImportError", isFinal: isFinal, at: Self.at(1))
        let setUp = "the adapter could not be set up: ImportError"
        let end: WorkerStateMachine.End =
            switch (situation, isFinal) {
            case (.ready, _): .distrusted("it could not read a message: ImportError")
            case (_, true): .cannotStart(setUp)
            case (_, false): .failedToStart(setUp)
            }
        #expect(machine.exited(.exited(1)) == [.finish(end)])
    }

    @Test(arguments: Situation.allCases)
    func `a breach of the protocol`(situation: Situation) {
        let isOver = situation == .killing || situation == .gone
        Self.check(situation, isOver ? nil : ([Self.kill], .killing)) {
            $0.violated("garbage", at: Self.at(1))
        }
        guard !isOver else { return }
        var machine = situation.machine()
        _ = machine.violated("garbage", at: Self.at(1))
        let end: WorkerStateMachine.End =
            switch situation {
            case .ready: .distrusted("garbage")
            case .draining, .terminating: .stopped
            default: .failedToStart("garbage")
            }
        #expect(machine.exited(.signalled(9)) == [.finish(end)])
    }

    @Test(arguments: Situation.allCases)
    func `a message to it is lost`(situation: Situation) {
        let isOver = situation == .killing || situation == .gone
        Self.check(situation, isOver ? nil : ([Self.kill], .killing)) {
            $0.messageLost(at: Self.at(1))
        }
        var machine = Situation.ready.machine()
        _ = machine.messageLost(at: Self.at(1))
        #expect(
            machine.exited(.exited(7)) == [.finish(.crashed(.exited(7)))],
            "its exit says why it ended"
        )
    }

    @Test(arguments: Situation.allCases)
    func `it is to end, gently`(situation: Situation) {
        let outcome: Outcome =
            switch situation {
            case .launching: ([.abandonLaunch], .launching(stopping: true))
            case .greeting: ([Self.kill], .killing)
            case .warming, .ready: ([.sendDrain], .draining)
            default: nil
            }
        Self.check(situation, outcome) { $0.stopRequested(gently: true, at: Self.at(1)) }
    }

    @Test(arguments: Situation.allCases)
    func `it is to end at once`(situation: Situation) {
        let outcome: Outcome =
            switch situation {
            case .launching: ([.abandonLaunch], .launching(stopping: true))
            case .unwanted, .killing, .gone: nil
            default: ([Self.kill], .killing)
            }
        Self.check(situation, outcome) { $0.stopRequested(gently: false, at: Self.at(1)) }
    }

    @Test(arguments: Situation.allCases)
    func `the process is gone`(situation: Situation) {
        let early = WorkerStateMachine.End.failedToStart(
            "before it was ready, it exited with code 3"
        )
        let end: WorkerStateMachine.End =
            switch situation {
            case .launching: .failedToStart("before it said hello, it exited with code 3")
            case .greeting, .warming: early
            case .ready: .crashed(.exited(3))
            default: .stopped
            }
        Self.check(situation, situation == .gone ? nil : ([.finish(end)], .gone)) {
            $0.exited(.exited(3))
        }
    }

    @Test(arguments: Situation.allCases)
    func `its timer fires`(situation: Situation) throws {
        let outcome: Outcome =
            switch situation {
            case .greeting, .warming, .ready, .terminating: ([Self.kill], .killing)
            case .draining: ([Self.terminate], .terminating)
            case .killing: ([.finish(.stopped)], .gone)
            case .launching, .unwanted, .gone: nil
            }
        let due = situation.machine().timer
        #expect((due == nil) == (outcome == nil), "whoever has a process has a timer")
        Self.check(situation, outcome) { $0.timerFired(at: due ?? Self.at(0)) }
        Self.check(situation, nil) { $0.timerFired(at: (due ?? Self.at(0)) - .nanoseconds(1)) }
    }

    @Test(arguments: Situation.allCases)
    func `the process has ended, and nobody says how`(situation: Situation) {
        var machine = situation.machine()
        let before = machine
        #expect(machine.processEnded(at: Self.at(1)) == [])
        guard ![.launching, .unwanted, .gone].contains(situation) else {
            #expect(machine == before)
            return
        }
        #expect(machine.state == situation.state && machine.timer == Self.at(1_001))
        machine.heard(at: Self.at(900))
        #expect(machine.processEnded(at: Self.at(900)) == [])
        #expect(machine.timer == Self.at(1_001), "its last words put nothing off")
        let end: WorkerStateMachine.End =
            switch situation {
            case .greeting, .warming: .failedToStart("before it was ready, it is gone")
            case .ready: .crashed(.unknown)
            default: .stopped
            }
        #expect(machine.timerFired(at: Self.at(1_001)) == [Self.kill, .finish(end)])
        #expect(machine.state == .gone && machine.timer == nil)
    }

    @Test func `a process that has ended is as its forkserver says, where it does`() {
        var machine = Situation.ready.machine()
        #expect(machine.processEnded(at: Self.at(1)) == [])
        #expect(machine.exited(.signalled(11)) == [.finish(.crashed(.signalled(11)))])
    }

    // MARK: Its life

    @Test func `hearing from a worker does not put off anything but its silence`() {
        for situation in Situation.allCases where situation != .ready {
            var machine = situation.machine()
            let before = machine
            machine.heard(at: Self.at(50))
            #expect(machine == before)
        }
    }

    @Test func `a gentle end goes by drain and SIGTERM to SIGKILL`() {
        var machine = Situation.ready.machine()
        #expect(machine.stopRequested(gently: true, at: Self.at(0)) == [.sendDrain])
        #expect(machine.timerFired(at: Self.at(2_000)) == [Self.terminate])
        #expect(machine.timerFired(at: Self.at(4_000)) == [Self.kill])
        #expect(machine.timerFired(at: Self.at(6_000)) == [.finish(.stopped)])
        #expect(machine.state == .gone && machine.timer == nil)
    }

    @Test func `a process whose start is never reported is given up, wherever it had come`() {
        // It spoke, so it is warming; then the forkserver is gone.
        var machine = WorkerStateMachine(Self.settings)
        #expect(machine.helloReceived(objection: nil, at: Self.at(0)) == [.sayHello])
        let error = LaunchError("the forkserver ended", isFinal: false)
        #expect(machine.launchFailed(error) == [.finish(.failedToStart("the forkserver ended"))])
    }

    @Test func `only a wanted worker is launched`() {
        for situation in Situation.allCases {
            #expect(situation.machine().wantsProcess == (situation == .launching))
        }
    }

    // MARK: At random

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `whatever happens, timers alone bring a worker to its end, once`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var machine = WorkerStateMachine(Self.settings)
        var now = 0
        var finishes = 0
        func record(_ actions: [Action]) {
            #expect(finishes == 0 || actions.isEmpty, "nothing comes after the end")
            finishes += actions.count { if case .finish = $0 { true } else { false } }
            switch machine.state {
            case .launching, .gone: #expect(machine.timer == nil)
            default: #expect(machine.timer != nil, "\(machine.state) has no timer")
            }
        }
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            now += Int.random(in: 0..<300, using: &random)
            let time = Self.at(now)
            switch Int.random(in: 0..<42, using: &random) {
            case 0..<8: record(machine.launched(at: time))
            case 8..<16: record(machine.helloReceived(objection: nil, at: time))
            case 16..<24: record(machine.readyReceived(at: time))
            case 24..<30: machine.heard(at: time)
            case 30..<34: record(machine.timerFired(at: time))
            case 34: record(machine.helloReceived(objection: "old", at: time))
            case 35: record(machine.faultReceived("x", isFinal: now % 2 == 0, at: time))
            case 36: record(machine.violated("x", at: time))
            case 37: record(machine.stopRequested(gently: now % 2 == 0, at: time))
            case 38: record(machine.exited(.exited(1)))
            case 39: record(machine.processEnded(at: time))
            default: record(machine.messageLost(at: time))
            }
        }
        // The forkserver's answer is bounded by its own patience.
        if case .launching = machine.state {
            record(machine.launchFailed(LaunchError("too late", isFinal: false)))
        }
        for _ in 0..<5 {
            guard let due = machine.timer else { break }
            record(machine.timerFired(at: due))
        }
        #expect(machine.state == .gone && finishes == 1)
    }
}
