import Testing

@testable import KraitWorkers

@Suite struct OutputBudgetTests {
    private static let start = ContinuousClock.now

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    @Test func `so many lines a second are logged, and the next second as many again`() {
        var budget = OutputBudget(lines: 3, bytes: 1_000)
        let first = (0..<5).map { budget.admits(bytes: 1, at: Self.at($0)) }
        #expect(first == [true, true, true, false, false])
        #expect(budget.isSpent(at: Self.at(999)))
        #expect(budget.reportDue == Self.at(1_000))
        budget.drop(40)
        #expect(budget.takeDropped() == 42)
        #expect(budget.reportDue == nil && budget.takeDropped() == 0)
        #expect(!budget.isSpent(at: Self.at(1_000)))
        let second = (1_000..<1_005).map { budget.admits(bytes: 1, at: Self.at($0)) }
        #expect(second == [true, true, true, false, false])
    }

    @Test func `so many bytes a second are logged, and a line that is begun is whole`() {
        var budget = OutputBudget(lines: 100, bytes: 1_000)
        let admitted = (0..<4).map { budget.admits(bytes: 400, at: Self.at($0)) }
        #expect(admitted == [true, true, true, false])
    }

    @Test func `seconds are counted from a first line`() {
        var budget = OutputBudget(lines: 1, bytes: 1_000)
        #expect(!budget.isSpent(at: Self.at(0)))
        let admitted = [5_000, 5_999, 6_000].map { budget.admits(bytes: 1, at: Self.at($0)) }
        #expect(admitted == [true, false, true])
    }

    @Test func `a million bytes a second are a flood, lines or not`() {
        var budget = OutputBudget()
        budget.read((1 << 20) - 1, at: Self.at(0))
        #expect(!budget.isFlood(at: Self.at(0)))
        budget.read(1, at: Self.at(999))
        #expect(budget.isFlood(at: Self.at(999)) && !budget.isSpent(at: Self.at(999)))
        budget.read(1, at: Self.at(1_000))
        #expect(!budget.isFlood(at: Self.at(1_000)))
    }
}
