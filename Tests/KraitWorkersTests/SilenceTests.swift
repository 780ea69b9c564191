import KraitWire
import Testing

@testable import KraitWorkers

/// When a ready worker counts as silent; its heartbeats are 100 ms apart.
@Suite struct SilenceTests {
    private static let start = ContinuousClock.now

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    private static func ready() -> WorkerStateMachine {
        var machine = WorkerStateMachine(
            WorkerSettings(
                slots: 1,
                codec: .json,
                heartbeat: .milliseconds(100),
                startPatience: .seconds(10)
            )
        )
        _ = machine.launched(at: start)
        _ = machine.helloReceived(objection: nil, at: start)
        _ = machine.readyReceived(at: start)
        return machine
    }

    /// When a worker that stops at a moment after its last beat is found, in milliseconds after
    /// that moment; heartbeats are 100 ms apart.
    @Test(arguments: [(0, 250), (1, 249), (50, 200), (99, 151), (100, 150)])
    func `a worker that stops is found within two and a half heartbeats`(
        stopped: Int,
        found: Int
    ) {
        var machine = Self.ready()
        for beat in 1...10 { machine.heard(at: Self.at(100 * beat)) }
        let stop = 1_000 + stopped
        #expect(machine.timer == Self.at(stop + found))
        #expect(machine.timerFired(at: Self.at(stop + found)) == [.signal(9)])
        #expect(found <= 250)
    }

    /// The machine is loaded: beats come late, by how many milliseconds, and the last too late.
    @Test func `late beats are no silence, up to one and a half intervals`() {
        var machine = Self.ready()
        var now = 0
        for late in [0, 50, 100, 149] {
            now += 100 + late
            #expect(machine.timerFired(at: Self.at(now)) == [])
            machine.heard(at: Self.at(now))
        }
        #expect(machine.timerFired(at: Self.at(now + 100 + 150)) == [.signal(9)])
    }

    @Test func `a worker that greets and beats is never ended`() {
        var machine = Self.ready()
        for beat in 1...1_000 {
            machine.heard(at: Self.at(100 * beat))
            #expect(machine.timerFired(at: Self.at(100 * beat + 249)) == [])
        }
        #expect(machine.state == .ready)
    }

    @Test func `a worker that is not heard is silent`() {
        var machine = Self.ready()
        machine.heard(at: Self.at(300))
        #expect(machine.timer == Self.at(550))
        #expect(machine.timerFired(at: Self.at(550)) == [.signal(9)])
        #expect(machine.exited(.signalled(9)) == [.finish(.silent)])
    }

    @Test func `a timer that is itself late gives the worker another chance`() {
        var machine = Self.ready()
        #expect(machine.timerFired(at: Self.at(5_000)) == [])
        #expect(machine.state == .ready && machine.timer == Self.at(5_250))
        #expect(machine.timerFired(at: Self.at(5_250)) == [.signal(9)])
    }

    @Test func `a worker that starts, or leaves, has other bounds than its heartbeats`() {
        var machine = WorkerStateMachine(
            WorkerSettings(
                slots: 1,
                codec: .json,
                heartbeat: .milliseconds(100),
                startPatience: .seconds(10)
            )
        )
        _ = machine.launched(at: Self.at(0))
        _ = machine.helloReceived(objection: nil, at: Self.at(1_000))
        #expect(machine.timerFired(at: Self.at(10_999)) == [], "an import may take its time")
        machine = Self.ready()
        #expect(machine.stopRequested(gently: true, at: Self.at(0)) == [.sendDrain])
        #expect(machine.timerFired(at: Self.at(1_999)) == [], "and so may the last calls")
    }
}
