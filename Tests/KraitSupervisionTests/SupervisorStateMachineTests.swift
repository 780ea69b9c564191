import KraitTestSupport
import Testing

@testable import KraitSupervision

@Suite(.timeLimit(.minutes(1))) struct SupervisorStateMachineTests {
    private let three: [(ChildID, Restart)] = [
        ("a", .permanent), ("b", .permanent), ("c", .permanent),
    ]

    // MARK: Starting

    @Test func `each child starts when the one before has said that it has`() {
        var tree = ScriptedTree(three)
        tree.held = ["a", "b", "c"]
        #expect(tree.start() == [.start("a")])
        #expect(!tree.machine.hasStarted)
        #expect(tree.after { $0.childStarted("a") } == [.start("b")])
        // Once more makes no difference.
        #expect(tree.after { $0.childStarted("a") }.isEmpty)
        #expect(tree.after { $0.childStarted("b") } == [.start("c")])
        #expect(!tree.machine.hasStarted)
        #expect(tree.after { $0.childStarted("c") }.isEmpty)
        #expect(tree.machine.hasStarted)
    }

    @Test func `a supervisor without children has started at once and stops at once`() {
        var tree = ScriptedTree([])
        #expect(tree.start().isEmpty)
        #expect(tree.machine.hasStarted)
        #expect(tree.stop() == [.finish(.init(.requested))])
        #expect(tree.stop().isEmpty)
    }

    @Test func `a supervisor that was never started stops at once`() {
        var tree = ScriptedTree(three)
        #expect(tree.stop() == [.finish(.init(.requested))])
    }

    @Test(arguments: Strategy.allCases)
    func `a child that cannot be started takes the start of all back`(strategy: Strategy) {
        var tree = ScriptedTree(strategy, three)
        tree.held = ["c"]
        #expect(tree.start() == [.start("a"), .start("b"), .start("c")])
        #expect(
            tree.exit("c", .failed("no port")) == [
                .stop("b"), .stop("a"), .finish(.init(.startFailed("c", "no port"))),
            ]
        )
        #expect(!tree.machine.hasStarted)
    }

    @Test func `a start that takes too long has failed once the child has ended`() {
        var tree = ScriptedTree(three)
        tree.held = ["b"]
        tree.start()
        #expect(tree.after { $0.startTimePassed("b") } == [.stop("b")])
        // Too late, and then once more too late.
        #expect(tree.after { $0.childStarted("b") }.isEmpty)
        #expect(tree.after { $0.startTimePassed("b") }.isEmpty)
        #expect(
            tree.exit("b", .finished) == [
                .stop("a"), .finish(.init(.startFailed("b", ChildRecord.overdue))),
            ]
        )
    }

    @Test func `the time to start has no meaning for a child that has started`() {
        var tree = ScriptedTree(three)
        tree.start()
        #expect(tree.after { $0.startTimePassed("b") }.isEmpty)
        #expect(tree.state("b") == .running)
    }

    @Test(arguments: [(Restart.transient, ["+b"]), (.temporary, ["+b"]), (.permanent, ["+a"])])
    func `a child that is done before it has said so counts as started`(
        restart: Restart,
        next: [String]
    ) {
        var tree = ScriptedTree([("a", restart), ("b", .permanent)])
        tree.held = ["a"]
        tree.start()
        #expect(tree.exit("a", .finished).map(\.word) == next)
    }

    // MARK: Restarting

    @Test(arguments: [
        (Strategy.oneForOne, ["+b"]), (.oneForAll, ["-c", "-a", "+a", "+b"]),
        (.restForOne, ["-c", "+b"]),
    ])
    func `a start that fails at a restart is another restart`(
        strategy: Strategy,
        first: [String]
    ) {
        var tree = ScriptedTree(strategy, intensity: .atMost(2, within: .seconds(5)), three)
        tree.start()
        tree.held = ["b"]
        #expect(tree.exit("b", .failed("x")).map(\.word) == first)
        let second = tree.exit("b", .failed("y")).map(\.word)
        #expect(second == (strategy == .oneForAll ? ["-a", "+a", "+b"] : ["+b"]))
        let third = tree.exit("b", .failed("z"))
        #expect(third.last == .finish(.init(.tooManyRestarts("b", "z"))))
        #expect(tree.machine.record(of: "b").restarts == 2)
    }

    @Test func `one for one restarts at once whoever else is starting`() {
        var tree = ScriptedTree(three)
        tree.start()
        tree.held = ["a", "b"]
        #expect(tree.exit("b", .failed("x")) == [.start("b")])
        #expect(tree.exit("a", .failed("x")) == [.start("a")])
        #expect(tree.exit("c", .failed("x")) == [.start("c")])
    }

    @Test func `a first start waits for an earlier child's restart`() {
        var tree = ScriptedTree(three)
        tree.held = ["b"]
        #expect(tree.start() == [.start("a"), .start("b")])
        tree.held = ["a", "b"]
        #expect(tree.exit("a", .failed("x")) == [.start("a")])
        #expect(tree.after { $0.childStarted("b") }.isEmpty)
        #expect(tree.after { $0.childStarted("a") } == [.start("c")])
    }

    @Test func `an end while all are being stopped for a restart is not another`() {
        var tree = ScriptedTree(.oneForAll, intensity: .atMost(1, within: .seconds(5)), three)
        tree.start()
        tree.held = ["c"]
        #expect(tree.exit("b", .failed("x")) == [.stop("c")])
        #expect(tree.exit("a", .failed("y")).isEmpty)
        #expect(tree.exit("c", .failed("z")) == [.start("a"), .start("b"), .start("c")])
    }

    @Test func `rest for one widens where an earlier child fails too`() {
        var tree = ScriptedTree(.restForOne, three)
        tree.start()
        tree.held = ["c"]
        #expect(tree.exit("b", .failed("x")) == [.stop("c")])
        #expect(tree.exit("a", .failed("y")).isEmpty)
        #expect(tree.exit("c", .finished) == [.start("a"), .start("b"), .start("c")])
    }

    @Test(arguments: [
        (Strategy.oneForAll, ["-b", "+a"]), (.restForOne, ["-b", "+a"]),
    ])
    func `a failure while others are still being started begins again`(
        strategy: Strategy,
        expected: [String]
    ) {
        var tree = ScriptedTree(strategy, three)
        tree.start()
        tree.held = ["b"]
        #expect(tree.exit("a", .failed("x")).map(\.word).suffix(1) == ["-b"])
        #expect(tree.exit("b", .finished).map(\.word) == ["+a", "+b"])
        tree.held = ["a"]
        // b is starting, c waits; a fails.
        #expect(tree.exit("a", .failed("y")).map(\.word) == expected)
        tree.held = []
        #expect(tree.after { $0.childStarted("a") }.map(\.word) == ["+b", "+c"])
    }

    @Test func `a child stopped for its late start is restarted with the rest`() {
        var tree = ScriptedTree(.restForOne, three)
        tree.start()
        tree.held = ["b"]
        #expect(tree.exit("b", .failed("x")) == [.stop("c"), .start("b")])
        #expect(tree.after { $0.startTimePassed("b") } == [.stop("b")])
        #expect(tree.exit("a", .failed("y")).isEmpty)
        #expect(tree.exit("b", .finished) == [.start("a"), .start("b")])
    }

    // MARK: Stopping

    @Test func `children stop one at a time, the last first`() {
        var tree = ScriptedTree(three)
        tree.start()
        tree.held = ["a", "b", "c"]
        #expect(tree.stop() == [.stop("c")])
        #expect(tree.stop().isEmpty)
        // One that ends before its turn has been stopped already.
        #expect(tree.exit("b", .failed("x")).isEmpty)
        #expect(tree.exit("c", .finished) == [.stop("a")])
        #expect(tree.exit("a", .failed("y")) == [.finish(.init(.requested))])
        #expect(tree.machine.children.allSatisfy { $0.state == .ended })
    }

    @Test(arguments: Strategy.allCases)
    func `a stop during the first start stops what has started`(strategy: Strategy) {
        var tree = ScriptedTree(strategy, three)
        tree.held = ["b"]
        tree.start()
        #expect(tree.stop() == [.stop("b")])
        #expect(tree.after { $0.childStarted("b") }.isEmpty)
        #expect(tree.exit("b", .failed("x")) == [.stop("a"), .finish(.init(.requested))])
    }

    @Test(arguments: [Strategy.oneForAll, .restForOne])
    func `a stop during a restart starts nobody any more`(strategy: Strategy) {
        var tree = ScriptedTree(strategy, three)
        tree.start()
        tree.held = ["c"]
        #expect(tree.exit("a", .failed("x")) == [.stop("c")])
        #expect(tree.stop().isEmpty)
        #expect(tree.exit("c", .finished) == [.stop("b"), .finish(.init(.requested))])
    }

    @Test func `a stop while a late child is stopped waits for it in its place`() {
        var tree = ScriptedTree(three)
        tree.held = ["b"]
        tree.start()
        #expect(tree.after { $0.startTimePassed("b") } == [.stop("b")])
        #expect(tree.stop().isEmpty)
        #expect(tree.exit("b", .finished) == [.stop("a"), .finish(.init(.requested))])
    }

    // MARK: Giving up

    @Test(arguments: Strategy.allCases)
    func `past the intensity everything stops in reverse`(strategy: Strategy) {
        var tree = ScriptedTree(strategy, intensity: .atMost(0, within: .seconds(5)), three)
        tree.start()
        #expect(
            tree.exit("b", .failed("x")) == [
                .stop("c"), .stop("a"), .finish(.init(.tooManyRestarts("b", "x"))),
            ]
        )
    }

    @Test func `the window slides, and its edge still counts`() {
        var tree = ScriptedTree(intensity: .atMost(2, within: .seconds(5)), three)
        tree.start()
        func fails(at milliseconds: Int) -> [SupervisorAction] {
            tree.now = .init(.milliseconds(milliseconds))
            return tree.exit("a", .failed("x"))
        }
        #expect(fails(at: 0) == [.start("a")])
        #expect(fails(at: 3_000) == [.start("a")])
        // The first is out of the window, by a millisecond.
        #expect(fails(at: 5_001) == [.start("a")])
        // The second is at its edge.
        #expect(fails(at: 8_000).last == .finish(.init(.tooManyRestarts("a", "x"))))
    }

    @Test func `a child that returns is told of as having returned`() {
        var tree = ScriptedTree(intensity: .atMost(0, within: .seconds(1)), [("a", .permanent)])
        tree.start()
        #expect(
            tree.exit("a", .finished)
                == [.finish(.init(.tooManyRestarts("a", ChildRecord.returned)))]
        )
    }

    // MARK: What cannot be stopped

    @Test func `an unresponsive child is left behind at a stop and the others still stop`() {
        var tree = ScriptedTree(three)
        tree.start()
        tree.held = ["b"]
        #expect(tree.stop() == [.stop("c"), .stop("b")])
        #expect(
            tree.after { $0.shutdownTimePassed("b") } == [
                .stop("a"), .finish(.init(.requested, unresponsive: ["b"])),
            ]
        )
    }

    @Test func `an unresponsive child that ends before the others is not left behind`() {
        var tree = ScriptedTree(three)
        tree.start()
        tree.held = ["a", "b"]
        #expect(tree.stop() == [.stop("c"), .stop("b")])
        #expect(tree.after { $0.shutdownTimePassed("b") } == [.stop("a")])
        #expect(tree.exit("b", .finished).isEmpty)
        #expect(tree.exit("a", .finished) == [.finish(.init(.requested))])
    }

    @Test func `a child that does not stop for a restart is never started beside itself`() {
        var tree = ScriptedTree(.oneForAll, three)
        tree.start()
        tree.held = ["b"]
        #expect(tree.exit("c", .failed("x")) == [.stop("b")])
        #expect(
            tree.after { $0.shutdownTimePassed("b") } == [
                .stop("a"), .finish(.init(.unresponsive("b"), unresponsive: ["b"])),
            ]
        )
    }

    @Test func `a shutdown time means nothing for a child that is not being stopped`() {
        var tree = ScriptedTree(three)
        tree.start()
        #expect(tree.after { $0.shutdownTimePassed("b") }.isEmpty)
        #expect(tree.state("b") == .running)
    }

    @Test(arguments: [
        (Restart.permanent, true), (.transient, true), (.temporary, false),
    ])
    func `a supervisor that left children behind is not restarted`(
        restart: Restart,
        givesUp: Bool
    ) {
        var tree = ScriptedTree([("a", .permanent), ("pool", restart)])
        tree.start()
        let actions = tree.exit("pool", .abandoned("slots"))
        let end = SupervisorOutcome(.unresponsive("pool"), unresponsive: ["pool"])
        #expect(actions == (givesUp ? [.stop("a"), .finish(end)] : []))
    }

    @Test func `a supervisor that leaves children behind as it stops is told of`() {
        var tree = ScriptedTree([("a", .permanent), ("pool", .permanent)])
        tree.start()
        tree.held = ["pool"]
        #expect(tree.stop() == [.stop("pool")])
        #expect(
            tree.exit("pool", .abandoned("slots")) == [
                .stop("a"), .finish(.init(.requested, unresponsive: ["pool"])),
            ]
        )
    }

    // MARK: What must not happen

    @Test func `two children of one name are a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = ScriptedTree([("a", .permanent), ("a", .permanent)])
        }
    }

    @Test func `an end of a child that is not there is a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            var tree = ScriptedTree([("a", .temporary)])
            tree.start()
            _ = tree.exit("a", .finished)
            _ = tree.exit("a", .finished)
        }
    }
}
