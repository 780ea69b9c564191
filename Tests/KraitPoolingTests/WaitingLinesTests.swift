import KraitTestSupport
import KraitWire
import Testing

@testable import KraitPooling

@Suite struct WaitingLinesTests {
    private func take(_ lines: inout WaitingLines) -> [Int] {
        var order: [Int] = []
        while let index = lines.takeFirst() { order.append(index) }
        return order
    }

    @Test func `one caller's calls leave as they came`() {
        var lines = WaitingLines()
        for index in 0..<5 { lines.add(index, of: 0, .normal) }
        #expect(lines.count == 5)
        #expect(take(&lines) == [0, 1, 2, 3, 4])
        #expect(lines.isEmpty && lines.takeFirst() == nil)
    }

    @Test func `callers are served in turn, however many calls each has`() {
        var lines = WaitingLines()
        for index in 0..<6 { lines.add(index, of: 1, .normal) }
        lines.add(10, of: 2, .normal)
        lines.add(20, of: 3, .normal)
        lines.add(21, of: 3, .normal)
        #expect(take(&lines) == [0, 10, 20, 1, 21, 2, 3, 4, 5])
    }

    @Test func `urgent calls go first, and the others have a turn now and then`() {
        var lines = WaitingLines()
        for index in 0..<30 { lines.add(index, of: 0, .high) }
        for index in 100..<102 { lines.add(index, of: 0, .normal) }
        for index in 200..<202 { lines.add(index, of: 0, .low) }
        let order = take(&lines)
        let patience = WaitingLines.patience
        #expect(Array(order.prefix(patience)) == Array(0..<patience))
        #expect(order.firstIndex(of: 200) == patience, "the one that waited longest")
        #expect(order.firstIndex(of: 100) == patience + 1)
        #expect(order.filter { $0 < 30 } == Array(0..<30))
        #expect(order.count == 34)
    }

    @Test func `one that comes back is the next of its caller`() {
        var lines = WaitingLines()
        for index in 0..<3 { lines.add(index, of: 7, .normal) }
        lines.add(9, of: 7, .normal, first: true)
        #expect(take(&lines) == [9, 0, 1, 2])
        lines.add(4, of: 7, .normal, first: true)
        #expect(take(&lines) == [4])
    }

    @Test(
        arguments: [
            // The new call's caller and priority, and who makes room.
            (1 as UInt64, CallPriority.low, nil as Int?),
            (1, .normal, 52), (1, .high, 52),
            (9, .low, 52), (9, .normal, 52),
        ] as [(UInt64, CallPriority, Int?)]
    )
    func `in a full queue the caller with the most calls of least priority makes room`(
        caller: UInt64,
        priority: CallPriority,
        victim: Int?
    ) {
        var lines = WaitingLines()
        for index in 0..<5 { lines.add(index, of: 1, .normal) }
        for index in 50..<53 { lines.add(index, of: 5, .low) }
        for index in 60..<62 { lines.add(index, of: 1, .low) }
        #expect(lines.victim(for: caller, priority) == victim)
    }

    @Test func `equals do not displace each other`() {
        var lines = WaitingLines()
        for index in 0..<2 { lines.add(index, of: 1, .normal) }
        lines.add(5, of: 2, .normal)
        #expect(lines.victim(for: 1, .normal) == nil, "its own calls are the most")
        #expect(lines.victim(for: 2, .normal) == nil, "it would have as many then")
        #expect(lines.victim(for: 3, .normal) == 1)
        #expect(lines.victim(for: 3, .low) == nil)
        #expect(WaitingLines().victim(for: 0, .high) == nil)
    }

    /// The same rules, said simply and slowly.
    private struct Model {
        var lanes: [[(caller: UInt64, calls: [Int])]] = [[], [], []]
        var passedOver = [0, 0, 0]

        mutating func add(_ index: Int, _ caller: UInt64, _ lane: Int, first: Bool) {
            let place = lanes[lane].firstIndex { $0.caller == caller }
            if let place {
                lanes[lane][place].calls.insert(
                    index,
                    at: first ? 0 : lanes[lane][place].calls.count
                )
            } else {
                lanes[lane].append((caller, [index]))
            }
        }

        mutating func remove(_ index: Int) {
            for lane in 0..<3 {
                for place in lanes[lane].indices.reversed() {
                    lanes[lane][place].calls.removeAll { $0 == index }
                    if lanes[lane][place].calls.isEmpty { lanes[lane].remove(at: place) }
                }
                if lanes[lane].isEmpty { passedOver[lane] = 0 }
            }
        }

        mutating func takeFirst() -> Int? {
            let waiting = (0..<3).filter { !lanes[$0].isEmpty }
            guard let most = waiting.last else { return nil }
            let lane = waiting.first { passedOver[$0] >= WaitingLines.patience } ?? most
            for lower in waiting where lower < lane { passedOver[lower] += 1 }
            passedOver[lane] = 0
            var line = lanes[lane].removeFirst()
            let index = line.calls.removeFirst()
            if !line.calls.isEmpty { lanes[lane].append(line) }
            if lanes[lane].isEmpty { passedOver[lane] = 0 }
            return index
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `at random, the lines agree with a simple model`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var (lines, model) = (WaitingLines(), Model())
        var waiting: Set<Int> = []
        for step in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let index = (0..<200).first { !waiting.contains($0) } ?? 0
                guard !waiting.contains(index) else { continue }
                let caller = UInt64.random(in: 0..<6, using: &random)
                let priority = CallPriority.allCases.randomElement(using: &random) ?? .normal
                let first = Int.random(in: 0..<10, using: &random) == 0
                lines.add(index, of: caller, priority, first: first)
                model.add(index, caller, priority.rawValue, first: first)
                waiting.insert(index)
            case 2:
                guard let index = waiting.min() else { continue }
                lines.remove(index)
                model.remove(index)
                waiting.remove(index)
            default:
                let (taken, expected) = (lines.takeFirst(), model.takeFirst())
                #expect(taken == expected, "step \(step)")
                if let taken { waiting.remove(taken) }
            }
            #expect(lines.count == waiting.count)
        }
    }
}
