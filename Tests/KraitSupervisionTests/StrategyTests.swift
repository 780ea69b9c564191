import Testing

@testable import KraitSupervision

/// What follows the end of one of four children, for each strategy, restart type and exit.
@Suite struct StrategyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let strategy: Strategy
        let restart: Restart
        let exit: ChildExit
        let actions: [SupervisorAction]

        init(_ strategy: Strategy, _ restart: Restart, _ exit: ChildExit, _ actions: String) {
            self.strategy = strategy
            self.restart = restart
            self.exit = exit
            // "-d +d": stop d, then start d.
            self.actions = actions.split(separator: " ").map { word in
                let id = ChildID(String(word.dropFirst()))
                return word.first == "-" ? .stop(id) : .start(id)
            }
        }

        var testDescription: String { "\(strategy), \(restart), \(exit)" }
    }

    static let cases: [Case] = [
        Case(.oneForOne, .permanent, .failed("x"), "+b"),
        Case(.oneForOne, .permanent, .finished, "+b"),
        Case(.oneForOne, .transient, .failed("x"), "+b"),
        Case(.oneForOne, .transient, .finished, ""),
        Case(.oneForOne, .temporary, .failed("x"), ""),
        Case(.oneForOne, .temporary, .finished, ""),
        Case(.oneForAll, .permanent, .failed("x"), "-d -c -a +a +b +c +d"),
        Case(.oneForAll, .permanent, .finished, "-d -c -a +a +b +c +d"),
        Case(.oneForAll, .transient, .failed("x"), "-d -c -a +a +b +c +d"),
        Case(.oneForAll, .transient, .finished, ""),
        Case(.oneForAll, .temporary, .failed("x"), ""),
        Case(.oneForAll, .temporary, .finished, ""),
        Case(.restForOne, .permanent, .failed("x"), "-d -c +b +c +d"),
        Case(.restForOne, .permanent, .finished, "-d -c +b +c +d"),
        Case(.restForOne, .transient, .failed("x"), "-d -c +b +c +d"),
        Case(.restForOne, .transient, .finished, ""),
        Case(.restForOne, .temporary, .failed("x"), ""),
        Case(.restForOne, .temporary, .finished, ""),
    ]

    @Test(arguments: cases)
    func `the second of four children ends`(row: Case) {
        var tree = ScriptedTree(
            row.strategy,
            [("a", .permanent), ("b", row.restart), ("c", .permanent), ("d", .permanent)]
        )
        #expect(tree.start() == [.start("a"), .start("b"), .start("c"), .start("d")])
        #expect(tree.exit("b", row.exit) == row.actions)
        #expect(tree.state("b") == (row.actions.isEmpty ? .ended : .running))
        let restarts = tree.machine.children.map(\.restarts)
        for (child, count) in zip(["a", "b", "c", "d"], restarts) {
            #expect(count == (row.actions.contains(.start(ChildID(child))) ? 1 : 0))
        }
    }

    @Test func `the table has every combination`() {
        let rows = Set(Self.cases.map { "\($0.strategy) \($0.restart) \($0.exit)" })
        #expect(rows.count == Strategy.allCases.count * Restart.allCases.count * 2)
    }

    @Test(arguments: [
        (Strategy.oneForAll, ["-d", "-c", "-b", "+a", "+b", "+d"]),
        (.restForOne, ["-d", "-c", "-b", "+a", "+b", "+d"]),
        (.oneForOne, ["+a"]),
    ])
    func `a temporary sibling is stopped with the others and not started again`(
        strategy: Strategy,
        expected: [String]
    ) {
        var tree = ScriptedTree(
            strategy,
            [("a", .permanent), ("b", .permanent), ("c", .temporary), ("d", .permanent)]
        )
        tree.start()
        let words = tree.exit("a", .failed("x")).map(\.word)
        #expect(words == expected)
        #expect(tree.state("c") == (strategy == .oneForOne ? .running : .ended))
    }

    @Test func `a transient sibling that was done is started again with the others`() {
        var tree = ScriptedTree(.oneForAll, [("a", .permanent), ("b", .transient)])
        tree.start()
        #expect(tree.exit("b", .finished).isEmpty)
        #expect(tree.exit("a", .failed("x")) == [.start("a"), .start("b")])
    }
}

extension SupervisorAction {
    var word: String {
        switch self {
        case .none: "·"
        case .start(let id): "+\(id)"
        case .stop(let id): "-\(id)"
        case .finish: "end"
        }
    }
}
