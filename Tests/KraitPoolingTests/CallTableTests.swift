import KraitTestSupport
import Testing

@testable import KraitPooling

@Suite struct CallTableTests {
    @Test func `queued calls leave in the order in which they came`() {
        var table = CallTable()
        let ids = (0..<5).map { _ in table.enqueue(deadline: nil) }
        #expect(table.queued == 5)
        #expect(ids.map { _ in table.sendFirst(to: 0) } == ids)
        #expect(table.queued == 0 && table.sent == 5 && table.count == 5)
        #expect(table.sendFirst(to: 0) == nil)
    }

    @Test(arguments: [[0], [2], [4], [0, 4], [1, 2, 3], [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]])
    func `a call can leave from anywhere in the queue, and the others keep their order`(
        leaving: [Int]
    ) throws {
        var table = CallTable()
        let ids = (0..<5).map { _ in table.enqueue(deadline: nil) }
        for place in leaving { table.remove(try #require(table.index(of: ids[place]))) }
        let last = table.enqueue(deadline: nil)
        let left = (0..<5).filter { !leaving.contains($0) }.map { ids[$0] } + [last]
        #expect(table.queued == left.count)
        #expect(left.map { _ in table.sendFirst(to: 0) } == left)
        #expect(table.sendFirst(to: 0) == nil)
    }

    @Test func `a place is used again, under a new name`() throws {
        var table = CallTable()
        let first = table.addSent(to: 0, deadline: nil)
        table.remove(first.index)
        let second = table.enqueue(deadline: nil)
        #expect(second.index == first.index && second != first)
        #expect(table.index(of: first) == nil)
        #expect(table.index(of: second) == second.index)
        #expect(table.entries.count == 1)
    }

    @Test func `names that were never given away have no place`() {
        var table = CallTable()
        let id = table.enqueue(deadline: nil)
        #expect(table.index(of: CallID(rawValue: 0)) == nil)
        #expect(table.index(of: CallID(index: 1, generation: 1)) == nil)
        #expect(table.index(of: CallID(index: id.index, generation: id.generation + 1)) == nil)
        table.remove(id.index)
        #expect(table.index(of: table.id(at: id.index)) == nil, "a free place is nobody's")
    }

    @Test func `a name holds its place and generation, and is never zero`() {
        for index in [0, 1, CallTable.maximumCount - 1] {
            for generation in [1, 2, CallID.lastGeneration] {
                let id = CallID(index: index, generation: generation)
                #expect(id.index == index && id.generation == generation)
                #expect(id.rawValue != 0 && CallID(rawValue: id.rawValue) == id)
            }
        }
        #expect(CallID.generation(after: 1) == 2)
        #expect(CallID.generation(after: CallID.lastGeneration) == 1, "0 is nobody's")
    }

    @Test func `an abandoned call has no deadline and still counts as sent`() throws {
        var table = CallTable()
        let id = table.addSent(to: 3, deadline: at(5))
        table.abandon(id.index, at: at(1))
        #expect(table.entries[id.index].phase == .abandoned(worker: 3, since: at(1)))
        #expect(table.entries[id.index].deadline == nil)
        #expect(table.sent == 1 && table.index(of: id) == id.index)
        table.remove(id.index)
        #expect(table.sent == 0 && table.count == 0)
    }

    @Test func `the earliest deadline is never later than any call's`() {
        var table = CallTable()
        #expect(table.earliestDeadline == nil)
        _ = table.enqueue(deadline: nil)
        #expect(table.earliestDeadline == nil)
        let late = table.enqueue(deadline: at(30))
        let early = table.addSent(to: 0, deadline: at(10))
        _ = table.enqueue(deadline: at(20))
        #expect(table.earliestDeadline == at(10))
        table.remove(early.index)
        #expect(table.earliestDeadline == at(10), "a lower bound may stay behind")
        table.refreshEarliestDeadline()
        #expect(table.earliestDeadline == at(20))
        _ = table.sendFirst(to: 0)
        table.remove(late.index)
        table.refreshEarliestDeadline()
        #expect(table.earliestDeadline == at(20))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `at random, the table agrees with a plain list`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var table = CallTable()
        var queue: [CallID] = []
        var sent: [CallID] = []
        var over: [CallID] = []
        var most = 0
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1: queue.append(table.enqueue(deadline: nil))
            case 2: sent.append(table.addSent(to: 0, deadline: nil))
            case 3:
                let first = table.sendFirst(to: 0)
                #expect(first == queue.first)
                if first != nil { sent.append(queue.removeFirst()) }
            case 4 where !queue.isEmpty:
                let id = queue.remove(at: .random(in: queue.indices, using: &random))
                table.remove(try #require(table.index(of: id)))
                over.append(id)
            case 5 where !sent.isEmpty:
                let id = sent.remove(at: .random(in: sent.indices, using: &random))
                table.remove(try #require(table.index(of: id)))
                over.append(id)
            default: break
            }
            #expect(table.queued == queue.count && table.sent == sent.count)
            most = max(most, table.count)
        }
        #expect(over.allSatisfy { table.index(of: $0) == nil })
        #expect(Set(queue + sent + over).count == queue.count + sent.count + over.count)
        #expect(table.entries.count == most, "places are used again before new ones are made")
        #expect(queue.map { _ in table.sendFirst(to: 0) } == queue)
    }
}
