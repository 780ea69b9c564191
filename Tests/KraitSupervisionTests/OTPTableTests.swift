import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitSupervision

/// The decisions, and the supervisor that performs them, beside what OTP does.
@Suite(.timeLimit(.minutes(1))) struct OTPTableTests {
    private static let names: [ChildID] = ["a", "b", "c", "d"]

    @Test func `the table has every combination once`() {
        let keys = Set(OTPTable.rows.map(\.testDescription))
        #expect(OTPTable.rows.count == 3 * 3 * 4)
        #expect(keys.count == OTPTable.rows.count)
    }

    private func tree(_ row: OTPTable.Row, _ intensity: RestartIntensity) -> ScriptedTree {
        ScriptedTree(
            row.strategy,
            intensity: intensity,
            Self.names.map { ($0, $0 == "b" ? row.restart : .permanent) }
        )
    }

    private func words(_ actions: [SupervisorAction]) -> String {
        actions.map(\.word).joined(separator: " ")
    }

    @Test(arguments: OTPTable.rows)
    func `the decisions are OTP's while the intensity allows them`(row: OTPTable.Row) {
        var tree = tree(row, .atMost(1, within: .seconds(5)))
        tree.start()
        #expect(words(tree.exit("b", row.exit.exit)) == row.within)
        let isThere = row.isRevived
        let others = ["a", "c", "d"].map { tree.state($0) }
        #expect(others == [.running, .running, .running])
        #expect(tree.state("b") == (isThere ? .running : .ended))
        #expect(words(tree.stop()) == (isThere ? "-d -c -b -a end" : "-d -c -a end"))
    }

    @Test(arguments: OTPTable.rows)
    func `the decisions are OTP's beyond the intensity`(row: OTPTable.Row) {
        var tree = tree(row, .atMost(0, within: .seconds(5)))
        tree.start()
        let actions = tree.exit("b", row.exit.exit)
        #expect(words(actions) == row.exceeded)
        guard !row.exceeded.isEmpty else { return #expect(tree.state("a") == .running) }
        #expect(Self.names.map(tree.state) == [.ended, .ended, .ended, .ended])
        guard case .finish(let outcome)? = actions.last,
            case .tooManyRestarts("b", _) = outcome.reason
        else {
            Issue.record("\(actions)")
            return
        }
        #expect(outcome.unresponsive.isEmpty)
    }

    @Test(arguments: OTPTable.mixed)
    func `siblings of every kind are OTP's`(row: OTPTable.Mixed) {
        var tree = ScriptedTree(
            row.strategy,
            [
                ("a", .permanent), ("b", .transient), ("c", .temporary), ("d", .temporary),
                ("e", .transient), ("f", .permanent),
            ]
        )
        tree.start()
        #expect(tree.exit("b", .finished).isEmpty)
        #expect(tree.exit("c", .finished).isEmpty)
        #expect(words(tree.exit(row.fails, .failed("x"))) == row.follows)
        let running = tree.machine.children.filter { $0.state == .running }.map(\.id.name)
        #expect(running.joined() == row.runs)
    }

    @Test(arguments: OTPTable.storms)
    func `the restart intensity is OTP's sliding window`(storm: OTPTable.Storm) {
        var tree = ScriptedTree(
            intensity: .atMost(storm.maximum, within: .seconds(storm.seconds)),
            [("a", .permanent)]
        )
        tree.start()
        let start = tree.now
        var fatal: Int?
        for (index, milliseconds) in storm.failures.enumerated() where fatal == nil {
            tree.now = start.advanced(by: .milliseconds(milliseconds))
            if tree.exit("a", .failed("x")) != [.start("a")] { fatal = index + 1 }
        }
        #expect(fatal == storm.fatal)
    }

    @Test(arguments: Strategy.allCases)
    func `a child that stops by itself before it has started could not be started`(
        strategy: Strategy
    ) {
        var tree = ScriptedTree(strategy, [("a", .permanent), ("b", .transient)])
        tree.held = ["b"]
        tree.start()
        let reason = ChildRecord.shutDown
        #expect(
            tree.exit("b", .shutDown) == [.stop("a"), .finish(.init(.startFailed("b", reason)))]
        )
    }

    // MARK: With tasks

    private struct Broken: Error {}

    /// Runs the row's tree for real, lets b end, and gives what the children then did.
    private func lived(
        _ row: OTPTable.Row,
        _ intensity: RestartIntensity
    ) async -> (journal: String, error: SupervisorError?) {
        let journal = Lock<[String]>([])
        let trigger = OneShot()
        let supervisor = Supervisor(
            "root",
            strategy: row.strategy,
            intensity: intensity,
            clock: ManualClock()
        ) {
            for id in Self.names {
                let isFirst = Lock(id == "b")
                Child(id, restart: id == "b" ? row.restart : .permanent) { started in
                    let ends = isFirst.withLock { first in
                        defer { first = false }
                        return first
                    }
                    journal.withLock { $0.append("+\(id)") }
                    started()
                    do {
                        try await (ends ? trigger : OneShot()).waitUnlessCancelled()
                    } catch {
                        journal.withLock { $0.append("-\(id)") }
                        throw error
                    }
                    switch row.exit {
                    case .normal: return
                    case .shutdown: throw CancellationError()
                    case .error, .killed: throw Broken()
                    }
                }
            }
        }
        return await withTaskGroup(of: SupervisorError?.self) { group in
            group.addTask {
                do { try await supervisor.run() } catch { return error as? SupervisorError }
                return nil
            }
            _ = await eventually {
                await supervisor.children().allSatisfy { $0.state == .running }
            }
            journal.withLock { $0 = [] }
            trigger.fire()
            let isBeyond = intensity.maximum == 0
            let count = (isBeyond ? row.exceeded : row.within).split(separator: " ").count
            // One more than is expected is waited for by looking at what has come of b.
            _ = await eventually {
                let states = await supervisor.children().map(\.state)
                let isSettled = states.allSatisfy { $0 == .running || $0 == .ended }
                return isSettled && journal.withLock { $0.count } >= (isBeyond ? count - 1 : count)
                    && (row.isRevived || states[1] == .ended)
            }
            let said = journal.withLock { $0.joined(separator: " ") }
            supervisor.stop()
            return (said, await group.next() ?? nil)
        }
    }

    @Test(arguments: OTPTable.rows)
    func `real tasks are started and stopped as OTP would`(row: OTPTable.Row) async {
        let (journal, error) = await lived(row, .atMost(1, within: .seconds(5)))
        #expect(journal == row.within)
        #expect(error == nil)
    }

    @Test(arguments: OTPTable.rows)
    func `a real supervisor ends as OTP's would`(row: OTPTable.Row) async {
        let (journal, error) = await lived(row, .atMost(0, within: .seconds(5)))
        #expect((journal + (error == nil ? "" : " end")) == row.exceeded)
        guard let error else { return }
        guard case .tooManyRestarts("b", _) = error.outcome.reason else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func `a supervisor above is told that one below gave up, and restarts it`() async {
        let made = Lock(0)
        let inner = Child("inner", restart: .transient, shutdown: .infinite) {
            made.withLock { $0 += 1 }
            return Supervisor("inner", intensity: .atMost(0, within: .seconds(1))) {
                Child("leaf") { started in
                    started()
                    throw Broken()
                }
            }
        }
        let outer = Supervisor("outer", intensity: .atMost(2, within: .seconds(60))) { inner }
        let error = await #expect(throws: SupervisorError.self) { try await outer.run() }
        // OTP's ends with `shutdown` there, which would end a transient one for good: see
        // *Supervision*.
        #expect(made.withLock { $0 } == 3)
        guard case .tooManyRestarts("inner", _)? = error?.outcome.reason else {
            Issue.record("it ended otherwise")
            return
        }
    }
}
