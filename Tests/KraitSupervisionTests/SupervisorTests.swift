import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitSupervision

@Suite(.timeLimit(.minutes(1))) struct SupervisorTests {
    private struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// What the children did, in order.
    private let journal = Lock<[String]>([])
    private let clock = ManualClock()
    private let log = MemoryLogHandler()

    private var events: EventSink {
        EventSink(logger: Logger(label: "krait", handler: log, level: .trace))
    }

    private var logged: [String] {
        log.records.map { "\($0.message) \($0.metadata[.child].map { "\($0)" } ?? "-")" }
    }

    /// A child that starts, waits until it is cancelled or `crash` fires, and writes a journal.
    private func child(
        _ id: ChildID,
        restart: Restart = .permanent,
        crash: OneShot = OneShot()
    ) -> Child {
        Child(id, restart: restart) { [journal] started in
            journal.withLock { $0.append("+\(id)") }
            started()
            defer { journal.withLock { $0.append("-\(id)") } }
            try await crash.waitUnlessCancelled()
            throw Broken(description: "\(id) broke")
        }
    }

    /// Runs the supervisor beside `body` and cancels it when that is done.
    private func running(
        _ supervisor: Supervisor<ManualClock>,
        _ body: () async throws -> Void
    ) async throws {
        let started = OneShot()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await supervisor.run(started: StartSignal { started.fire() })
            }
            group.addTask { try await started.waitUnlessCancelled() }
            try await group.next()
            // The clocks of the starts are stopped in their own time.
            #expect(await eventually { clock.sleepers == 0 })
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func states(_ supervisor: Supervisor<ManualClock>) async -> [ChildState] {
        await supervisor.children().map(\.state)
    }

    @Test func `children start in order and a cancellation stops them in reverse`() async throws {
        let supervisor = Supervisor("root", clock: clock, events: events) {
            for name in ["a", "b", "c"] { child(ChildID(name)) }
        }
        try await running(supervisor) {
            #expect(journal.withLock { $0 } == ["+a", "+b", "+c"])
            #expect(await states(supervisor) == [.running, .running, .running])
        }
        #expect(journal.withLock { $0 } == ["+a", "+b", "+c", "-c", "-b", "-a"])
        #expect(
            logged == [
                "child.started a", "child.started b", "child.started c", "child.stopped c",
                "child.stopped b", "child.stopped a",
            ]
        )
        #expect(log.records.allSatisfy { $0.metadata[.supervisor] == "root" })
    }

    @Test func `a supervisor without children has started at once`() async throws {
        let supervisor = Supervisor("root", clock: clock, events: events) {}
        try await running(supervisor) { #expect(await states(supervisor).isEmpty) }
    }

    @Test func `the supervisor has started when its last child has`() async throws {
        let gate = OneShot()
        let started = OneShot()
        let supervisor = Supervisor("root", clock: clock) {
            child("a")
            Child("b") { [journal] started in
                journal.withLock { $0.append("+b") }
                try await gate.waitUnlessCancelled()
                started()
                try await OneShot().waitUnlessCancelled()
            }
            child("c")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [journal] in
                try await supervisor.run(
                    started: StartSignal {
                        journal.withLock { $0.append("started") }
                        started.fire()
                    }
                )
            }
            #expect(await eventually { journal.withLock { $0 } == ["+a", "+b"] })
            #expect(await states(supervisor) == [.running, .starting, .waiting])
            gate.fire()
            try await started.waitUnlessCancelled()
            #expect(journal.withLock { $0 } == ["+a", "+b", "+c", "started"])
            supervisor.stop()
            try await group.waitForAll()
        }
        #expect(await states(supervisor) == [.ended, .ended, .ended])
    }

    @Test func `a crashed child is made anew, alone or with those after it`() async throws {
        let crash = OneShot()
        let made = Lock(0)
        let supervisor = Supervisor("root", strategy: .restForOne, clock: clock, events: events) {
            child("a")
            Child("b") { [journal] () async throws -> any Supervised in
                let isFirst = made.withLock { count in
                    count += 1
                    return count == 1
                }
                return Crashing(id: "b", journal: journal, crash: isFirst ? crash : OneShot())
            }
            child("c")
        }
        try await running(supervisor) {
            crash.fire()
            #expect(await eventually { journal.withLock { $0.count } == 7 })
            #expect(journal.withLock { $0 } == ["+a", "+b", "+c", "-b", "-c", "+b", "+c"])
            #expect(
                await eventually { await states(supervisor) == [.running, .running, .running] }
            )
            #expect(await supervisor.children().map(\.restarts) == [0, 1, 1])
        }
        #expect(made.withLock { $0 } == 2)
        let failure = log.records.first { $0.message == "child.failed" }
        #expect(failure?.metadata == [.supervisor: "root", .child: "b", .reason: "b broke"])
    }

    private struct Crashing: Supervised {
        let id: ChildID
        let journal: Lock<[String]>
        let crash: OneShot

        func run(started: StartSignal) async throws {
            journal.withLock { $0.append("+\(id)") }
            started()
            defer { journal.withLock { $0.append("-\(id)") } }
            try await crash.waitUnlessCancelled()
            throw Broken(description: "\(id) broke")
        }
    }

    @Test func `past the intensity the supervisor stops the others and says why`() async throws {
        let crash = OneShot()
        crash.fire()
        let supervisor = Supervisor(
            "root",
            intensity: .atMost(2, within: .seconds(5)),
            clock: clock,
            events: events
        ) {
            child("a")
            child("b", crash: crash)
        }
        let error = try await #require(throws: SupervisorError.self) { try await supervisor.run() }
        #expect(error.outcome == .init(.tooManyRestarts("b", "b broke")))
        #expect(
            "\(error)"
                == "supervisor root gave up after too many restarts, b last: b broke"
        )
        #expect(
            journal.withLock { $0 } == ["+a", "+b", "-b", "+b", "-b", "+b", "-b", "-a"]
        )
        let last = log.records.last
        #expect(last?.message == "supervisor.failed" && last?.metadata[.reason] == "\(error)")
    }

    @Test func `a child that cannot be made takes the start back`() async throws {
        let supervisor = Supervisor("root", clock: clock) {
            child("a")
            Child("b") { () async throws -> any Supervised in throw Broken(description: "no port") }
            child("c")
        }
        let error = try await #require(throws: SupervisorError.self) { try await supervisor.run() }
        #expect("\(error)" == "supervisor root could not start b: no port")
        #expect(journal.withLock { $0 } == ["+a", "-a"])
    }

    @Test func `a child that does not say that it has started fails at its limit`() async throws {
        let supervisor = Supervisor("root", clock: clock, events: events) {
            Child("a", startLimit: .seconds(3)) { _ in try await OneShot().waitUnlessCancelled() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let error = try await #require(throws: SupervisorError.self) {
                    try await supervisor.run()
                }
                #expect(error.outcome.reason == .startFailed("a", ChildRecord.overdue))
            }
            try await clock.waitForSleepers(1)
            clock.advance(by: .seconds(3))
            try await group.waitForAll()
        }
        #expect(logged == ["child.failed a", "supervisor.failed -"])
        #expect(log.records.first?.metadata[.reason] == .string(ChildRecord.overdue))
    }

    @Test func `a child that does not heed its cancellation is left behind and named`() async throws
    {
        let release = OneShot()
        let supervisor = Supervisor("root", clock: clock, events: events) {
            child("a")
            Child("stuck", shutdown: .graceful(within: .seconds(4))) { [journal] started in
                started()
                await release.wait()
                journal.withLock { $0.append("-stuck") }
            }
            child("c")
        }
        let error = await #expect(throws: SupervisorError.self) {
            try await running(supervisor) {
                supervisor.stop()
                #expect(await eventually { await states(supervisor).last == .ended })
                try await clock.waitForSleepers(1)
                clock.advance(by: .milliseconds(3_999))
                #expect(await states(supervisor) == [.running, .stopping, .ended])
                clock.advance(by: .milliseconds(1))
            }
        }
        #expect(error?.outcome == .init(.requested, unresponsive: ["stuck"]))
        #expect(
            error?.description
                == "supervisor root was asked to stop; still running though cancelled: stuck; "
                + "end the process"
        )
        #expect(journal.withLock { $0 } == ["+a", "+c", "-c", "-a"])
        #expect(logged.contains("child.unresponsive stuck"))
        #expect(await states(supervisor) == [.ended, .unresponsive, .ended])
        release.fire()
        #expect(await eventually { journal.withLock { $0.last } == "-stuck" })
    }

    @Test func `a nested supervisor stops its own in order and its failure is a child's`()
        async throws
    {
        let crash = OneShot()
        let inner = Supervisor(
            "inner",
            intensity: .atMost(0, within: .seconds(1)),
            clock: clock
        ) {
            child("x")
            child("y", crash: crash)
            child("z")
        }
        let supervisor = Supervisor("root", clock: clock, events: events) {
            child("a")
            Child("inner", restart: .temporary, shutdown: .infinite) { inner }
            child("c")
        }
        try await running(supervisor) {
            #expect(journal.withLock { $0 } == ["+a", "+x", "+y", "+z", "+c"])
            crash.fire()
            #expect(await eventually { await states(supervisor) == [.running, .ended, .running] })
        }
        #expect(
            journal.withLock { $0 } == [
                "+a", "+x", "+y", "+z", "+c", "-y", "-z", "-x", "-c", "-a",
            ]
        )
        let reason = log.records.first { $0.message == "child.failed" }?.metadata[.reason]
        #expect(reason == "supervisor inner gave up after too many restarts, y last: y broke")
    }

    @Test func `a nested supervisor that left a child behind is not restarted`() async throws {
        let (release, crash, made) = (OneShot(), OneShot(), Lock(0))
        let supervisor = Supervisor("root", clock: clock) { [clock] in
            child("a")
            Child("inner", shutdown: .infinite) { () async throws -> any Supervised in
                made.withLock { $0 += 1 }
                return Supervisor("inner", strategy: .oneForAll, clock: clock) {
                    child("x", crash: crash)
                    Child("stuck", shutdown: .immediate) { started in
                        started()
                        await release.wait()
                    }
                }
            }
        }
        let error = await #expect(throws: SupervisorError.self) {
            try await running(supervisor) {
                crash.fire()
                try await clock.waitForSleepers(1)
                clock.advance(by: .seconds(1))
                #expect(await eventually { await states(supervisor) == [.ended, .unresponsive] })
            }
        }
        release.fire()
        #expect(error?.outcome == .init(.unresponsive("inner"), unresponsive: ["inner"]))
        #expect(made.withLock { $0 } == 1)
    }

    @Test func `cancelled before it has begun, it stops what it starts`() async throws {
        let supervisor = Supervisor("root", clock: clock) {
            child("a")
            child("b")
        }
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                await #expect(throws: Never.self) { try await supervisor.run() }
            }
        }
        #expect(await states(supervisor).allSatisfy { $0 == .ended })
        #expect(journal.withLock { $0.filter { $0 == "+b" }.isEmpty })
    }

    @Test func `a start signal of an earlier start does not count for a later one`() async throws {
        let signals = Lock<[StartSignal]>([])
        let supervisor = Supervisor("root", clock: clock) {
            Child("a") { started in
                let isFirst = signals.withLock { signals in
                    signals.append(started)
                    return signals.count == 1
                }
                if isFirst { started() }
                guard !isFirst else { throw Broken(description: "first") }
                try await OneShot().waitUnlessCancelled()
            }
        }
        try await running(supervisor) {
            #expect(await eventually { signals.withLock { $0.count } == 2 })
            signals.withLock { $0.first }?()
            supervisor.stop()
        }
        let record = await supervisor.children().first
        #expect(record?.starts == 2)
    }

    @Test func `a permanent child that returns has failed`() async throws {
        let supervisor = Supervisor(
            "root",
            intensity: .atMost(1, within: .seconds(1)),
            clock: clock,
            events: events
        ) {
            Child("a") { started in started() }
        }
        await #expect(throws: SupervisorError.self) { try await supervisor.run() }
        #expect(
            logged == [
                "child.started a", "child.failed a", "child.started a", "child.failed a",
                "supervisor.failed -",
            ]
        )
    }

    @Test func `transient and temporary children that return have stopped`() async throws {
        let supervisor = Supervisor("root", clock: clock, events: events) {
            Child("a", restart: .transient) { _ in }
            for restart in [Restart.temporary, .permanent] {
                if restart == .temporary {
                    Child("b", restart: restart) { started in started() }
                } else {
                    child("c", restart: restart)
                }
            }
        }
        try await running(supervisor) {
            let states: [ChildState] = [.ended, .ended, .running]
            #expect(await eventually { await self.states(supervisor) == states })
            #expect(logged.filter { $0.hasPrefix("child.stopped") }.count == 2)
        }
        #expect(!logged.contains { $0.hasPrefix("child.failed") })
    }

    @Test func `a long reason is cut`() async throws {
        let supervisor = Supervisor("root", clock: clock) {
            Child("a") { _ in throw Broken(description: String(repeating: "x", count: 5_000)) }
        }
        let error = try await #require(throws: SupervisorError.self) { try await supervisor.run() }
        guard case .startFailed(_, let reason) = error.outcome.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(reason.count == 1_001)
    }
}
